"""A phone moves while somebody signs in, refreshes or makes an account with it: one comes before the other."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from qe_ban.accounts import errors, service
from qe_ban.accounts.models import RecoveryCase, RefreshFamily, Resident
from qe_ban.accounts.rules import CaseKind, staff_scopes
from qe_ban.accounts.rules.recovery import Decision
from qe_ban.accounts.service import closing, names, recovery, residents, sign_ins
from qe_ban.audit import service as audit
from qe_ban.kernel.identifiers import IdType
from qe_ban.kernel.ids import new_id
from qe_ban.kernel.principal import Principal, PrincipalKind
from tests.factories.accounts import PersonFactory, StaffFactory, random_phone
from tests.factories.waits import HANG_TIMEOUT


@pytest.fixture(scope="module")
def two(database, rings):
    """Two members of staff who may do both steps."""
    now, made = datetime.now(UTC), []
    for _ in range(2):
        member = StaffFactory(roles=("city_admin",)).create(database, rings, now)
        made.append(Principal(PrincipalKind.STAFF, member, staff_scopes(["city_admin"]), new_id()))
    return made


class Move:
    """A resident whose phone shall move, proposed by one person and to be approved by another."""

    def __init__(self, database, accounts, sign_in, two, now):
        self.database, self.accounts, self.now = database, accounts, now
        self.person, self.new, self.officer = PersonFactory(), random_phone(), two[1]
        self.tokens, self.principal = sign_in(self.person.phone, now)
        with database.transaction() as session:
            names.bind(accounts.rings, session.get_one(Resident, self.principal.id), self.person.real_name(), now)
        wanted = recovery.NewCase(
            CaseKind.NEW_PHONE,
            IdType.RESIDENT_ID,
            self.person.id_number,
            None,
            self.new,
            "查验身份证原件",
            "QD-2026-000001",
        )
        change = audit.Change(two[0], now)
        with database.transaction() as session:
            self.case = recovery.open_recovery(accounts, session, wanted=wanted, change=change).case
            # the holder, who is signed in, had the time to object
            self.case.opened_at -= accounts.recovery_wait
        with database.transaction() as session:
            self.proposal = recovery.propose_decision(
                accounts, session, case_id=self.case.id, decision=Decision.SETTLE, basis="已核对", change=change
            ).proposal

    def approve(self, session):
        return recovery.approve_decision(
            self.accounts,
            session,
            case_id=self.case.id,
            proposal_id=self.proposal.id,
            change=audit.Change(self.officer, self.now),
        )


@pytest.fixture
def move(database, accounts, sign_in, two, now):
    return Move(database, accounts, sign_in, two, now)


def waiting(future):
    """Give the work time to come to the lock that it waits for."""
    time.sleep(0.3)
    assert not future.done()
    return future


def test_a_sign_in_that_waits_for_the_settlement_lands_where_the_phone_is_then(move, sign_in, database, now):
    with ThreadPoolExecutor(2) as pool:
        with database.transaction() as session:
            move.approve(session)
            old = waiting(pool.submit(sign_in, move.person.phone, now))
            new = waiting(pool.submit(sign_in, move.new, now))
        assert new.result(HANG_TIMEOUT)[1].id == move.principal.id
        assert old.result(HANG_TIMEOUT)[1].id != move.principal.id


def test_a_sign_in_that_came_first_is_ended(move, database, accounts, now):
    with ThreadPoolExecutor(1) as pool:
        sent = _otp(move, move.person.phone)
        with database.transaction() as session:
            tokens = service.redeem_otp(
                accounts, session, phone=move.person.phone, challenge=str(sent.challenge), otp=sent.otp, now=now
            )
            approved = waiting(pool.submit(_committed, move))
        approved.result(HANG_TIMEOUT)
    accounts.revocations.refresh()
    with pytest.raises(errors.TokenInvalid):
        service.principal_from(accounts, tokens.access, now)
    with database.transaction() as session:
        assert isinstance(service.refresh(accounts, session, text=tokens.refresh, now=now), errors.RefreshRefused)


def test_a_refresh_under_way_is_ended_too(move, database, accounts, now):
    with ThreadPoolExecutor(1) as pool:
        with database.transaction() as session:
            tokens = service.refresh(accounts, session, text=move.tokens.refresh, now=now)
            approved = waiting(pool.submit(_committed, move))
        approved.result(HANG_TIMEOUT)
    accounts.revocations.refresh()
    with pytest.raises(errors.TokenInvalid):
        service.principal_from(accounts, tokens.access, now)
    with database.transaction() as session:
        mine = select(RefreshFamily).where(sign_ins.belong_to(accounts.rings, move.principal.id))
        assert all(family.ended_at is not None for family in session.scalars(mine))


def test_an_account_that_is_made_with_the_phone_at_this_moment_is_joined_at_the_next_try(move, database, accounts, now):
    with ThreadPoolExecutor(1) as pool:
        with database.transaction() as session:
            made = residents.of_phone(accounts.rings, session, phone=move.new, now=now)
            approved = waiting(pool.submit(_committed, move))
        with pytest.raises(errors.PhoneUnsettled):
            approved.result(HANG_TIMEOUT)
    _committed(move)
    with database.transaction() as session:
        assert session.get_one(Resident, made).closed_at is not None
        assert residents.by_phone(accounts.rings, session, move.new).id == move.principal.id


def test_a_case_that_waits_while_the_holder_closes_the_account_is_not_opened(database, accounts, sign_in, two, now):
    person = PersonFactory()
    _, holder = sign_in(person.phone, now)
    with database.transaction() as session:
        names.bind(accounts.rings, session.get_one(Resident, holder.id), person.real_name(), now)
    wanted = recovery.NewCase(
        CaseKind.NEW_PHONE, IdType.RESIDENT_ID, person.id_number, None, random_phone(), "查验证件", "QD-2026-000001"
    )

    def open_case():
        with database.transaction() as session:
            return recovery.open_recovery(accounts, session, wanted=wanted, change=audit.Change(two[0], now))

    with ThreadPoolExecutor(1) as pool:
        with database.transaction() as session:
            closing.close_account(accounts, session, change=audit.Change(holder, now))
            opened = waiting(pool.submit(open_case))
        assert isinstance(opened.result(HANG_TIMEOUT), errors.ResidentNotFound)
    with database.transaction() as session:
        assert session.scalar(select(RecoveryCase).where(RecoveryCase.holder_id == holder.id)) is None


def test_whoever_signs_in_after_the_settlement_holds_good_tokens(move, sign_in, accounts, now):
    _committed(move)
    accounts.revocations.refresh()
    tokens, principal = sign_in(move.new, now)
    assert service.principal_from(accounts, tokens.access, now).id == principal.id == move.principal.id


def _otp(move, phone):
    with move.database.transaction() as session:
        return service.request_otp(move.accounts, session, phone=phone, now=move.now)


def _committed(move):
    with move.database.transaction() as session:
        return move.approve(session)
