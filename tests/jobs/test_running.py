"""Running long jobs: one process of many has a job, one job of a lane runs, and each ends as its runner ended."""

import threading
import time

import pytest
from sqlalchemy import select, text

from qe_ban.jobs import rules, service
from qe_ban.jobs.models import Job
from qe_ban.jobs.rules import JobState
from qe_ban.kernel.errors import Invalid, NotFound, Unavailable
from qe_ban.kernel.ids import new_id
from tests.factories.waits import HANG_TIMEOUT, eventually
from tests.jobs.runners import counting


def rows(view):
    return [fault.row for fault in view.faults]


def together(*works):
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(HANG_TIMEOUT)
        assert not thread.is_alive()


def test_a_job_is_done_in_steps_that_show(start, runner_of, look, clock):
    job_id, views = start(), []
    runner_of(counting(4, lambda work: views.append(look(job_id)))).run_pending()
    assert [(view.state, view.phase, view.done, view.total, view.percent) for view in views] == [
        (JobState.RUNNING, "counting", 1, 4, 25),
        (JobState.RUNNING, "counting", 2, 4, 50),
        (JobState.RUNNING, "counting", 3, 4, 75),
        (JobState.RUNNING, "counting", 4, 4, 99),
    ]
    last = look(job_id)
    assert (last.state, last.percent, last.started_at, last.finished_at) == (JobState.DONE, 100, clock(), clock())
    assert (last.result, rows(last)) == ({"faults": {"error": 0, "warning": 4}}, [1, 2, 3, 4])


def test_a_job_of_another_kind_is_left_to_who_can_do_it(start, runner_of, look):
    job_id = start(kind="test-nobody-does-this")
    runner_of(pytest.fail).run_pending()
    assert look(job_id).state is JobState.QUEUED


def test_of_many_workers_one_gets_the_job(start, runner_of, look):
    job_id, ran, ready = start(), [], threading.Barrier(4)

    def work():
        at_work = runner_of(counting(3, lambda work: ran.append(work.done)))
        ready.wait()
        at_work.run_pending()

    together(*[work] * 4)
    assert ran == [1, 2, 3]
    assert rows(look(job_id)) == [1, 2, 3]


def test_of_one_lane_one_job_runs_at_a_time_and_the_oldest_first(start, runner_of, look):
    job_ids = [start() for _ in range(6)]
    running, most, order, ready = set(), [], [], threading.Barrier(3)

    def run(work):
        running.add(work.id)
        most.append(len(running))
        order.append(work.id)
        counting(3, lambda work: time.sleep(0.01))(work)
        running.discard(work.id)

    def work():
        at_work = runner_of(run)
        ready.wait()
        while any(look(job_id).state is not JobState.DONE for job_id in job_ids):
            at_work.run_pending()

    together(*[work] * 3)
    assert set(most) == {1}
    assert order == job_ids


def test_a_younger_one_does_not_overtake_one_that_is_being_claimed(start, runner_of, look, database):
    first, second = start(), start()
    with database.transaction() as session:
        session.execute(select(Job).where(Job.id == first).with_for_update())
        runner_of(pytest.fail).run_pending()
    assert look(second).state is JobState.QUEUED


def test_whoever_comes_second_to_a_lane_looks_again_later(start, runner_of, look, database, clock):
    first, second, began = start(), start(), threading.Event()

    def claim():
        began.set()
        runner_of(pytest.fail).run_pending()

    late = threading.Thread(target=claim)
    with database.transaction() as session:
        job = session.get(Job, second)
        job.state, job.lease, job.leased_until = JobState.RUNNING, new_id(), clock() + rules.JOB_LEASE
        session.flush()
        late.start()
        assert began.wait(HANG_TIMEOUT)
        while not session.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")):
            time.sleep(0.01)
    late.join(HANG_TIMEOUT)
    assert not late.is_alive()
    assert (look(first).state, look(second).state) == (JobState.QUEUED, JobState.RUNNING)


def test_a_job_that_another_process_is_just_taking_holds_up_no_other_lane(start, runner_of, look, database):
    first, second = start(lane="test-a"), start(lane="test-b")
    with database.transaction() as session:
        session.scalars(select(Job).where(Job.id == first).with_for_update()).one()
        runner_of(counting(1)).run_pending()
        assert look(second).state is JobState.DONE
    assert look(first).state is JobState.QUEUED


def test_jobs_of_other_lanes_run_at_the_same_time(start, runner_of):
    first, second = start(lane="test-a"), start(lane="test-b")
    barrier = threading.Barrier(2, timeout=HANG_TIMEOUT)
    together(*[runner_of(lambda work: barrier.wait()).run_pending] * 2)
    assert first != second
    assert not barrier.broken


def test_a_runner_that_says_no_fails_the_job_with_its_words(start, runner_of, look):
    def run(work):
        counting(2)(work)
        raise service.JobFailed("文件里没有可导入的事项")

    job_id = start()
    runner_of(run).run_pending()
    view = look(job_id)
    assert (view.state, view.error) == (JobState.FAILED, "文件里没有可导入的事项")
    assert rows(view) == [1, 2], "what was found wrong is told"
    assert view.finished_at is not None


