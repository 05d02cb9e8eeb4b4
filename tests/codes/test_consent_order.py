"""Consents and their history keep no order of a day's half minutes, by which a dump would tell who agreed when."""

import random
import threading
from datetime import timedelta

import pytest
from sqlalchemy import select, text, update

from qe_ban.accounts import service as accounts
from qe_ban.accounts.models import Consent, ConsentEvent
from qe_ban.accounts.rules import ConsentState
from qe_ban.accounts.service import consent_order, fresh_consents
from qe_ban.accounts.service.fresh_decisions import Decision
from qe_ban.db import overlaps
from qe_ban.kernel.clock import start_of_day
from qe_ban.keys import moments
from tests.accounts.test_sign_in_order import concordance
from tests.codes.test_fresh_consents import hold_lock, stored_rows
from tests.factories.databases import wait_for_locks

PURPOSE, OTHER = "senior-discount", "visitor-registration"
BATCHES, OF_BATCH = 4, 12
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
ORDERS = {
    "consents": "SELECT resident_id FROM consents WHERE resident_id = ANY(:ids) AND purpose = :purpose ORDER BY ctid",
    "history": "SELECT resident_id FROM consent_events WHERE resident_id = ANY(:ids) ORDER BY ctid",
    "ids of the history": "SELECT resident_id FROM consent_events WHERE resident_id = ANY(:ids) ORDER BY id",
}


def decide(town, person, at, state=ConsentState.GRANTED, purpose=PURPOSE):
    rings = town.parts.rings
    with town.parts.database.transaction() as session:
        fresh_consents.write(
            rings, session, [person.numbers["identity"]], fresh_consents.lock(rings, session, person.id, at),
            Decision(state, at), resident_id=person.id, purpose=purpose,
        )  # fmt: skip


def turn_over_batch(town, now):
    with town.parts.database.transaction() as session:
        accounts.turn_over_consents(session, town.parts.rings, now)


def order(town, now):
    with town.parts.database.transaction() as session:
        return accounts.order_consents(session, town.parts.rings, now)


def order_all(town, now):
    while order(town, now):
        pass


def fill_gaps(town):
    """Leave no room of deleted rows, into which new ones would be written out of their order."""
    with town.parts.database.engine.connect() as connection:
        own = connection.execution_options(isolation_level="AUTOCOMMIT")
        own.execute(text("VACUUM FULL consents, consent_events"))


@pytest.fixture
def noon(town):
    return start_of_day(town.now) + DAY / 2


@pytest.fixture
def tomorrow(noon):
    return start_of_day(noon) + DAY + consent_order.LATE


@pytest.fixture
def batches(town, noon, tomorrow):
    """People who agreed, batch by batch, as it was on a quiet day."""
    order_all(town, tomorrow)
    fill_gaps(town)
    batches = [[town.resident() for _ in range(OF_BATCH)] for _ in range(BATCHES)]
    for at, people in enumerate(batches):
        for person in random.sample(people, len(people)):
            decide(town, person, noon + at * timedelta(seconds=30))
        turn_over_batch(town, noon)
    return batches


def places(town, batches, name):
    """Return the numbers of the batches in the order of a table's rows or ids."""
    of_batch = {person.id: at for at, people in enumerate(batches) for person in people}
    with town.parts.database.transaction() as session:
        rows = session.scalars(text(ORDERS[name]), {"ids": list(of_batch), "purpose": PURPOSE})
        return [of_batch[one] for one in rows]


def history(town, person, before=None, limit=100):
    accounts_ = accounts_of(town)
    with town.parts.database.transaction() as session:
        return accounts.consent_history(
            accounts_, session, resident_id=person.id, now=town.now, before=before, limit=limit
        )


def accounts_of(town):
    return town.parts.get(accounts.Accounts)


def test_the_order_of_the_batches_stands_until_their_day_is_over_and_then_in_no_place(town, batches, tomorrow):
    assert order(town, tomorrow - 2 * consent_order.LATE) == 0, "the day runs"
    assert order(town, tomorrow - SECOND) == 0, "its last decisions may not have been written"
    for name in ORDERS:
        assert concordance(places(town, batches, name)) > 0.9, name
    assert order(town, tomorrow) == 2 * BATCHES * OF_BATCH
    for name in ORDERS:
        # of 48 by lot the share has a standard deviation of 0.06
        assert 0.2 < concordance(places(town, batches, name)) < 0.8, name
    assert order(town, tomorrow) == 0


