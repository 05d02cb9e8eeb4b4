"""Long jobs whose process dies or hangs: another goes on, and nothing is done twice or never."""

import signal
import subprocess
import sys
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest

from qe_ban.jobs import rules, service
from qe_ban.jobs.rules import JobState
from qe_ban.kernel.clock import system_clock
from qe_ban.kernel.ids import new_id
from tests.factories.waits import HANG_TIMEOUT, wait_for
from tests.jobs.runners import counting

ROOT = Path(__file__).parents[2]


class Died(BaseException):
    """Stands for the death of a process: nothing after it is tidied up."""


def rows(view):
    return [fault.row for fault in view.faults]


def dying_at(number):
    def between(work):
        if work.done == number:
            raise Died

    return between


def test_a_dead_processes_job_is_taken_over_when_its_lease_is_over(start, runner_of, look, clock):
    job_id = start()
    with pytest.raises(Died):
        runner_of(counting(5, dying_at(2))).run_pending()
    clock.forward(rules.JOB_LEASE - timedelta(seconds=1))
    runner_of(pytest.fail).run_pending()
    assert look(job_id).state is JobState.RUNNING, "it might still live"
    clock.forward(timedelta(seconds=1))
    runner_of(counting(5)).run_pending()
    assert (look(job_id).state, rows(look(job_id))) == (JobState.DONE, [1, 2, 3, 4, 5])


def test_a_dead_processes_job_goes_before_younger_ones_of_its_lane(start, runner_of, clock):
    first, second, order = start(), start(), []
    with pytest.raises(Died):
        runner_of(counting(5, dying_at(2))).run_pending()
    clock.forward(rules.JOB_LEASE)
    runner_of(lambda work: order.append(work.id)).run_pending()
    assert order == [first, second]


def test_after_five_deaths_in_one_place_the_job_has_failed(start, runner_of, look, clock, change):
    job_id = start()
    for _ in range(rules.JOB_DEATHS):
        with pytest.raises(Died):
            runner_of(counting(9, dying_at(0), within=lambda work: (_ for _ in ()).throw(Died))).run_pending()
        clock.forward(rules.JOB_LEASE)
    runner_of(pytest.fail).run_pending()
    view = look(job_id)
    assert view.state is JobState.FAILED
    assert "worker_died" in view.error
    change(service.resume, job_id)
    for _ in range(rules.JOB_DEATHS - 1):
        with pytest.raises(Died):
            runner_of(counting(9, within=lambda work: (_ for _ in ()).throw(Died))).run_pending()
        clock.forward(rules.JOB_LEASE)
    runner_of(counting(9)).run_pending()
    assert look(job_id).state is JobState.DONE, "a person may say: again, and it is counted anew"


def test_a_stop_between_them_forgives_no_death(start, runner_of, clock, row):
    job_id, stop = start(), threading.Event()

    def die(_):
        raise Died

    def stop_first(work):
        stop.set()
        counting(1)(work)

    for _ in range(2):
        with pytest.raises(Died):
            runner_of(die).run_pending()
        clock.forward(rules.JOB_LEASE)
    runner_of(stop_first).run(stop)
    assert (row(job_id).state, row(job_id).attempts, row(job_id).lease) == (JobState.QUEUED, 2, None)


def test_one_that_gets_further_each_time_may_die_more_often(start, runner_of, look, clock):
    job_id, upto = start(), 2 * rules.JOB_DEATHS
    for number in range(1, upto):
        with pytest.raises(Died):
            runner_of(counting(upto, dying_at(number))).run_pending()
        clock.forward(rules.JOB_LEASE)
    runner_of(counting(upto)).run_pending()
    assert (look(job_id).state, rows(look(job_id))) == (JobState.DONE, list(range(1, upto + 1)))


def test_who_lost_the_lease_writes_nothing_more(start, runner_of, look, clock):
    job_id = start()

    def hang(work):
        if work.done == 2:
            clock.forward(rules.JOB_LEASE)
            runner_of(counting(4)).run_pending()
            assert look(job_id).state is JobState.DONE

    runner_of(counting(9, hang)).run_pending()
    view = look(job_id)
    assert (view.state, view.done, rows(view)) == (JobState.DONE, 4, [1, 2, 3, 4])


