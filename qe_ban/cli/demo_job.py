"""The main job once over HTTP: a resident shows a code, a new scanner verifies it, the resident sees who looked."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
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
TYPED, MEANT = "sbk", "社会保障卡"
"""What is searched for in the end, as people type it, and what the names that are found must hold."""


class StepFailed(Exception):
    """A step of the demonstration did not come out as it must."""

    def __init__(self, step: str, why: str) -> None:
        super().__init__(step, why)
        self.step, self.why = step, why


@dataclass(frozen=True, slots=True)
class Suggested:
    """What was typed, and the names that were suggested for it."""

    typed: str
    names: Sequence[str]


@dataclass(frozen=True, slots=True)
class Shown:
    """What the demonstration saw: wallet, verdict, the ledger's line, a code fresh enough to be scanned, and an item.

    `search`: what was typed, and the names suggested for it. `item`: the first that was found.
    """

    wallet: Sequence[Mapping[str, Any]]
    verdict: Mapping[str, Any]
    entry: Mapping[str, Any]
    code: Mapping[str, Any]
    search: Suggested
    item: Mapping[str, Any]
    pages: Pages


class Job:
    """One run against one server. `step` is called with the name of each step before it is done."""

    def __init__(self, api: Api, staff: Sequence[StaffSecrets], step: Callable[[str], None]) -> None:
        self._api, self._tell = api, step
        self._staff = {member.username: member for member in staff}
        self._step = ""

    def run(self) -> Shown:
        """Do it. Raises StepFailed."""
        try:
            return self._run()
        except (Refused, KeyError, TypeError, ValueError) as error:
            told = "; ".join(error.lines) if isinstance(error, Refused) else f"{type(error).__name__}: {error}"
            raise StepFailed(self._step, told) from error

    def _run(self) -> Shown:
        self._begin("居民登录：短信验证码，再做人脸核验")
        resident = self._sign_in(sandbox_data()["residents"][0]["phone"])
        self._begin("打开码包，一次签发五个码")
        wallet = self._api.get("GET", "/codes", token=resident).data["items"]
        self._issue_all(resident, [kind["kind"] for kind in wallet])
        self._begin("取身份码图片，用独立的解码器读出")
        code = self._read_off_picture(resident, wallet)
        self._begin("市级管理员登录，为演示核验点取得注册码")
        label = f"演示扫码枪 {secrets.token_hex(2)}"
        enrolment_code = self._enrolment_code(label)
        self._begin("新设备注册，凭自己的密钥换取令牌")
        scanner, _ = scanner_key.enrol(self._api, code=enrolment_code, label=label)
        token = scanner.sign_in(self._api, system_clock())["access_token"]
        self._begin("设备核验身份码")
        verdict = self._verify(token, code)
        self._begin("居民查看用码记录")
        entry = self._ledger_entry(resident, verdict["scan_id"])
        self._begin("搜索政务服务事项")
        search, item = self._suggested(TYPED), self._first_found(TYPED)
        pages = PagesJob(self._api, self._begin, self._require, self._staff_token).run()
        fresh = self._api.get("POST", "/codes/identity/issue", token=resident).data
        return Shown(wallet, verdict, entry, fresh, search, item, pages)

    def _begin(self, step: str) -> None:
        self._step = step
        self._tell(step)

    def _require(self, holds: bool, why: str) -> None:
        if not holds:
            raise StepFailed(self._step, why)

    def _sign_in(self, phone: str) -> str:
        sent = self._api.get("POST", "/auth/otp", status=202, body={"phone": phone}).data
        form = {"grant_type": "otp", "phone": phone, "challenge": sent["challenge"], "otp": sent["otp"]}
        visitor = self._api.get("POST", TOKEN_PATH, body=form).data["access_token"]
        proof = {"method": "face", "proof": sandbox_data()["step_up_proof"]}
        token: str = self._api.get("POST", "/auth/step-up", token=visitor, body=proof).data["access_token"]
        return token

    def _issue_all(self, token: str, kinds: list[str]) -> None:
        issued = self._api.get("POST", "/codes/issue", token=token, body={"kinds": kinds}).data
        self._require(not issued["refused"], f"未签发：{issued['refused']}")
        self._require(len(issued["codes"]) == len(kinds) == 5, "应有五个码")

    def _read_off_picture(self, token: str, wallet: Sequence[Mapping[str, Any]]) -> str:
        display = next(kind["display"] for kind in wallet if kind["kind"] == "identity")
        png = self._api.get("POST", "/codes/identity/issue", token=token, headers={"Accept": "image/png"}).content
        text = pictures.text_of(png, "身份码图片")
        same = qr.png(text, title=display["title"], colour=display["colour"]) == png
        self._require(same, "解码所得内容与图片不一致")
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
                    found: str = venue["id"]
                    return found
            path = f"/venues?limit=100&cursor={page['next']}" if page["next"] else None
        once = {"Idempotency-Key": str(uuid4())}
        made: str = self._api.get("POST", "/venues", status=201, token=token, body=VENUE, headers=once).data["id"]
        return made

    def _verify(self, token: str, code: str) -> Mapping[str, Any]:
        scan = {"scan_id": str(uuid4()), "code": code, "purpose": PURPOSE}
        verdict = self._api.get("POST", "/codes/verify", token=token, body=scan).data
        self._require(verdict["accepted"] is True, f"未通过：{verdict['reason']}")
        self._require(set(verdict["holder"]) == {"masked_name"}, "应只披露脱敏姓名")
        return verdict

    def _ledger_entry(self, token: str, scan_id: str) -> Mapping[str, Any]:
        entries = self._api.get("GET", "/codes/ledger", token=token).data["items"]
        entry: Mapping[str, Any] | None = next((row for row in entries if row["scan_id"] == scan_id), None)
        if entry is None:
            raise StepFailed(self._step, "用码记录中没有这次核验")
        self._require(entry["accepted"] is True and entry["fields"] == ["masked_name"], "用码记录与核验结果不符")
        return entry

    def _suggested(self, typed: str) -> Suggested:
        names = [row["name"] for row in self._api.get("GET", f"/items/suggest?q={typed}").data["items"]]
        self._require(any(MEANT in name for name in names), f"输入 {typed} 时没有提示{MEANT}的事项")
        return Suggested(typed, names)

    def _first_found(self, typed: str) -> Mapping[str, Any]:
        found = self._api.get("GET", f"/items?q={typed}").data["items"]
        self._require(bool(found) and MEANT in found[0]["name"], f"搜索 {typed} 没有找到{MEANT}的事项")
        return self._api.get("GET", f"/items/{found[0]['code']}").data
