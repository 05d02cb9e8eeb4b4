"""The tables of sign-ins keep no order of beginnings or refreshes, by which a dump would tell whose each is."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import select, text, update

from qe_ban.accounts import service
from qe_ban.accounts.models import RefreshFamily, RefreshToken
from qe_ban.accounts.service import Tokens, families
from qe_ban.db import overlaps
from qe_ban.kernel.clock import start_of_day
from tests.factories.accounts import random_phone
from tests.factories.waits import HANG_TIMEOUT

MANY = 40
SIGN_INS_AND_TOKENS = 2 * MANY
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
FAMILIES = text("SELECT id FROM refresh_families WHERE id = ANY(:ids) ORDER BY ctid")
TOKENS = text("SELECT family_id FROM refresh_tokens WHERE family_id = ANY(:ids) ORDER BY ctid")
WRITTEN_TODAY = text(
    "SELECT family_id FROM refresh_tokens WHERE family_id = ANY(:ids) AND used_at IS NULL ORDER BY ctid"
)


@pytest.fixture
def turn_over(database):
    """Write anew all that is due; other tests' sign-ins are among it."""

    def do(at):
        with database.transaction() as session:
            return service.turn_over_sign_ins(session, at)

    return do


@pytest.fixture
def begun(sign_in, turn_over, now):
    """Sign many people in one after the other: gives tokens and principals in this order."""
    while turn_over(now):
        pass
    return [sign_in(random_phone(), now) for _ in range(MANY)]


def places(database, principals, query):
    """Return the sign-ins in the order of a table's rows, as numbers of their own order."""
    ids = [principal.session for principal in principals]
    with database.transaction() as session:
        return [ids.index(one) for one in session.scalars(query, {"ids": ids})]


def concordance(order):
    """Return which share of the pairs that differ stands in their order: 1 where all do, about a half by lot."""
    pairs = [(one, other) for at, one in enumerate(order) for other in order[at + 1 :] if one != other]
    return sum(one < other for one, other in pairs) / len(pairs)


def refresh_all(database, accounts, sign_ins, at):
    for tokens, _ in sign_ins:
        with database.transaction() as session:
            assert isinstance(service.refresh(accounts, session, text=tokens.refresh, now=at), Tokens)


def token_states(database, principals):
    with database.transaction() as session:
        tokens = RefreshToken.family_id.in_([principal.session for principal in principals])
        return set(session.scalars(select(RefreshToken.turned_over).where(tokens)))


def states(database, principals):
    with database.transaction() as session:
        return {session.get_one(RefreshFamily, principal.session).turned_over for principal in principals}


def test_the_order_of_rows_tells_when_sign_ins_began_until_the_worker_comes_by(begun, database, turn_over, now):
    principals = [principal for _, principal in begun]
    for query in (FAMILIES, TOKENS):
        assert concordance(places(database, principals, query)) > 0.9
    assert turn_over(now) == SIGN_INS_AND_TOKENS
    for query in (FAMILIES, TOKENS):
        # of 40 by lot the share has a standard deviation of 0.055
        assert 0.2 < concordance(places(database, principals, query)) < 0.8
    assert turn_over(now) == 0