def test_who_lost_the_lease_learns_it_while_the_other_works(start, runner_of, look, clock):
    job_id, outcomes = start(), []

    def old(work):
        counting(1)(work)
        clock.forward(rules.JOB_LEASE)
        runner_of(counting(3, within=lambda other: other.done == 1 and tell(work))).run_pending()

    def tell(work):
        # the other's step holds the row: we wait for it, and then it is not ours
        thread = threading.Thread(target=try_it, args=(work,))
        thread.start()
        threads.append(thread)

    def try_it(work):
        try:
            with work.step():
                outcomes.append("wrote")
        except service.LeaseLost:
            outcomes.append("lost")

    threads = []
    runner_of(old).run_pending()
    for thread in threads:
        thread.join(HANG_TIMEOUT)
    assert outcomes == ["lost"]
    assert (look(job_id).state, rows(look(job_id))) == (JobState.DONE, [1, 2, 3])


def test_cancelled_and_resumed_while_it_hangs_it_is_done_by_one(start, runner_of, look, change):
    job_id = start()

    def hang(work):
        if work.done == 2:
            change(service.cancel, job_id)
            change(service.resume, job_id)
            runner_of(counting(4)).run_pending()

    runner_of(counting(9, hang)).run_pending()
    assert (look(job_id).state, look(job_id).done, rows(look(job_id))) == (JobState.DONE, 4, [1, 2, 3, 4])


def test_a_long_pause_between_steps_keeps_the_lease(start, runner_of, row, clock, monkeypatch):
    monkeypatch.setattr(rules, "JOB_BEAT_SECONDS", 0.01)
    job_id = start()

    def parse(work):
        for _ in range(3):
            clock.forward(rules.JOB_LEASE - timedelta(seconds=1))
            wait_for(lambda: row(job_id).leased_until == clock() + rules.JOB_LEASE)
            runner_of(pytest.fail).run_pending()

    runner_of(counting(1, parse)).run_pending()
    assert row(job_id).state == JobState.DONE


def test_a_long_step_keeps_the_lease(start, runner_of, look, clock, monkeypatch):
    monkeypatch.setattr(rules, "JOB_BEAT_SECONDS", 0.01)
    job_id = start()

    def slow(work):
        clock.forward(2 * rules.JOB_LEASE)
        time.sleep(0.05)
        runner_of(pytest.fail).run_pending()

    runner_of(counting(2, lambda work: runner_of(pytest.fail).run_pending(), within=slow)).run_pending()
    assert (look(job_id).state, rows(look(job_id))) == (JobState.DONE, [1, 2])


def test_a_bug_in_a_runner_ends_the_worker_and_not_only_its_thread(start, database, rings, kind, row):
    def bug(work):
        return 1 // 0

    job_id = start()
    with pytest.raises(ZeroDivisionError):
        service.Worker(database, rings, system_clock, {}, [], {kind: bug}).run(threading.Event())
    assert (row(job_id).state, row(job_id).attempts) == (JobState.RUNNING, 1), "taken up again when its lease is over"


def test_a_bug_in_a_schedule_lets_the_job_end_at_its_step(start, database, rings, kind, row):
    has_begun = threading.Event()

    def crash(session, now):
        has_begun.wait(HANG_TIMEOUT)
        raise MemoryError

    def endless(work):
        has_begun.set()
        counting(100_000)(work)

    job_id = start()
    schedule = service.Schedule(f"test-{new_id()}", timedelta(hours=1), crash)
    with pytest.raises(MemoryError):
        service.Worker(database, rings, system_clock, {}, [schedule], {kind: endless}).run(threading.Event())
    assert row(job_id).state == JobState.QUEUED


def test_messages_and_schedules_do_not_wait_for_a_job(start, database, rings, kind, look):
    ran, stop = threading.Event(), threading.Event()
    schedule = service.Schedule(f"test-{new_id()}", timedelta(hours=1), lambda session, now: ran.set())
    job_id = start()
    at_work = service.Worker(database, rings, system_clock, {}, [schedule], {kind: lambda work: ran.wait(HANG_TIMEOUT)})
    thread = threading.Thread(target=at_work.run, args=(stop,))
    thread.start()
    wait_for(lambda: look(job_id).state is JobState.DONE)
    assert ran.is_set()
    stop.set()
    thread.join(HANG_TIMEOUT)
    assert not thread.is_alive()


def test_a_killed_process_loses_nothing_and_ends_the_same(start, database, settings, kind, runner_of, look, row):
    job_id = start()
    argv = [sys.executable, "-m", "tests.jobs.runners", settings.database_url, kind]
    with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        while (line := process.stdout.readline().strip()) != "5":
            assert line, "it ended too early"
        process.send_signal(signal.SIGKILL)
        process.wait(HANG_TIMEOUT)
    assert row(job_id).state == JobState.RUNNING
    upto = row(job_id).done + 5
    later = row(job_id).leased_until
    runner_of(counting(upto), clock=lambda: later).run_pending()
    view = look(job_id)
    assert (view.state, rows(view)) == (JobState.DONE, list(range(1, upto + 1)))
