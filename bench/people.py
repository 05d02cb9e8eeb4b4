"""Makes what the load needs: residents with wallets and tokens, scanners, and codes for them to scan."""

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import cycle, islice
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import insert

from bench.load import raw_request
from qe_ban.accounts import service as accounts
from qe_ban.accounts.models import Resident
from qe_ban.accounts.rules import SCANNER, STEPPED_UP, Assurance
from qe_ban.accounts.service import residents, tokens
from qe_ban.app import Services
from qe_ban.codes import service as codes
from qe_ban.codes.models import Entitlement, SourceAnswer
from qe_ban.codes.queries import Holding
from qe_ban.codes.rules import State
from qe_ban.kernel.identifiers import IdType, resident_id_check
from qe_ban.kernel.ids import new_id
from qe_ban.kernel.principal import PrincipalKind
from qe_ban.keys import data_keys, vault, wrapping
from qe_ban.keys.data_keys import Owner
from qe_ban.keys.models import Ring
from qe_ban.venues.models import Scanner, Venue

API = "/api/v1"
PURPOSE = "identity-check"
KINDS = ("identity", "health", "medical", "social", "dining")
DETAILS = {
    "medical": {"insured_type": "职工基本医疗保险", "insured_place": "青岛市"},
    "social": {"card_state": "正常"},
    "dining": {"meals": ["breakfast", "lunch", "dinner", "supper"]},
}
ALL_KINDS = json.dumps({"kinds": KINDS}).encode()


@dataclass(frozen=True, slots=True)
class Person:
    """A resident who is signed in and stepped up."""

    identity: Holding = field(repr=False)
    token: str = field(repr=False)


class People:
    """Residents and scanners in the database of an instance; whoever asks for requests gets each for somebody else."""

    def __init__(self, parts: Services, *, residents: int, scanners: int = 20) -> None:
        """Make them, in one transaction."""
        self._parts = parts
        now = parts.clock()
        self._persons = self._make_residents(residents, now)
        self._scanners = [self._make_scanner(number, now) for number in range(scanners)]
        self._next_person, self._next_scanner = cycle(self._persons), cycle(self._scanners)

    def codes(self, count: int) -> list[str]:
        """Return fresh identity codes of as many residents."""
        wallet, now = self._parts.get(codes.Wallet), self._parts.clock()
        holders = (person.identity for person in islice(cycle(self._persons), count))
        return [codes.issue(wallet, [identity], ["identity"], now).codes[0].code for identity in holders]

    def verify(self, count: int) -> list[bytes]:
        """Return scans of fresh codes, each under a scan_id of its own."""
        return [
            raw_request("POST", f"{API}/codes/verify", token=next(self._next_scanner), body=_scan(code))
            for code in self.codes(count)
        ]

    def wallet(self, count: int) -> Iterator[bytes]:
        """Yield requests for all five kinds."""
        for person in islice(self._next_person, count):
            yield raw_request("POST", f"{API}/codes/issue", token=person.token, body=ALL_KINDS)

    def one(self, count: int, accept: str = "application/json") -> Iterator[bytes]:
        """Yield requests for one kind."""
        for person in islice(self._next_person, count):
            yield raw_request("POST", f"{API}/codes/identity/issue", token=person.token, accept=accept)

    def pictures(self, count: int) -> Iterator[bytes]:
        """Return requests for one kind as a picture."""
        return self.one(count, "image/png")

    def _make_residents(self, count: int, now: datetime) -> list[Person]:
        with self._parts.database.transaction() as session:
            keys = data_keys.allocate_many(self._parts.rings, session, Owner.RESIDENT, count, now)
        rows = [self._resident(number, key, now) for number, key in enumerate(keys)]
        entitlement_rows = [{"resident_id": row["id"], "kind": kind, "made_at": now} for row in rows for kind in KINDS]
        with self._parts.database.transaction() as session:
            session.execute(insert(Resident), rows)
            entitlements = session.scalars(insert(Entitlement).returning(Entitlement), entitlement_rows).all()
            answers = [
                {"entitlement": one.number, "state": State.ACTIVE, "detail": DETAILS[one.kind], "as_of": now,
                 "asked_at": now}
                for one in entitlements if one.kind in DETAILS
            ]  # fmt: skip
            session.execute(insert(SourceAnswer), answers)
        numbers = {one.resident_id: one.number for one in entitlements if one.kind == "identity"}
        return [self._person(row, numbers[row["id"]], now) for row in rows]

    def _person(self, row: dict[str, Any], number: int, now: datetime) -> Person:
        identity = Holding(
            number, "identity", None, row["id"], row["id_type"], row["name_sealed"], row["id_number_sealed"], None
        )
        return Person(identity, self._token(PrincipalKind.RESIDENT, row["id"], STEPPED_UP, now))

    def _resident(self, number: int, key: int, now: datetime) -> dict[str, Any]:
        rings, resident, phone = self._parts.rings, new_id(), f"13{number:09d}"
        body = f"3702021990{1 + number // 28 % 12:02d}{1 + number % 28:02d}{number % 1000:03d}"
        document = body + resident_id_check(body)
        return {
            "id": resident,
            "phone_index": rings.blind(Ring.BLIND_PHONE, phone)[0],
            "phone_sealed": vault.seal(rings, residents.PHONE, resident, phone, now, data_key=key),
            "id_type": IdType.RESIDENT_ID.value,
            # several may have one number here: it is the account's id that keeps the index unique
            "id_index": residents.id_index(rings, IdType.RESIDENT_ID, f"{document}/{resident}")[0],
            "name_sealed": vault.seal(rings, residents.NAME, resident, "王小明", now, data_key=key),
            "id_number_sealed": vault.seal(rings, residents.ID_NUMBER, resident, document, now, data_key=key),
            "assurance": Assurance.VERIFIED.value,
            "verified_at": now,
            "created_at": now,
            "data_key": key,
        }

    def _make_scanner(self, number: int, now: datetime) -> str:
        key, venue = ec.generate_private_key(ec.SECP256R1()).public_key(), new_id()
        place = {"name": f"办事大厅{number}", "district": "370202", "address": "香港中路11号", "scene": "government"}
        with self._parts.database.transaction() as session:
            session.add(Venue(id=venue, created_at=now, **place))
            client = accounts.register_client(session, jwk=wrapping.public_jwk(key, ""), now=now)
            session.flush()
            session.add(Scanner(id=client, venue_id=venue, label="1号", purposes=[PURPOSE], enrolled_at=now))
        return self._token(PrincipalKind.SCANNER, client, SCANNER, now)

    def _token(self, kind: PrincipalKind, subject: uuid.UUID, scopes: frozenset[str], now: datetime) -> str:
        stepped_up = now if kind is PrincipalKind.RESIDENT else None
        return tokens.access(
            self._parts.get(accounts.Accounts), kind=kind, subject=subject, session=new_id(), scopes=scopes, now=now,
            stepped_up_at=stepped_up,
        ).access  # fmt: skip


def _scan(code: str) -> bytes:
    return json.dumps({"scan_id": str(uuid.uuid4()), "code": code, "purpose": PURPOSE}).encode()
