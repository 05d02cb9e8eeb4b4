"""Loading the sandbox: whole, once, and keeping what people did since."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from qe_ban.accounts import service as accounts
from qe_ban.accounts.adapters.real_name import Claim
from qe_ban.accounts.models import Guardianship, Resident, Staff
from qe_ban.accounts.service import Accounts, residents
from qe_ban.app import Services
from qe_ban.codes.models import Entitlement, SourceAnswer
from qe_ban.config import sandbox_data
from qe_ban.kernel.identifiers import IdType, normalise
from qe_ban.sandbox import loading, secrets_file
from qe_ban.sandbox.loading import Loader
from qe_ban.venues.models import Enrolment, Scanner, Venue
from tests.factories.venues import ScannerKey

TABLES = (Guardianship, Resident, Staff, Entitlement, SourceAnswer, Venue, Enrolment, Scanner)


@pytest.fixture
def first_load(parts: Services, tmp_path):
    """Load (again) with the secrets of this test's home; return the moment."""
    staff = secrets_file.complete(tmp_path)
    now = datetime.now(UTC)
    with parts.database.transaction() as session:
        Loader(parts.get(Accounts), parts.city, {"medical"}).load(session, staff, now)
    return now


def counts(parts: Services) -> dict[str, int]:
    with parts.database.transaction() as session:
        return {table.__tablename__: session.scalar(select(func.count()).select_from(table)) for table in TABLES}


def scanner(session: Session, venue_id: UUID, now: datetime) -> UUID:
    client = accounts.register_client(session, jwk=ScannerKey().jwk, now=now)
    session.add(Scanner(id=client, venue_id=venue_id, label="扫码枪", purposes=["identity-check"], enrolled_at=now))
    session.flush()
    return client


def answer(parts: Services, phone: str, kind: str) -> SourceAnswer | None:
    with parts.database.transaction() as session:
        resident = residents.by_phone(parts.rings, session, phone)
        return session.scalar(
            select(SourceAnswer)
            .join(Entitlement, Entitlement.number == SourceAnswer.entitlement)
            .where(Entitlement.resident_id == resident.id, Entitlement.kind == kind)
        )


def test_everybody_is_loaded(parts, first_load):
    totals = counts(parts)
    assert totals["residents"] == 10
    assert totals["staff"] == 22
    assert totals["guardianships"] == 1
    assert totals["venues"] == totals["enrolments"] == 9
    with parts.database.transaction() as session:
        assert residents.by_phone(parts.rings, session, "13800000001").assurance == "verified"
        assert residents.by_phone(parts.rings, session, "13800000008").assurance == "none"


def test_a_second_load_adds_nothing(parts, first_load, tmp_path):
    before = counts(parts)
    with parts.database.transaction() as session:
        loader = Loader(parts.get(Accounts), parts.city, {"medical"})
        loader.load(session, secrets_file.complete(tmp_path), datetime.now(UTC))
    assert counts(parts) == before


def test_the_registers_records_are_loaded_but_not_the_outside_sources(parts, first_load):
    assert answer(parts, "13800000003", "social").state == "suspended"
    assert answer(parts, "13800000003", "social").reason == "card_lost"
    assert answer(parts, "13800000001", "medical") is None
    yellow = answer(parts, "13800000002", "health")
    assert yellow.detail == {"level": "yellow"}
    assert yellow.expires_at == first_load + timedelta(days=14)


def test_a_used_enrolment_code_stays_used_until_it_is_renewed(parts, first_load, tmp_path):
    def used() -> int:
        with parts.database.transaction() as session:
            return session.scalar(select(func.count()).select_from(Enrolment).where(Enrolment.used_at.is_not(None)))

    with parts.database.transaction() as session:
        code = session.scalars(select(Enrolment).limit(1)).one()
        code.used_at, code.scanner_id = first_load, scanner(session, code.venue_id, first_load)
    with parts.database.transaction() as session:
        loader = Loader(parts.get(Accounts), parts.city, ())
        loader.load(session, secrets_file.complete(tmp_path), datetime.now(UTC))
    assert used() == 1
    with parts.database.transaction() as session:
        codes = loading.renew_codes(session, parts.rings, parts.city, datetime.now(UTC))
    assert used() == 0
    assert len(codes) == 9
    assert "SANDBOX-GOV-0001" in codes


def test_a_child_is_loaded_with_the_guardian_and_the_registers_records(parts, first_load):
    with parts.database.transaction() as session:
        guardian = residents.by_phone(parts.rings, session, "13800000001")
        child = residents.by_id_number(parts.rings, session, IdType.RESIDENT_ID, "370202201805300069")
        guardianship = session.scalars(select(Guardianship).where(Guardianship.guardian_id == guardian.id)).one()
        acting = accounts.acting_for(session, guardian=guardian.id, ward=guardianship.id, now=first_load)
        kinds = session.scalars(
            select(Entitlement.kind)
            .join(SourceAnswer, SourceAnswer.entitlement == Entitlement.number)
            .where(Entitlement.resident_id == child.id)
        ).all()
    assert (acting, child.phone_sealed) == (child.id, None)
    assert guardianship.ends_at == datetime(2036, 5, 29, 16, tzinfo=UTC)
    assert {"social", "dining"} <= set(kinds)


def test_a_guardianship_that_somebody_ended_is_not_loaded_again(parts, first_load, tmp_path):
    with parts.database.transaction() as session:
        guardianship = session.scalars(select(Guardianship)).one()
        guardianship.state, guardianship.ended_at, guardianship.ended_by = "ended", first_load, "guardian"
    with parts.database.transaction() as session:
        Loader(parts.get(Accounts), parts.city, ()).load(session, secrets_file.complete(tmp_path), datetime.now(UTC))
        (row,) = session.scalars(select(Guardianship))
        assert row.state == "ended"
        row.state, row.ended_at, row.ended_by = "active", None, None


def test_the_sandboxs_register_knows_the_children_and_the_old_parent(parts):
    register, people = parts.get(Accounts).real_name, {row["name"]: row for row in sandbox_data()["residents"]}

    def claim(name):
        return Claim(name, IdType.RESIDENT_ID, people[name]["id_number"])

    for name in ("测试己", "测试辛", "测试壬"):
        assert register.confirms(claim(name))
        assert normalise(IdType.RESIDENT_ID, people[name]["id_number"], date(2026, 10, 2))
    assert register.has_custody(claim("测试甲"), claim("测试己"))
    assert register.has_custody(claim("测试乙"), claim("测试辛"))
    assert not register.has_custody(claim("测试丙"), claim("测试辛"))
    assert not register.has_custody(claim("测试丙"), claim("测试壬"))