def test_so_it_is_in_several_steps(town, batches, tomorrow, monkeypatch):
    monkeypatch.setattr(consent_order, "STEP", 10)
    assert order(town, tomorrow) == 20
    order_all(town, tomorrow)
    for name in ORDERS:
        assert 0.2 < concordance(places(town, batches, name)) < 0.8, name
    # so few rows fill a page only when they are written often enough: then all lie in the order of the ids
    assert places(town, batches, "history") == places(town, batches, "ids of the history")


def test_what_stood_before_the_upgrade_is_turned_over_day_by_day(town, batches, noon, tomorrow):
    earlier = noon - 30 * DAY
    ids = [person.id for person in batches[0]]
    with town.parts.database.transaction() as session:
        for model, column in ((Consent, Consent.granted_at), (ConsentEvent, ConsentEvent.at)):
            days = {column.key: start_of_day(earlier)}
            session.execute(update(model).where(model.resident_id.in_(ids)).values(days))
    assert order(town, noon) == 2 * OF_BATCH
    assert order(town, noon) == 0
    with town.parts.database.transaction() as session:
        turned_over = select(Consent.turned_over_at).where(Consent.resident_id.in_(ids)).distinct()
        assert session.scalars(turned_over).all() == [start_of_day(earlier)]


def test_exact_moments_follow_an_event_to_its_new_id(town, batches, noon, tomorrow):
    person = batches[1][0]
    ((before,),) = [stored_rows(town, person, ConsentEvent)]
    order_all(town, tomorrow)
    ((after,),) = [stored_rows(town, person, ConsentEvent)]
    assert after.id > before.id
    assert moments.read(town.parts.rings, after, "at") == noon + timedelta(seconds=30)
    assert [act.at for act in history(town, person)] == [noon + timedelta(seconds=30)]


def test_a_history_keeps_its_order_while_days_are_turned_over_one_after_the_other(town, noon, tomorrow):
    person, states = town.resident(), (ConsentState.GRANTED, ConsentState.WITHDRAWN)
    acts = []
    for day in range(3):
        for number in range(4):
            at = noon + day * DAY + number * SECOND
            decide(town, person, at, states[number % 2])
            acts.append((states[number % 2], at))
            turn_over_batch(town, at)
        if day:
            # the day before, after today has begun: its new ids are greater than those of today
            order_all(town, start_of_day(noon + day * DAY) + consent_order.LATE)
        assert [(act.state, act.at) for act in history(town, person)] == acts[::-1]


@pytest.mark.parametrize("turn_after", range(4))
def test_pages_of_a_history_go_on_over_the_turn_of_a_day(town, noon, tomorrow, turn_after):
    person = town.resident()
    for number in range(4):
        decide(town, person, noon + number * SECOND, (ConsentState.GRANTED, ConsentState.WITHDRAWN)[number % 2])
        turn_over_batch(town, noon)
    pages, before = [], None
    for number in range(4):
        if number == turn_after:
            order_all(town, tomorrow)
        (act,) = history(town, person, before, limit=1)
        pages.append(act.at)
        before = act.id
    assert pages == [noon + number * SECOND for number in (3, 2, 1, 0)]
    assert history(town, person, before, limit=1) == []


def test_a_cursor_of_release_0_4_0_is_an_event_s_own_id(town, noon):
    person = town.resident()
    for number in range(3):
        decide(town, person, noon + number * SECOND, (ConsentState.GRANTED, ConsentState.WITHDRAWN)[number % 2])
        turn_over_batch(town, noon)
    newest = max(event.id for event in stored_rows(town, person, ConsentEvent))
    assert [act.at for act in history(town, person, newest)] == [noon + SECOND, noon]


def test_who_decides_on_another_day_is_turned_over_with_that_day(town, batches, noon, tomorrow):
    order_all(town, tomorrow)
    decide(town, batches[0][0], noon + DAY, ConsentState.WITHDRAWN)
    turn_over_batch(town, noon + DAY)
    assert order(town, tomorrow) == 0
    # the consent, and the new event
    assert order(town, tomorrow + DAY) == 2