def test_when_their_day_is_over_they_are_written_anew_among_all_of_that_day(begun, database, sign_in, turn_over, now):
    turn_over(now)
    later = [sign_in(random_phone(), now) for _ in range(MANY)]
    turn_over(now)
    principals = [principal for _, principal in (*begun, *later)]
    assert states(database, principals) == {1}
    tomorrow = start_of_day(now) + DAY
    while turn_over(tomorrow):
        pass
    assert states(database, principals) == {2}
    for query in (FAMILIES, TOKENS):
        of_batches = [at // MANY for at in places(database, principals, query)]
        assert 0.2 < concordance(of_batches) < 0.8


def test_a_sign_in_that_is_written_later_is_turned_over_again(begun, database, accounts, turn_over, now):
    turn_over(now)
    principal = begun[0][1]
    with database.transaction() as session:
        families.stepped_up(accounts, session, family_id=principal.session, now=now + HOUR)
    assert states(database, [principal]) == {0}
    turn_over(now)
    assert states(database, [principal]) == {1}


def test_what_the_previous_release_is_to_read_is_left_alone(sign_in, turn_over, database, monkeypatch, now):
    monkeypatch.setattr(overlaps, "is_over", lambda _session, _now: False)
    principal = sign_in(random_phone(), now)[1]
    turn_over(now)
    assert states(database, [principal]) == {0}


def test_a_refresh_while_they_are_turned_over_waits_and_is_not_lost(begun, database, accounts, now):
    renewed, writing, done = [], threading.Event(), threading.Event()

    def refresh_all():
        writing.wait(HANG_TIMEOUT)
        for tokens, _ in begun:
            with database.transaction() as session:
                renewed.append(service.refresh(accounts, session, text=tokens.refresh, now=now))
        done.set()

    thread = threading.Thread(target=refresh_all)
    thread.start()
    with database.transaction() as session:
        assert service.turn_over_sign_ins(session, now) == SIGN_INS_AND_TOKENS
        writing.set()
        assert not done.wait(0.3), "a refresh needs the row that is being written"
    thread.join()
    assert [type(one) for one in renewed] == [Tokens] * MANY
    with database.transaction() as session:
        again = [service.refresh(accounts, session, text=one.refresh, now=now) for one in renewed]
    assert [type(one) for one in again] == [Tokens] * MANY


def test_a_sign_in_that_is_just_refreshed_is_passed_over(begun, database, accounts, turn_over, now):
    tokens, principal = begun[0]
    with database.transaction() as session:
        assert isinstance(service.refresh(accounts, session, text=tokens.refresh, now=now), Tokens)
        assert turn_over(now) == SIGN_INS_AND_TOKENS - 2
    assert states(database, [principal]) == {0}
    # the sign-in, its token and the successor
    assert turn_over(now) == 3


def test_a_sign_in_that_ends_while_it_is_turned_over_stays_ended(begun, database, accounts, turn_over, now):
    _, principal = begun[0]

    def end():
        with database.transaction() as session:
            families.end_all(accounts.rings, session, principal.id, now)

    thread = threading.Thread(target=end)
    with database.transaction() as session:
        service.turn_over_sign_ins(session, now)
        thread.start()
        thread.join(0.3)
    thread.join()
    with database.transaction() as session:
        assert session.get_one(RefreshFamily, principal.session).ended_at == start_of_day(now)
    assert turn_over(now) == 1


def test_refreshes_of_a_later_day_lose_their_order_each_half_minute_and_when_that_day_is_over(
    begun, database, accounts, turn_over, now
):
    later = now + 3 * DAY
    while turn_over(later):
        pass
    principals = [principal for _, principal in begun]
    for group in (begun[: MANY // 2], begun[MANY // 2 :]):
        refresh_all(database, accounts, group, later)
        assert concordance(places(database, [principal for _, principal in group], WRITTEN_TODAY)) > 0.9
        # what was used, and its successor
        assert turn_over(later) == len(group) * 2
        # of 20 by lot the share has a standard deviation of 0.08, of two twenties one of 0.09
        assert 0.1 < concordance(places(database, [principal for _, principal in group], WRITTEN_TODAY)) < 0.9
    assert token_states(database, principals) == {1}
    assert turn_over(start_of_day(later) + DAY) == SIGN_INS_AND_TOKENS
    assert token_states(database, principals) == {2}
    of_groups = [at // (MANY // 2) for at in places(database, principals, TOKENS)]
    assert 0.1 < concordance(of_groups) < 0.9


def test_a_token_that_the_previous_release_gave_is_turned_over_once(begun, database, turn_over, now):
    principals = [principal for _, principal in begun]
    while turn_over(now + DAY):
        pass
    with database.transaction() as session:
        tokens = RefreshToken.family_id.in_([principal.session for principal in principals])
        session.execute(update(RefreshToken).where(tokens).values(turned_over=0, written_at=None))
    assert turn_over(now) == MANY
    assert token_states(database, principals) == {2}
    assert turn_over(now) == 0


def test_a_token_says_the_day_on_which_it_was_written_and_no_moment(begun, database, accounts, now):
    later = now + 3 * DAY
    refresh_all(database, accounts, begun[:1], later)
    with database.transaction() as session:
        tokens = select(RefreshToken).where(RefreshToken.family_id == begun[0][1].session)
        assert {token.written_at for token in session.scalars(tokens)} == {start_of_day(later)}
