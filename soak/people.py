"""Who takes part: residents that are made for it, scanners that enrol for it, and how both sign in."""

import secrets
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID

from qe_ban import app
from qe_ban.accounts import service as accounts
from qe_ban.accounts.service import Accounts
from qe_ban.cli import installation, scanner_key, staff_token
from qe_ban.cli.api import TOKEN_PATH, Api
from qe_ban.cli.scanner_key import ScannerKey
from qe_ban.codes import service as codes
from qe_ban.codes.service import Answer, State
from qe_ban.config import sandbox_data
from qe_ban.kernel.clock import system_clock
from qe_ban.kernel.identifiers import IdType, resident_id_check
from qe_ban.sandbox.secrets_file import StaffSecrets

MEALS = {"meals": ["breakfast", "lunch", "dinner", "supper"]}
BORN = date(1960, 1, 1)
ADMIN = "city-admin"
SECOND = "shinan-admin"
"""Approves what the administrator proposes: scanners that learn who somebody is."""
PLACE = {"district": "370202", "address": "青岛市市南区（耐久试验）"}


@dataclass(slots=True)
class Person:
    """A resident with a phone; `token` of a session that has stepped up, empty before the first sign-in."""

    phone: str
    token: str = field(default="", repr=False)
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def sign_in(self, api: Api) -> None:
        """Get a token by a one-time password and a step-up. Raises Away, Refused."""
        sent = api.get("POST", "/auth/otp", status=202, body={"phone": self.phone}).data
        form = {"grant_type": "otp", "phone": self.phone, "challenge": sent["challenge"], "otp": sent["otp"]}
        visitor = api.get("POST", TOKEN_PATH, body=form).data["access_token"]
        proof = {"method": "face", "proof": sandbox_data()["step_up_proof"]}
        self.token = api.get("POST", "/auth/step-up", token=visitor, body=proof).data["access_token"]


@dataclass(slots=True)
class Terminal:
    """An enrolled scanner for one purpose."""

    key: ScannerKey = field(repr=False)
    purpose: str
    token: str = field(default="", repr=False)

    @property
    def id(self) -> UUID:
        """Its scanner_id."""
        return UUID(self.key.scanner_id)

    def sign_in(self, api: Api) -> None:
        """Get a token by its own key. Raises Away, Refused."""
        self.token = self.key.sign_in(api, system_clock())["access_token"]


@dataclass(slots=True)
class Clerk:
    """A member of staff."""

    secrets: StaffSecrets = field(repr=False)
    token: str = field(default="", repr=False)

    def sign_in(self, api: Api) -> None:
        """Get a token by password and TOTP. Raises Away, Refused."""
        self.token = staff_token.sign_in(api, self.secrets)


def residents(home: Path, count: int) -> list[Person]:
    """Make at most 9,999 residents with names and all meals, in the database of a home that runs. Raises Refused."""
    run = secrets.randbelow(10**5)
    now = system_clock()
    with installation.open_installation(home) as sandbox:
        parts = app.assemble(sandbox.settings, pool=1)
        people = []
        try:
            with parts.database.transaction() as session:
                for number in range(count):
                    phone = f"17{run:05d}{number:04d}"
                    name = accounts.RealName("耐久试", IdType.RESIDENT_ID, _document(run, number))
                    resident = accounts.seed_resident(parts.get(Accounts), session, phone=phone, said=name, now=now)
                    answer = Answer(State.ACTIVE, now, now, None, dict(MEALS))
                    codes.record_answer(session, resident, "dining", answer, None)
                    people.append(Person(phone))
        finally:
            parts.database.dispose()
    return people


def _document(run: int, number: int) -> str:
    body = f"370202{BORN + timedelta(days=(run + number // 1000) % 18000):%Y%m%d}{number % 1000:03d}"
    return body + resident_id_check(body)


def terminals(api: Api, clerk: Clerk, second: Clerk, scene: str, purpose: str, count: int) -> Sequence[Terminal]:
    """Make a venue and enrol scanners at it, as an administrator and installers do; a second one approves where due.

    Raises Away, Refused.
    """
    venue = {"name": f"耐久试验 {purpose} {secrets.token_hex(4)}", "scene": scene, **PLACE}
    venue_id = api.get("POST", "/venues", status=201, token=clerk.token, body=venue).data["id"]
    scanners = []
    for number in range(count):
        invitation = {"purposes": [purpose], "label": f"{number + 1}号"}
        ticket = api.get("POST", f"/venues/{venue_id}/scanners", status=201, token=clerk.token, body=invitation).data
        if ticket["state"] == "pending_approval":
            ticket = api.get("POST", f"/venues/invitations/{ticket['id']}/approve", token=second.token).data
        key, _ = scanner_key.enrol(api, code=ticket["enrolment_code"], label=f"{number + 1}号")
        terminal = Terminal(key, purpose)
        terminal.sign_in(api)
        scanners.append(terminal)
    return scanners