def test_what_was_decided_yesterday_and_is_written_late_is_turned_over_alone(town, batches, noon, tomorrow):
    order_all(town, tomorrow)
    decide(town, batches[0][0], noon + 2 * SECOND, ConsentState.WITHDRAWN)
    turn_over_batch(town, tomorrow)
    assert order(town, tomorrow) == 2


def test_a_request_that_a_scan_made_is_turned_over_too(town, noon, tomorrow):
    order_all(town, tomorrow)
    person = town.resident()
    with town.parts.database.transaction() as session:
        accounts.request_consents(session, [(person.id, PURPOSE, start_of_day(noon))])
    assert order(town, tomorrow) == 1


def test_what_release_0_3_0_left_with_exact_moments_waits_until_it_is_rewritten(town, batches, tomorrow, monkeypatch):
    monkeypatch.setattr(overlaps, "is_rewritten", lambda _session: False)
    assert order(town, tomorrow) == 0


def test_an_event_that_does_not_open_hinders_no_other(town, batches, tomorrow):
    person = batches[0][0]
    (event,) = stored_rows(town, person, ConsentEvent)
    with town.parts.database.transaction() as session:
        broken = update(ConsentEvent).where(ConsentEvent.id == event.id)
        session.execute(broken.values(moments_sealed=event.moments_sealed[:-1] + b"?"))
    assert order(town, tomorrow) == 2 * BATCHES * OF_BATCH


class TestBesideOthers:
    def test_who_is_locked_is_passed_over_and_turned_over_the_next_time(self, town, batches, tomorrow):
        owner = {"id": batches[0][0].id}
        with (
            hold_lock(town, "SELECT FROM consents WHERE resident_id = :id FOR UPDATE", **owner),
            hold_lock(town, "SELECT FROM consent_events WHERE resident_id = :id FOR UPDATE", **owner),
        ):
            assert order(town, tomorrow) == 2 * BATCHES * OF_BATCH - 2
        assert order(town, tomorrow) == 2

    def test_a_step_that_breaks_off_changes_nothing(self, town, batches, tomorrow, monkeypatch):
        ids = {person.id: stored_rows(town, person, ConsentEvent)[0].id for person in batches[0]}
        with monkeypatch.context() as dying:
            # consents are written then, events not yet
            dying.setattr(moments, "move", lambda *_: (_ for _ in ()).throw(ConnectionError))
            with pytest.raises(ConnectionError):
                order(town, tomorrow)
        assert {person.id: stored_rows(town, person, ConsentEvent)[0].id for person in batches[0]} == ids
        assert order(town, tomorrow) == 2 * BATCHES * OF_BATCH

    def test_a_closing_meanwhile_leaves_no_row(self, town, batches, tomorrow, client):
        person = batches[0][0]

        def close():
            client.post("/api/v1/me/closing", json={"confirm": True}, headers=person.headers)

        thread = threading.Thread(target=close)
        with town.parts.database.transaction() as session:
            accounts.order_consents(session, town.parts.rings, tomorrow)
            thread.start()
            wait_for_locks(town.parts.database, 1)
        thread.join()
        assert stored_rows(town, person) == stored_rows(town, person, ConsentEvent) == []

    def test_decisions_meanwhile_are_written_after_it_and_scans_do_not_wait(
        self, town, batches, noon, tomorrow, scan, issue
    ):
        person, terminal = town.resident(born="19400307"), town.terminal(PURPOSE)
        decide(town, person, noon)
        turn_over_batch(town, noon)
        decide(town, person, tomorrow, ConsentState.WITHDRAWN, OTHER)
        decide(town, batches[0][0], tomorrow, ConsentState.WITHDRAWN)
        thread = threading.Thread(target=turn_over_batch, args=(town, tomorrow))
        with town.parts.database.transaction() as session:
            accounts.order_consents(session, town.parts.rings, tomorrow)
            thread.start()
            wait_for_locks(town.parts.database, 1)
            assert scan(terminal, issue(person), PURPOSE)["reason"] == "ok"
        thread.join()
        assert [row.state for row in stored_rows(town, batches[0][0])] == ["withdrawn"]
        assert [act.state for act in history(town, batches[0][0])] == ["withdrawn", "granted"]
