"""A small city for the wallet's tests: residents with confirmed names, scanners at venues, codes of every profile."""

import secrets
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import base45
import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from sqlalchemy import func, select

from qe_ban.accounts import service as accounts
from qe_ban.accounts.models import Guardianship, RefreshFamily, Staff
from qe_ban.accounts.rules import SCANNER, STEPPED_UP, staff_scopes
from qe_ban.accounts.service import Accounts, residents, tokens, wards
from qe_ban.accounts.service.wards import held
from qe_ban.app import Services
from qe_ban.audit import service as audit
from qe_ban.codes import service as codes
from qe_ban.codes import token
from qe_ban.codes.models import Entitlement
from qe_ban.codes.rules import Answer, State
from qe_ban.codes.service import Wallet, answers
from qe_ban.kernel.city import CodeKind
from qe_ban.kernel.identifiers import IdType, resident_id_check
from qe_ban.kernel.ids import new_id
from qe_ban.kernel.principal import Place, Principal, PrincipalKind
from qe_ban.keys import vault, wrapping
from qe_ban.keys.models import Key, Ring
from qe_ban.venues.models import Scanner, Venue
from tests.factories.accounts import StaffFactory

ALL_MEALS = {"meals": ["breakfast", "lunch", "dinner", "supper"]}
INSURANCE = {"insured_type": "职工基本医疗保险", "insured_place": "青岛市"}
PROFILE_NUMBER = {"issued": 1, "pass": 2, "printed": 3}
SEAL = {"issued": Ring.SEAL_ISSUED, "pass": Ring.SEAL_PASS, "printed": Ring.SEAL_PRINTED}


@dataclass
class Person:
    id: uuid.UUID
    phone: str
    name: str
    id_number: str
    access: str
    numbers: dict[str, int] = field(default_factory=dict)

    @property
    def headers(self):
        return {"Authorization": f"Bearer {self.access}"}


@dataclass
class Terminal:
    id: uuid.UUID
    venue: uuid.UUID
    access: str

    @property
    def headers(self):
        return {"Authorization": f"Bearer {self.access}"}


def id_number(born="19900307"):
    body = f"370202{born}{secrets.randbelow(1000):03d}"
    return body + resident_id_check(body)


TURNING_OVER = 7_201
"""The advisory lock of whoever turns over: of tests at the same time one after the other."""


def turn_over(database, rings):
    with database.transaction() as session:
        session.execute(select(func.pg_advisory_xact_lock(TURNING_OVER)))
        requests = codes.turn_over_requests(session, rings)
        accounts.turn_over_consents(session, rings, datetime.now(UTC))
        return requests


