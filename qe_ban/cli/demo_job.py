"""The main job once over HTTP: a resident shows a code, a new scanner verifies it, the resident sees who looked."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from gettext import gettext as _
from typing import Any
from uuid import uuid4

from qe_ban.cli import pictures, scanner_key, staff_token
from qe_ban.cli.api import TOKEN_PATH, Api
from qe_ban.cli.demo_pages import Pages, PagesJob
from qe_ban.cli.refusals import Refused
from qe_ban.codes import qr
from qe_ban.config import sandbox_data
from qe_ban.kernel.clock import system_clock
from qe_ban.sandbox.secrets_file import StaffSecrets

PURPOSE = "identity-check"
VENUE = {"name": "演示核验点", "district": "370202", "address": "青岛市市南区（演示）", "scene": "government"}
ADMIN = "city-admin"
QUERY, ITEM_NAME = "sbk", "社会保障卡"
"""What is searched for in the end, as people type it, and what the names that are found must hold."""


class StepFailed(Exception):
    """A step of the demonstration did not come out as it must."""

    def __init__(self, step: str, why: str) -> None:
        super().__init__(step, why)
        self.step, self.why = step, why


@dataclass(frozen=True, slots=True)
class Suggestions:
    """What was typed, and the names that were suggested for it."""

    query: str
    names: Sequence[str]


@dataclass(frozen=True, slots=True)
class Observations:
    """What the demonstration saw: wallet, verdict, the ledger's line, a code fresh enough to be scanned, and an item.

    `search`: what was typed, and the names suggested for it. `item`: the first result.
    """

    wallet: Sequence[Mapping[str, Any]]
    verdict: Mapping[str, Any]
    entry: Mapping[str, Any]
    code: Mapping[str, Any]
    search: Suggestions
    item: Mapping[str, Any]
    pages: Pages


class Job:
    """One run against one server. `step` is called with the name of each step before it is done."""

    def __init__(self, api: Api, staff: Sequence[StaffSecrets], step: Callable[[str], None]) -> None:
        self._api, self._tell = api, step
        self._staff = {member.username: member for member in staff}
        self._step = ""

    def run(self) -> Observations:
        """Do it. Raises StepFailed."""
        try:
            return self._run()
        except (Refused, KeyError, TypeError, ValueError) as error:
            reason = "; ".join(error.lines) if isinstance(error, Refused) else f"{type(error).__name__}: {error}"
            raise StepFailed(self._step, reason) from error

    def _run(self) -> Observations:
        self._begin(_("A resident signs in: one-time password, then face"))
        resident = self._sign_in(sandbox_data()["residents"][0]["phone"])
        self._begin(_("Opening the wallet, issuing five codes at once"))
        wallet = self._api.get("GET", "/codes", token=resident).data["items"]
        self._issue_all(resident, [kind["kind"] for kind in wallet])
        self._begin(_("Fetching the picture of the identity code, reading it with an independent decoder"))
        code = self._read_off_picture(resident, wallet)
        self._begin(_("A city administrator signs in and gets an enrolment code for the demonstration venue"))
        label = f"演示扫码枪 {secrets.token_hex(2)}"
        enrolment_code = self._enrolment_code(label)
        self._begin(_("A new scanner enrols and gets a token by its own key"))
        scanner, _answer = scanner_key.enrol(self._api, code=enrolment_code, label=label)
        token = scanner.sign_in(self._api, system_clock())["access_token"]
        self._begin(_("The scanner verifies the identity code"))
        verdict = self._verify(token, code)
        self._begin(_("The resident looks at the ledger"))
        entry = self._ledger_entry(resident, verdict["scan_id"])
        self._begin(_("Searching service items"))
        search, item = self._suggest(QUERY), self._find_first(QUERY)
        pages = PagesJob(self._api, self._begin, self._require, self._staff_token).run()
        fresh = self._api.get("POST", "/codes/identity/issue", token=resident).data
        return Observations(wallet, verdict, entry, fresh, search, item, pages)

    def _begin(self, step: str) -> None:
        self._step = step
        self._tell(step)

    def _require(self, holds: bool, why: str) -> None:
        if not holds:
            raise StepFailed(self._step, why)

    def _sign_in(self, phone: str) -> str:
        answer = self._api.get("POST", "/auth/otp", status=202, body={"phone": phone}).data
        form = {"grant_type": "otp", "phone": phone, "challenge": answer["challenge"], "otp": answer["otp"]}
        visitor = self._api.get("POST", TOKEN_PATH, body=form).data["access_token"]
        proof = {"method": "face", "proof": sandbox_data()["step_up_proof"]}
        token: str = self._api.get("POST", "/auth/step-up", token=visitor, body=proof).data["access_token"]
        return token

    def _issue_all(self, token: str, kinds: list[str]) -> None:
        issued = self._api.get("POST", "/codes/issue", token=token, body={"kinds": kinds}).data
        self._require(not issued["refused"], _("not issued: {refused}").format(refused=issued["refused"]))
        self._require(len(issued["codes"]) == len(kinds) == 5, _("there must be five codes"))

    def _read_off_picture(self, token: str, wallet: Sequence[Mapping[str, Any]]) -> str:
        display = next(kind["display"] for kind in wallet if kind["kind"] == "identity")
        png = self._api.get("POST", "/codes/identity/issue", token=token, headers={"Accept": "image/png"}).content
        text = pictures.text_of(png, _("picture of the identity code"))
        same = qr.png(text, title=display["title"], colour=display["colour"]) == png
        self._require(same, _("what was read is not what the picture was drawn from"))
        return text

    def _staff_token(self, username: str) -> str:
        """Sign a member of staff in."""
        return staff_token.sign_in(self._api, self._staff[username])

    def _enrolment_code(self, label: str) -> str:
        token = self._staff_token(ADMIN)
        venue_id = self._venue(token)
        invitation = {"purposes": [PURPOSE], "label": label}
        ticket = self._api.get("POST", f"/venues/{venue_id}/scanners", status=201, token=token, body=invitation)
        code: str = ticket.data["enrolment_code"]
        return code

    def _venue(self, token: str) -> str:
        """Find the venue that an earlier run made, or make it."""
        path: str | None = "/venues?limit=100"
        while path is not None:
            page = self._api.get("GET", path, token=token).data
            for venue in page["items"]:
                if venue["name"] == VENUE["name"]:
                    existing_id: str = venue["id"]
                    return existing_id
            path = f"/venues?limit=100&cursor={page['next']}" if page["next"] else None
        once = {"Idempotency-Key": str(uuid4())}
        new_id: str = self._api.get("POST", "/venues", status=201, token=token, body=VENUE, headers=once).data["id"]
        return new_id

    def _verify(self, token: str, code: str) -> Mapping[str, Any]:
        scan = {"scan_id": str(uuid4()), "code": code, "purpose": PURPOSE}
        verdict = self._api.get("POST", "/codes/verify", token=token, body=scan).data
        self._require(verdict["accepted"] is True, _("not accepted: {reason}").format(reason=verdict["reason"]))
        self._require(set(verdict["holder"]) == {"masked_name"}, _("only the masked name may be disclosed"))
        return verdict

    def _ledger_entry(self, token: str, scan_id: str) -> Mapping[str, Any]:
        entries = self._api.get("GET", "/codes/ledger", token=token).data["items"]
        entry: Mapping[str, Any] | None = next((row for row in entries if row["scan_id"] == scan_id), None)
        if entry is None:
            raise StepFailed(self._step, _("the ledger does not have this scan"))
        self._require(
            entry["accepted"] is True and entry["fields"] == ["masked_name"],
            _("the ledger says something else than the verdict"),
        )
        return entry

    def _suggest(self, query: str) -> Suggestions:
        names = [row["name"] for row in self._api.get("GET", f"/items/suggest?q={query}").data["items"]]
        self._require(
            any(ITEM_NAME in name for name in names),
            _("typing {typed} did not suggest an item of {meant}").format(typed=query, meant=ITEM_NAME),
        )
        return Suggestions(query, names)

    def _find_first(self, query: str) -> Mapping[str, Any]:
        items = self._api.get("GET", f"/items?q={query}").data["items"]
        self._require(
            bool(items) and ITEM_NAME in items[0]["name"],
            _("searching {typed} did not find an item of {meant}").format(typed=query, meant=ITEM_NAME),
        )
        return self._api.get("GET", f"/items/{items[0]['code']}").data
