"""The worker: schedules taken by one of many, its sign of life, and how it waits and ends."""

import threading
import time
from datetime import UTC, datetime, timedelta
from unittest.mock import Mock
from uuid import uuid4

import pytest
from sqlalchemy import select, text

from qe_ban.db.engine import Database
from qe_ban.jobs import rules, service
from qe_ban.jobs.models import ScheduleRow, WorkerBeat
from qe_ban.jobs.service.schedules import Schedules
from qe_ban.jobs.service.worker import _work
from qe_ban.kernel.errors import Unavailable
from qe_ban.kernel.ids import new_id
from tests.factories.waits import HANG_TIMEOUT

HOUR = timedelta(hours=1)


def far_future(hours):
    """Moments of their own, so that no other test's clock and rows come near."""
    return datetime.now(UTC) + hours * HOUR


def worker(database, rings, moments, *schedules):
    return service.Worker(database, rings, lambda: moments[-1], {}, schedules)


def make_schedule(run, every=HOUR):
    return service.Schedule(f"test-{uuid4()}", every, run)


def test_a_schedule_runs_immediately_and_then_after_its_time(database, rings):
    ran, moments = [], [far_future(0)]
    at_work = worker(database, rings, moments, make_schedule(lambda session, now: ran.append(now)))
    at_work.run_pending()
    for minutes in (30, 59, 60, 61, 119, 120):
        moments.append(moments[0] + timedelta(minutes=minutes))
        at_work.run_pending()
    assert [(moment - moments[0]) / HOUR for moment in ran] == [0, 1, 2]


def test_missed_runs_are_made_up_for_by_one(database, rings):
    ran, moments = [], [far_future(0)]
    at_work = worker(database, rings, moments, make_schedule(lambda session, now: ran.append(now)))
    at_work.run_pending()
    moments.append(moments[0] + 100 * HOUR)
    at_work.run_pending()
    at_work.run_pending()
    assert ran == moments


def test_a_clock_that_was_ahead_puts_no_run_off_for_long(database, rings):
    ran, schedule = [], make_schedule(lambda session, now: ran.append(now))
    wrong, right = [far_future(400 * 24)], [far_future(0)]
    worker(database, rings, wrong, schedule).run_pending()
    worker(database, rings, right, schedule).run_pending()
    worker(database, rings, right, schedule).run_pending()
    assert ran == wrong + right


def test_a_run_is_taken_by_one_of_many_workers(database, rings):
    ran, moments, start = [], [far_future(0)], threading.Barrier(6)

    def run(session, now):
        ran.append(now)
        time.sleep(0.1)

    schedule = make_schedule(run)

    def work():
        at_work = worker(database, rings, moments, schedule)
        start.wait()
        at_work.run_pending()

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ran) == 1


def test_a_failed_run_leaves_nothing_behind_holds_up_no_other_and_comes_again_soon(database, rings):
    moments, beat, ran = [far_future(0)], new_id(), []

    def fail(session, now):
        session.add(WorkerBeat(worker=beat, beat_at=now))
        session.flush()
        ran.append("failed")
        raise Unavailable

    at_work = worker(
        database, rings, moments, make_schedule(fail), make_schedule(lambda session, now: ran.append("other"))
    )
    at_work.run_pending()
    at_work.run_pending()
    assert ran == ["failed", "other"]
    with database.transaction() as session:
        assert session.get(WorkerBeat, beat) is None
    moments.append(moments[0] + rules.SCHEDULE_RETRY)
    at_work.run_pending()
    assert ran == ["failed", "other", "failed"]


def test_a_run_and_its_mark_commit_together(database, rings):
    moments, name = [far_future(0)], f"test-{uuid4()}"

    def crash(session, now):
        raise MemoryError

    with pytest.raises(MemoryError):
        worker(database, rings, moments, service.Schedule(name, HOUR, crash)).run_pending()
    with database.transaction() as session:
        row = session.scalars(select(ScheduleRow).where(ScheduleRow.name == name)).one()
    assert row.last_run_at is None
    assert row.next_run_at == moments[0]


def test_a_schedule_whose_connection_postgresql_ended_is_tried_again_and_the_worker_lives(database, rings):
    moments, name, ran = [far_future(0)], f"test-{uuid4()}", []

    def idle(session, now):
        session.execute(text("SET LOCAL idle_in_transaction_session_timeout = '20ms'"))
        time.sleep(0.2)

    other = make_schedule(lambda session, now: ran.append(now))
    worker(database, rings, moments, service.Schedule(name, HOUR, idle), other).run_pending()
    assert len(ran) == 1
    with database.transaction() as session:
        row = session.scalars(select(ScheduleRow).where(ScheduleRow.name == name)).one()
    assert row.next_run_at == moments[0] + rules.SCHEDULE_RETRY


