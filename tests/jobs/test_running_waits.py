"""How long whoever runs jobs waits: not at all while there is work, and a moment where there is none."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from unittest.mock import Mock

import pytest
from sqlalchemy import select

from qe_ban.jobs import rules, service
from qe_ban.jobs.models import Job
from qe_ban.jobs.rules import JobState
from qe_ban.kernel.errors import Unavailable
from tests.factories.waits import HANG_TIMEOUT, wait_for
from tests.jobs.runners import counting


class Listening(threading.Event):
    """A stop that is given at the first wait, and remembers for how long that would have been."""

    def __init__(self):
        super().__init__()
        self.waits = []

    def wait(self, timeout=None):
        self.waits.append(timeout)
        self.set()
        return True


def test_a_worker_rests_for_a_moment_when_every_job_is_done_and_not_between_two(start, runner_of, look):
    jobs, stop = [start(), start()], Listening()
    runner_of(counting(1)).run(stop)
    assert [look(job).state for job in jobs] == [JobState.DONE] * 2
    assert stop.waits == [0.5]


def test_a_worker_that_can_do_no_kind_of_job_asks_nobody_and_rests(clock):
    database, stop = Mock(), Listening()
    service.Jobs(database, clock, {}).run(stop)
    assert (database.mock_calls, stop.waits) == ([], [0.5])


def test_without_a_database_a_worker_looks_again_a_little_later(clock, kind):
    database, stop = Mock(), Listening()
    database.transaction.side_effect = Unavailable
    service.Jobs(database, clock, {kind: pytest.fail}).run(stop)
    assert stop.waits == [rules.JOB_RETRY_SECONDS]


def test_whoever_waits_for_a_turn_looks_again_and_again_and_no_more_often_than_twice_a_second(start, runner_of):
    first, mine, moments, ready, go = start(), start(), [], threading.Event(), threading.Event()

    def hold(_):
        ready.set()
        assert go.wait(HANG_TIMEOUT)

    def note(view):
        if view.state is JobState.QUEUED:
            moments.append(time.monotonic())

    with ThreadPoolExecutor(2) as pool:
        other = pool.submit(runner_of(hold).run_one, first)
        assert ready.wait(HANG_TIMEOUT)
        waiting = pool.submit(runner_of(counting(1)).run_one, mine, note)
        wait_for(lambda: len(moments) == 4)
        go.set()
        assert other.result(HANG_TIMEOUT).state is waiting.result(HANG_TIMEOUT).state is JobState.DONE
    assert all(later - earlier >= 0.5 for earlier, later in pairwise(moments))


def test_one_whose_lease_is_over_while_its_step_is_done_is_passed_by(start, runner_of, look, clock, database):
    step, free = start(lane="test-step"), []

    def run(work):
        if work.id == step and not free:
            with work.step():
                clock.forward(rules.JOB_LEASE)
                free.append(start(lane="test-free"))
                with ThreadPoolExecutor(1) as pool:
                    pool.submit(runner_of(counting(1)).run_pending).result(HANG_TIMEOUT)
                assert look(free[0]).state is JobState.DONE

    runner_of(run).run_pending()
    with database.transaction() as session:
        assert session.scalars(select(Job.state).where(Job.id == step)).one() == JobState.DONE


def test_whoever_looks_at_a_job_does_not_wait_for_the_step_that_is_being_done(start, runner_of, look):
    job_id, views = start(), []

    def run(work):
        with work.step() as session:
            work.save(session, progress=1)
            with ThreadPoolExecutor(1) as pool:
                views.append(pool.submit(look, job_id).result(HANG_TIMEOUT))

    runner_of(run).run_pending()
    assert [(view.state, view.done) for view in views] == [(JobState.RUNNING, 0)]
