"""Loading the sandbox: whole, once, and keeping what people did since."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from qe_ban.accounts import service as accounts
from qe_ban.accounts.models import Resident, Staff
from qe_ban.accounts.service import residents
from qe_ban.app import Parts
from qe_ban.codes.models import Entitlement, SourceAnswer
from qe_ban.sandbox import loading, secrets_file
from qe_ban.sandbox.loading import Loader
from qe_ban.venues.models import Enrolment, Scanner, Venue
from tests.factories.venues import ScannerKey

TABLES = (Resident, Staff, Entitlement, SourceAnswer, Venue, Enrolment, Scanner)


@pytest.fixture
def loaded(parts: Parts, tmp_path):
    """Load (again) with the secrets of this test's home; gives the moment."""
    staff = secrets_file.complete(tmp_path)
    now = datetime.now(UTC)
    with parts.database.transaction() as session:
        Loader(parts.accounts, parts.city, {"medical"}).load(session, staff, now)
    return now


def counts(parts: Parts) -> dict[str, int]:
    with parts.database.transaction() as session:
        return {table.__tablename__: session.scalar(select(func.count()).select_from(table)) for table in TABLES}


def scanner(session: Session, venue_id: UUID, now: datetime) -> UUID:
    client = accounts.register_client(session, jwk=ScannerKey().jwk, now=now)
    session.add(Scanner(id=client, venue_id=venue_id, label="扫码枪", purposes=["identity-check"], enrolled_at=now))
    session.flush()
    return client


def answer(parts: Parts, phone: str, kind: str) -> SourceAnswer | None:
    with parts.database.transaction() as session:
        resident = residents.by_phone(parts.rings, session, phone)
        return session.scalar(
            select(SourceAnswer)
            .join(Entitlement, Entitlement.number == SourceAnswer.entitlement)
            .where(Entitlement.resident_id == resident.id, Entitlement.kind == kind)
        )


def test_everybody_with_a_phone_is_loaded(parts, loaded):
    made = counts(parts)
    assert made["residents"] == 7
    assert made["staff"] == 17
    assert made["venues"] == made["enrolments"] == 9
    with parts.database.transaction() as session:
        assert residents.by_phone(parts.rings, session, "13800000001").assurance == "verified"
        assert residents.by_phone(parts.rings, session, "13800000008").assurance == "none"


def test_a_second_load_adds_nothing(parts, loaded, tmp_path):
    before = counts(parts)
    with parts.database.transaction() as session:
        loader = Loader(parts.accounts, parts.city, {"medical"})
        loader.load(session, secrets_file.complete(tmp_path), datetime.now(UTC))
    assert counts(parts) == before


def test_the_registers_records_are_loaded_but_not_the_outside_sources(parts, loaded):
    assert answer(parts, "13800000003", "social").state == "suspended"
    assert answer(parts, "13800000003", "social").reason == "card_lost"
    assert answer(parts, "13800000001", "medical") is None
    yellow = answer(parts, "13800000002", "health")
    assert yellow.detail == {"level": "yellow"}
    assert yellow.expires_at == loaded + timedelta(days=14)


def test_a_used_enrolment_code_stays_used_until_it_is_renewed(parts, loaded, tmp_path):
    def used() -> int:
        with parts.database.transaction() as session:
            return session.scalar(select(func.count()).select_from(Enrolment).where(Enrolment.used_at.is_not(None)))

    with parts.database.transaction() as session:
        code = session.scalars(select(Enrolment).limit(1)).one()
        code.used_at, code.scanner_id = loaded, scanner(session, code.venue_id, loaded)
    with parts.database.transaction() as session:
        loader = Loader(parts.accounts, parts.city, ())
        loader.load(session, secrets_file.complete(tmp_path), datetime.now(UTC))
    assert used() == 1
    with parts.database.transaction() as session:
        codes = loading.renew_codes(session, parts.rings, parts.city, datetime.now(UTC))
    assert used() == 0
    assert len(codes) == 9
    assert "SANDBOX-GOV-0001" in codes