@pytest.mark.parametrize("refusal", [NotFound, Invalid])
def test_a_refusal_that_nobody_caught_fails_the_job_too(start, runner_of, look, refusal):
    def run(work):
        raise refusal

    job_id = start()
    runner_of(run).run_pending()
    assert (look(job_id).state, look(job_id).error) == (JobState.FAILED, refusal.detail)


def test_cancelled_while_it_runs_it_stops_at_its_next_step(start, runner_of, look, change):
    job_id = start()

    def cancel(work):
        if work.done == 3:
            change(service.cancel, job_id)

    runner_of(counting(9, cancel)).run_pending()
    view = look(job_id)
    assert (view.state, view.done, rows(view)) == (JobState.CANCELLED, 3, [1, 2, 3])
    assert view.finished_at is not None


def test_cancelled_after_its_last_step_it_stays_cancelled_until_it_is_resumed(start, runner_of, look, change):
    job_id = start()
    runner_of(counting(3, lambda work: work.done == 3 and change(service.cancel, job_id))).run_pending()
    assert look(job_id).state is JobState.CANCELLED
    change(service.resume, job_id)
    runner_of(counting(3, pytest.fail)).run_pending()
    assert (look(job_id).state, rows(look(job_id))) == (JobState.DONE, [1, 2, 3])


def test_cancelling_waits_for_the_step_that_is_being_done(start, runner_of, look, change):
    job_id, inside, states = start(), threading.Event(), []

    def within(work):
        inside.set()
        time.sleep(0.2)

    def cancel():
        inside.wait(HANG_TIMEOUT)
        states.append(change(service.cancel, job_id).state)

    together(runner_of(counting(50, within=within)).run_pending, cancel)
    assert states == [JobState.CANCELLED]
    view = look(job_id)
    assert (view.state, rows(view)) == (JobState.CANCELLED, list(range(1, view.done + 1)))
    assert 1 <= view.done < 50


def test_resumed_it_goes_on_from_where_it_was(start, runner_of, look, change):
    job_id = start()
    runner_of(counting(6, lambda work: work.done == 2 and change(service.cancel, job_id))).run_pending()
    view = change(service.resume, job_id)
    assert (view.state, view.done, view.finished_at) == (JobState.QUEUED, 2, None)
    runner_of(counting(6)).run_pending()
    assert (look(job_id).state, rows(look(job_id))) == (JobState.DONE, [1, 2, 3, 4, 5, 6])


def test_one_that_failed_is_resumed_and_may_succeed(start, runner_of, look, change):
    def fail(work):
        counting(2)(work)
        raise service.JobFailed

    job_id = start()
    runner_of(fail).run_pending()
    assert change(service.resume, job_id).error is None
    runner_of(counting(4)).run_pending()
    assert (look(job_id).state, look(job_id).error, rows(look(job_id))) == (JobState.DONE, None, [1, 2, 3, 4])


def test_a_worker_that_is_stopped_puts_the_job_back_for_another_immediately(start, runner_of, look, row):
    job_id, stop = start(), threading.Event()
    runner_of(counting(9, lambda work: work.done == 4 and stop.set())).run(stop)
    back = row(job_id)
    assert (back.state, back.done, back.lease, back.attempts) == (JobState.QUEUED, 4, None, 0)
    runner_of(counting(9)).run_pending()
    assert (look(job_id).state, rows(look(job_id))) == (JobState.DONE, list(range(1, 10)))


def test_being_stopped_is_no_death(start, runner_of, row):
    job_id = start()
    for _ in range(rules.JOB_DEATHS + 2):
        stop = threading.Event()

        def run(work, stop=stop):
            stop.set()
            with work.step():
                pytest.fail("a step after the stop")

        runner_of(run).run(stop)
    assert (row(job_id).state, row(job_id).attempts) == (JobState.QUEUED, 0)


def test_a_part_that_is_away_makes_it_wait_and_go_on(start, runner_of, look, monkeypatch):
    monkeypatch.setattr(rules, "JOB_RETRY_SECONDS", 0.01)
    stop, broken = threading.Event(), []

    def between(work):
        if work.done == 5:
            stop.set()
        elif len(broken) < work.done:
            broken.append(work.done)
            raise Unavailable

    job_id = start()
    runner_of(counting(5, between)).run(stop)
    assert broken == [1, 2, 3, 4]
    assert (look(job_id).state, rows(look(job_id))) == (JobState.DONE, [1, 2, 3, 4, 5])


def test_a_part_that_stays_away_ends_the_job(start, runner_of, look, monkeypatch):
    monkeypatch.setattr(rules, "JOB_RETRY_SECONDS", 0.01)
    stop, tries = threading.Event(), []

    def run(work):
        tries.append(work.id)
        if len(tries) > rules.JOB_DEATHS:
            pytest.fail("one try too many")
        raise Unavailable

    job_id, at_work = start(), runner_of(run)
    thread = threading.Thread(target=at_work.run, args=(stop,))
    thread.start()
    assert eventually(lambda: look(job_id).state is JobState.FAILED)
    stop.set()
    thread.join(HANG_TIMEOUT)
    assert (len(tries), look(job_id).state) == (rules.JOB_DEATHS, JobState.FAILED)
