"""What the tables of sign-ins tell whoever stole them: days, and of residents nothing that names them."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from qe_ban.accounts import errors, service
from qe_ban.accounts.models import RefreshFamily, RefreshToken, Revocation
from qe_ban.accounts.service import Tokens, families, reindexing, sign_ins
from qe_ban.db import overlaps
from qe_ban.kernel.clock import start_of_day
from qe_ban.kernel.principal import PrincipalKind
from qe_ban.keys.models import Ring
from tests.factories.accounts import StaffFactory, random_phone

SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)


@pytest.fixture
def overlap(monkeypatch):
    """The previous release serves beside this one."""
    monkeypatch.setattr(overlaps, "is_over", lambda _session, _now: False)
    return monkeypatch


@pytest.fixture
def refresh(accounts, database):
    def do(token, at):
        with database.transaction() as session:
            return service.refresh(accounts, session, text=token, now=at)

    return do


def stored(database, principal):
    with database.transaction() as session:
        return session.get_one(RefreshFamily, principal.session)


def test_a_residents_sign_in_names_nobody_and_no_moment(sign_in, refresh, database, accounts, now):
    tokens, principal = sign_in(random_phone(), now)
    refresh(tokens.refresh, now + HOUR)
    with database.transaction() as session:
        families.stepped_up(accounts, session, family_id=principal.session, now=now + HOUR)
    with database.transaction() as session:
        families.end_all(accounts.rings, session, principal.id, now + 2 * HOUR)
    family = stored(database, principal)
    with database.transaction() as session:
        used = session.scalars(select(RefreshToken.used_at).where(RefreshToken.family_id == family.id)).all()
    moments = [family.started_at, family.expires_at, family.ended_at, *(at for at in used if at is not None)]
    assert len(moments) == 4
    assert all(at == start_of_day(at) for at in moments)
    assert family.stepped_up_at is None
    assert principal.id.bytes not in family.content_sealed
    assert family.principal_id != principal.id
    assert abs((family.id.int >> 80) / 1000 - now.timestamp()) > 60, "the id is a moment"


def test_two_uses_of_the_keyed_hash_do_not_meet(accounts, sign_in, database, now):
    principal = sign_in(random_phone(), now)[1]
    other = accounts.rings.mac(Ring.HOLDER, "holder", principal.id.bytes)
    assert stored(database, principal).principal_id.bytes != other[:16]


def test_its_exact_end_still_decides(sign_in, refresh, now):
    tokens = sign_in(random_phone(), now)[0]
    renewed = refresh(tokens.refresh, now + timedelta(days=30) - timedelta(seconds=1))
    assert isinstance(renewed, Tokens)
    assert isinstance(refresh(renewed.refresh, now + timedelta(days=30)), errors.RefreshRefused)


def test_whether_it_ran_is_known_to_the_second(sign_in, database, accounts, now):
    principal = sign_in(random_phone(), now)[1]
    with database.transaction() as session:
        families.end_all(accounts.rings, session, principal.id, now)
        ran = [
            families.has_run_since(accounts.rings, session, principal.id, now + late, face_shown=face)
            for late, face in ((-SECOND, False), (SECOND, False), (-SECOND, True))
        ]
    assert ran == [True, False, False]


def test_signing_in_to_one_account_twice_is_seen_and_ended_together(sign_in, database, accounts, now):
    phone = random_phone()
    principals = [sign_in(phone, now)[1] for _ in range(2)]
    with database.transaction() as session:
        assert families.end_all(accounts.rings, session, principals[0].id, now) == 2
        assert families.end_all(accounts.rings, session, principals[0].id, now) == 0
        assert session.get(Revocation, principals[1].session) is not None


def test_a_new_holder_secret_finds_the_sign_ins_of_the_old_one(sign_in, database, accounts, now, monkeypatch):
    principal = sign_in(random_phone(), now)[1]
    macs = accounts.rings.macs
    monkeypatch.setattr(
        type(accounts.rings), "macs", lambda _, ring, purpose, message: [b"n" * 32, *macs(ring, purpose, message)]
    )
    with database.transaction() as session:
        assert families.end_all(accounts.rings, session, principal.id, now) == 1


def test_a_sign_in_of_staff_stays_as_it_was(accounts, database, rings, now):
    staff = StaffFactory()
    staff_id = staff.create(database, rings, now)
    with database.transaction() as session:
        families.start(accounts, session, kind=PrincipalKind.STAFF, principal_id=staff_id, now=now)
        row = session.scalars(select(RefreshFamily).where(RefreshFamily.principal_id == staff_id)).one()
        assert (row.content_sealed, row.started_at) == (None, now)


def test_while_the_previous_release_may_serve_it_can_read_sign_ins(overlap, sign_in, refresh, database, accounts, now):
    tokens, principal = sign_in(random_phone(), now)
    with database.transaction() as session:
        families.stepped_up(accounts, session, family_id=principal.session, now=now + HOUR)
    renewed = refresh(tokens.refresh, now + HOUR)
    family = stored(database, principal)
    assert (family.principal_id, family.content_sealed) == (principal.id, None)
    assert (family.stepped_up_at, family.expires_at) == (now + HOUR, now + timedelta(days=30))
    with database.transaction() as session:
        families.end_all(accounts.rings, session, principal.id, now + HOUR)
    assert stored(database, principal).ended_at == now + HOUR
    assert isinstance(refresh(renewed.refresh, now + HOUR), errors.RefreshRefused)


def test_what_the_previous_release_wrote_is_sealed_by_the_worker_and_goes_on(
    overlap, sign_in, refresh, database, accounts, now
):
    """With all that it writes: exact moments everywhere, also those of the tokens."""
    tokens, principal = sign_in(random_phone(), now)
    renewed = refresh(tokens.refresh, now)
    with database.transaction() as session:
        row = session.get_one(RefreshFamily, principal.session)
        row.started_at, row.stepped_up_at = now, now + HOUR
        session.get_one(RefreshToken, families._hash(families._bytes(tokens.refresh))).used_at = now
    overlap.undo()
    sign_ins.seal_all_open(database, accounts.rings, lambda: now)
    family = stored(database, principal)
    with database.transaction() as session:
        used = session.scalars(select(RefreshToken.used_at).where(RefreshToken.family_id == family.id)).all()
    assert {at for at in used if at is not None} == {start_of_day(now)}
    assert (family.principal_id == principal.id, family.stepped_up_at) == (False, None)
    assert family.started_at == start_of_day(now)
    read = sign_ins.read(accounts.rings, family)
    assert read == sign_ins.SignIn(principal.id, now + timedelta(days=30), now + HOUR, None)
    again = refresh(renewed.refresh, now + HOUR)
    assert service.principal_from(accounts, again.access, now).id == principal.id
    with database.transaction() as session:
        assert families.end_all(accounts.rings, session, principal.id, now) == 1


def test_the_overlap_ends_by_the_clock_and_one_that_never_was_is_over(database, now):
    with database.engine.connect() as connection:
        session = Session(connection)
        assert overlaps.is_over(session, now)
        assert overlaps.is_rewritten(session)
        session.add(overlaps.ReleaseOverlap(previous=overlaps.PREVIOUS, ends_at=now + HOUR))
        session.flush()
        assert [overlaps.is_over(session, now + late) for late in (0 * HOUR, HOUR)] == [False, True]
        assert not overlaps.is_rewritten(session)
        overlaps.set_rewritten(session, now)
        assert overlaps.is_rewritten(session)
        session.rollback()


def test_a_holder_secret_stays_while_a_sign_in_lies_under_it(sign_in, database, now):
    sign_in(random_phone(), now)
    with database.transaction() as session:
        assert reindexing.sign_ins_before(session, now + HOUR)
        assert not reindexing.sign_ins_before(session, now - timedelta(days=400))