class Town:
    """Makes people, terminals and codes in the database of the test run."""

    def __init__(self, parts: Services):
        self.parts = parts
        self.printing_key = None

    @property
    def now(self):
        return datetime.now(UTC)

    def resident(self, *, born="19900307", step_up=True, has_real_name=True, records=True):
        now, rings = self.now, self.parts.rings
        phone = f"1390{secrets.randbelow(10**7):07d}"
        number, name = id_number(born), "测试甲"
        with self.parts.database.transaction() as session:
            resident = residents.of_phone(rings, session, phone=phone, now=now)
            if has_real_name:
                row = session.get_one(residents.Resident, resident)
                row.id_type = IdType.RESIDENT_ID.value
                row.id_index, row.id_index_next = residents.id_index(rings, IdType.RESIDENT_ID, number + str(resident))
                key = row.data_key
                row.name_sealed = vault.seal(rings, residents.NAME, resident, name, now, data_key=key)
                row.id_number_sealed = vault.seal(rings, residents.ID_NUMBER, resident, number, now, data_key=key)
                row.assurance, row.verified_at = "verified", now
                session.flush()
                codes.open_wallet(session, resident, now)
            numbers = {
                row.kind: row.number for row in session.query(Entitlement).filter(Entitlement.resident_id == resident)
            }
        person = Person(resident, phone, name, number, self.access(resident, step_up=step_up), numbers)
        if records and has_real_name:
            self.record(person, "medical", detail=INSURANCE)
            self.record(person, "social", detail={"card_state": "正常"})
            self.record(person, "dining", detail=ALL_MEALS)
        return person

    def access(self, resident, *, step_up=True, stepped_up_at=None):
        sign_in, now = new_id(), self.now
        with self.parts.database.transaction() as session:
            session.add(
                RefreshFamily(
                    id=sign_in,
                    kind="resident",
                    principal_id=resident,
                    started_at=now,
                    expires_at=now + timedelta(days=1),
                )
            )
        return tokens.access(
            self.parts.get(Accounts),
            kind=PrincipalKind.RESIDENT,
            subject=resident,
            session=sign_in,
            scopes=STEPPED_UP,
            now=self.now,
            stepped_up_at=(stepped_up_at or self.now) if step_up else None,
        ).access

    def guard(self, guardian, ward, *, state="active", ends_at=None, basis="custody"):
        """Let one person act for another; gives what `?for=` takes."""
        guardianship_id, now, rings = new_id(), self.now, self.parts.rings
        row = Guardianship(
            id=guardianship_id,
            guardian_id=guardian.id,
            ward_id=None if state == "pending" else ward.id,
            id_type=IdType.RESIDENT_ID.value,
            relation="parent",
            basis=basis,
            state=state,
            requested_at=now,
            ends_at=ends_at,
            confirmed_at=None if state == "pending" else now,
            confirmed_by=None if state == "pending" else "register",
            ended_at=now if state == "ended" else None,
            ended_by="guardian" if state == "ended" else None,
        )
        if state == "pending":
            row.name_sealed = vault.seal(rings, held.NAME, guardianship_id, ward.name, now)
            row.id_number_sealed = vault.seal(rings, held.ID_NUMBER, guardianship_id, ward.id_number, now)
            row.ward_mac = held.number_macs(rings, IdType.RESIDENT_ID, ward.id_number)[0]
        with self.parts.database.transaction() as session:
            session.add(row)
        return str(guardianship_id)

    def unguard(self, guardian, guardianship):
        """End a guardianship as its guardian."""
        change = audit.Change(Principal(PrincipalKind.RESIDENT, guardian.id, STEPPED_UP, new_id()), self.now)
        with self.parts.database.transaction() as session:
            wards.end_ward(self.parts.get(Accounts), session, guardianship_id=uuid.UUID(guardianship), change=change)

    def staff(self, *roles, age=timedelta(0), **place):
        """Make a member of staff whose account is so old; gives the headers of a token."""
        member, now = StaffFactory(roles=roles, place=Place(**place)), self.now
        id_ = member.create(self.parts.database, self.parts.rings, now)
        with self.parts.database.transaction() as session:
            session.get_one(Staff, id_).created_at = now - age
        access = tokens.access(
            self.parts.get(Accounts),
            kind=PrincipalKind.STAFF,
            subject=id_,
            session=new_id(),
            scopes=staff_scopes(roles),
            roles=roles,
            place=member.place,
            now=now,
        ).access
        return {"Authorization": f"Bearer {access}"}

    def record(self, person, kind, state=State.ACTIVE, *, reason=None, detail=None, age=timedelta(0), expires_at=None):
        at = self.now - age
        with self.parts.database.transaction() as session:
            codes.record_answer(
                session, person.id, kind, Answer(state, at, at, reason, detail or {}), expires_at=expires_at
            )

    def keep_answer(self, person, kind, state=State.ACTIVE, *, reason=None, detail=None, age=timedelta(0)):
        """Keep what an outside source of the kind said so long ago."""
        at = self.now - age
        entitlement = answers.EntitlementKey(person.id, kind, person.numbers[kind])
        with self.parts.database.statements() as connection:
            answers.keep(
                connection, self.parts.get(Wallet), entitlement, None, Answer(state, at, at, reason, detail or {})
            )

    def turn_over(self):
        """Give residents what scans asked, and write what they decided, as the worker does; gives how many requests."""
        return turn_over(self.parts.database, self.parts.rings)

    def terminal(self, *purposes, scene=None, venue=None, district="370202", at=None):
        """Enrol a scanner; `at` is the moment at which its token is issued."""
        now, key = self.now, ec.generate_private_key(ec.SECP256R1())
        scene = scene or (self.parts.city.purposes[purposes[0]].scene if purposes else "government")
        with self.parts.database.transaction() as session:
            if venue is None:
                venue = new_id()
                session.add(
                    Venue(
                        id=venue,
                        name="办事大厅",
                        district=district,
                        address="香港中路11号",
                        scene=scene,
                        created_at=now,
                    )
                )
            client = accounts.register_client(session, jwk=wrapping.public_jwk(key.public_key(), "x"), now=now)
            session.flush()
            session.add(Scanner(id=client, venue_id=venue, label="1号", purposes=list(purposes), enrolled_at=now))
        return Terminal(client, venue, self.scanner_token(client, at or now))

    def scanner_token(self, scanner, at=None):
        """Return an access token of a scanner, issued at a moment: now where none is given."""
        return tokens.access(
            self.parts.get(Accounts),
            kind=PrincipalKind.SCANNER,
            subject=scanner,
            session=scanner,
            scopes=SCANNER,
            now=at or self.now,
        ).access

    def cti(self, number, profile="issued", at=None, *, guardian=False):
        _, key = self.parts.rings.daily(SEAL[profile], (at or self.now).date())
        return token.seal(key, entitlement=number, guardian=guardian, random=secrets.token_bytes(8))

    def claims(self, number, kind, profile="issued", *, at=None, life=60, index=7, guardian=False, **extra):
        at = at or self.now
        qe = [PROFILE_NUMBER[profile], CodeKind[kind.upper()] if isinstance(kind, str) else kind]
        if profile != "issued":
            qe.append(index)
        start = int(at.timestamp())
        return {4: start + life, 6: start, 7: self.cti(number, profile, at, guardian=guardian), -70001: qe} | {
            int(name): value for name, value in extra.items()
        }

    def code(self, number, kind, profile="issued", *, key=None, **options):
        """Sign a code that the product itself may never have made."""
        signing = key or self._signing(profile, options.get("at"))
        return text(sign1(self.claims(number, kind, profile, **options), *signing))

    def presented(self, number, kind, *, shown_at=None, cti=None, at=None):
        phone = ec.generate_private_key(ec.SECP256R1())
        point = phone.public_key().public_numbers()
        cnf = {1: {1: 2, -1: 1, -2: point.x.to_bytes(32, "big"), -3: bool(point.y & 1)}}
        claims = self.claims(number, kind, "pass", at=at, life=3600) | {8: cnf}
        if cti is not None:
            claims[7] = cti
        inner = sign1(claims, *self._signing("pass"))
        seconds = int((shown_at or self.now).timestamp())
        return text(sign1({6: seconds, -70002: inner}, phone, None))

    def _signing(self, profile, at=None):
        if profile != "printed":
            key = self.parts.rings.signing(Ring.CODE, min(at or self.now, self.now))
            return key.private, key.kid
        if self.printing_key is None:
            master = self.parts.settings.master_key
            with self.parts.database.transaction() as session:
                row = session.scalars(select(Key).where(Key.ring == Ring.CODE_PRINTED)).one()
            secret = wrapping.unwrap(master, row.kid, row.ring, row.wrapped)
            self.printing_key = wrapping.private_key(secret), bytes.fromhex(row.kid)
        return self.printing_key


def sign1(claims, key, kid):
    """Make a COSE_Sign1 with cbor2 and cryptography alone."""
    protected_header = cbor2.dumps({1: -7, 4: kid} if kid is not None else {1: -7})
    payload = cbor2.dumps(claims)
    signature = key.sign(cbor2.dumps(["Signature1", protected_header, b"", payload]), ec.ECDSA(hashes.SHA256()))
    r, s = decode_dss_signature(signature)
    return cbor2.dumps(
        cbor2.CBORTag(18, [protected_header, {}, payload, r.to_bytes(32, "big") + s.to_bytes(32, "big")])
    )


def text(data):
    return "QE1:" + base45.b45encode(data).decode()
