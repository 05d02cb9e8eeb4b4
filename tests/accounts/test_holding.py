"""What keeps a sign-in and an account's end apart leaves nothing on the account's row."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text

from qe_ban.accounts import service
from qe_ban.accounts.models import Resident
from qe_ban.accounts.service import families, holding, residents
from qe_ban.db import overlaps
from tests.factories.accounts import random_phone
from tests.factories.waits import HANG_TIMEOUT

ROW = text("SELECT xmin::text, xmax::text FROM residents WHERE id = :id")
SIGN_IN = text("SELECT xmin::text FROM refresh_families WHERE id = :id")
LOCKERS = text("SELECT xmax::text FROM refresh_families WHERE id = :id")


def row(database, resident_id):
    """Return which transactions stand on an account's row: who wrote it, and who locked it."""
    with database.transaction() as session:
        return tuple(session.execute(ROW, {"id": resident_id}).one())


def writer(database, family_id):
    with database.transaction() as session:
        return session.scalar(SIGN_IN, {"id": family_id})


def lockers(database, family_id):
    with database.transaction() as session:
        return session.scalar(LOCKERS, {"id": family_id})


@pytest.fixture
def account(accounts, database, now):
    """Somebody's account, and the phone that it is found by."""
    phone = random_phone()
    with database.transaction() as session:
        return residents.of_phone(accounts.rings, session, phone=phone, now=now), phone


def later(pool, database, act):
    """Do something in a transaction of its own; it waits at this moment."""

    def run():
        with database.transaction() as session:
            return act(session)

    future = pool.submit(run)
    time.sleep(0.3)
    assert not future.done()
    return future


def test_the_first_sign_in_and_every_other_one_leave_no_number_on_the_accounts_row(sign_in, database, now):
    phone = random_phone()
    principals = [sign_in(phone, now)[1] for _ in range(2)]
    made, locked = row(database, principals[0].id)
    assert locked == "0"
    assert made not in {writer(database, one.session) for one in principals}


def test_what_takes_a_sign_in_that_runs_leaves_no_number_on_it(sign_in, accounts, database, now):
    principal = sign_in(random_phone(), now)[1]
    before = lockers(database, principal.session)
    with database.transaction() as session:
        families.require_running(accounts, session, principal)
    assert lockers(database, principal.session) == before


def test_while_the_previous_release_may_serve_the_row_is_locked_as_it_does(
    account, accounts, database, now, monkeypatch
):
    resident_id, phone = account
    monkeypatch.setattr(overlaps, "is_over", lambda _session, _now: False)
    with ThreadPoolExecutor(1) as pool:
        with database.transaction() as session:
            residents.hold_by_phone(accounts.rings, session, phone, now)
            closing = later(
                pool, database, lambda other: other.get(Resident, resident_id, with_for_update=True).closed_at
            )
        assert closing.result(HANG_TIMEOUT) is None


def test_several_hold_an_account_and_who_ends_it_waits_for_all(account, accounts, database):
    resident_id, rings = account[0], accounts.rings
    with ThreadPoolExecutor(1) as pool:
        with database.transaction() as first, database.transaction() as second:
            holding.hold(rings, first, resident_id)
            holding.hold(rings, second, resident_id)
            ending = later(pool, database, lambda session: holding.hold_alone(rings, session, resident_id))
        ending.result(HANG_TIMEOUT)


def test_a_process_that_knows_only_the_secret_before_is_waited_for(account, accounts, database, monkeypatch):
    resident_id, rings = account[0], accounts.rings
    macs = type(rings).macs
    with ThreadPoolExecutor(1) as pool:
        with database.transaction() as session:
            holding.hold(rings, session, resident_id)
            monkeypatch.setattr(type(rings), "macs", lambda *given: [b"newest secret", *macs(*given)])
            ending = later(pool, database, lambda other: holding.hold_alone(rings, other, resident_id))
        ending.result(HANG_TIMEOUT)


def test_a_sign_in_finds_the_phone_where_it_is_after_the_wait(account, accounts, database, now):
    resident_id, phone = account
    with ThreadPoolExecutor(1) as pool:
        with database.transaction() as session:
            resident = session.get(Resident, resident_id, with_for_update=True)
            families.end_all(accounts.rings, session, resident_id, now)
            waiting = later(pool, database, lambda other: residents.hold_by_phone(accounts.rings, other, phone, now))
            session.delete(resident)
        assert waiting.result(HANG_TIMEOUT) is None


def test_a_right_password_without_an_account_is_not_used_up_until_the_account_stands(
    accounts, database, now, monkeypatch
):
    phone = random_phone()
    with database.transaction() as session:
        sent = service.request_otp(accounts, session, phone=phone, now=now)
    given = {"phone": phone, "challenge": str(sent.challenge), "otp": sent.otp, "now": now}
    with monkeypatch.context() as dying:
        dying.setattr(residents, "of_phone", lambda *_, **__: (_ for _ in ()).throw(ConnectionError))
        with pytest.raises(ConnectionError):
            service.sign_in_by_otp(accounts, database, **given)
    assert service.sign_in_by_otp(accounts, database, **given).access


def test_a_wrong_password_makes_no_account(accounts, database, now):
    phone = random_phone()
    with database.transaction() as session:
        sent = service.request_otp(accounts, session, phone=phone, now=now)
    wrong = f"{(int(sent.otp) + 1) % 10**6:06d}"
    service.sign_in_by_otp(accounts, database, phone=phone, challenge=str(sent.challenge), otp=wrong, now=now)
    with database.transaction() as session:
        assert residents.by_phone(accounts.rings, session, phone) is None