@pytest.mark.parametrize(("commits", "idle"), [(False, "1min"), (True, "1h")])
def test_a_schedule_that_commits_on_its_own_may_idle_for_longer(database, rings, commits, idle):
    timeouts = []

    def look(session, now):
        timeouts.append(session.execute(text("SHOW idle_in_transaction_session_timeout")).scalar_one())

    schedule = service.Schedule(f"test-{uuid4()}", HOUR, look, commits=commits)
    worker(database, rings, [far_future(0)], schedule).run_pending()
    assert timeouts == [idle]


def test_a_worker_gives_a_sign_of_life_and_forgets_those_long_gone(database, rings):
    moments = [far_future(1000)]
    with database.transaction() as session:
        session.query(WorkerBeat).delete()
    worker(database, rings, moments).run_pending()
    with database.transaction() as session:
        assert service.last_beat(session) == moments[-1]
    moments.append(moments[0] + 2 * rules.BEAT_FORGOTTEN)
    worker(database, rings, moments).run_pending()
    with database.transaction() as session:
        assert service.last_beat(session) == moments[-1]
        assert session.scalars(select(WorkerBeat.beat_at)).all() == [moments[-1]]
        session.query(WorkerBeat).delete()


def test_a_stopped_worker_ends_soon(database, rings):
    ran, stop = threading.Event(), threading.Event()
    at_work = service.Worker(
        database, rings, lambda: datetime.now(UTC), {}, [make_schedule(lambda session, now: ran.set())]
    )
    thread = threading.Thread(target=at_work.run, args=(stop,))
    thread.start()
    assert ran.wait(HANG_TIMEOUT)
    stop.set()
    thread.join(HANG_TIMEOUT)
    assert not thread.is_alive()


def test_a_worker_outlives_a_database_that_is_away(rings):
    away, stop = Database("postgresql://qe@127.0.0.1:1/none"), threading.Event()
    thread = threading.Thread(target=service.Worker(away, rings, lambda: datetime.now(UTC), {}, []).run, args=(stop,))
    thread.start()
    thread.join(0.3)
    assert thread.is_alive()
    stop.set()
    thread.join(HANG_TIMEOUT)
    assert not thread.is_alive()


def test_who_has_nothing_to_do_or_no_database_rests_and_who_worked_goes_on_immediately():
    def away():
        raise Unavailable

    for step, rests in ((lambda: False, [0.5]), (away, [0.5]), (lambda: True, [])):
        stop = Mock(threading.Event)
        _work(step, stop)
        assert [call.args[0] for call in stop.wait.call_args_list] == rests


def test_whoever_ran_a_schedule_looks_again_immediately(database):
    ran, moment = [], far_future(0)
    both = [make_schedule(lambda session, now: ran.append(now)) for _ in range(2)]
    schedules = Schedules(database, lambda: moment, both)
    assert [schedules.run_due(), schedules.run_due()] == [True, False]
    assert ran == [moment] * 2
    assert not Schedules(database, lambda: moment, []).run_due()


def test_a_schedule_may_take_longer_than_a_request(database, rings):
    timeouts = []

    def run(session, now):
        names = ("statement_timeout", "idle_in_transaction_session_timeout", "lock_timeout")
        timeouts.extend(session.scalar(text(f"SHOW {name}")) for name in names)

    worker(database, rings, [far_future(0)], make_schedule(run)).run_pending()
    assert timeouts == ["1min", "1min", "5s"]


def test_no_message_waits_for_a_schedule(database, rings):
    topic, is_sent, has_begun, go, stop = f"test-{uuid4()}", threading.Event(), *(threading.Event() for _ in range(3))

    def hold(session, now):
        has_begun.set()
        assert go.wait(HANG_TIMEOUT)

    handlers = {topic: lambda payload: is_sent.set()}
    at_work = service.Worker(database, rings, lambda: datetime.now(UTC), handlers, [make_schedule(hold)])
    thread = threading.Thread(target=at_work.run, args=(stop,))
    thread.start()
    try:
        assert has_begun.wait(HANG_TIMEOUT)
        with database.transaction() as session:
            service.enqueue(session, rings, topic=topic, payload={"otp": "123456"}, now=datetime.now(UTC))
        assert is_sent.wait(HANG_TIMEOUT)
    finally:
        go.set()
        stop.set()
        thread.join(HANG_TIMEOUT)


def test_a_bug_in_a_schedule_ends_the_worker_and_not_only_its_thread(database, rings):
    name = f"test-{uuid4()}"

    def bug(session, now):
        raise MemoryError

    schedule = service.Schedule(name, HOUR, bug)
    with pytest.raises(MemoryError):
        service.Worker(database, rings, lambda: datetime.now(UTC), {}, [schedule]).run(threading.Event())
