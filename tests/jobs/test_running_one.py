"""One job in the caller's own process, as a command does it: its turn, its progress, Ctrl-C."""

import threading

import pytest

from qe_ban.jobs import errors, rules, service
from qe_ban.jobs.rules import JobState
from qe_ban.kernel.errors import Unavailable
from qe_ban.kernel.ids import new_id
from tests.factories.waits import HANG_TIMEOUT
from tests.jobs.runners import counting


def rows(view):
    return [fault.row for fault in view.faults]


def test_it_is_done_here_and_each_step_is_reported(start, runner_of):
    views = []
    view = runner_of(counting(3)).run_one(start(), views.append)
    assert (view.state, rows(view)) == (JobState.DONE, [1, 2, 3])
    assert [(step.state, step.done) for step in views] == [
        (JobState.QUEUED, 0),
        (JobState.RUNNING, 1),
        (JobState.RUNNING, 2),
        (JobState.RUNNING, 3),
    ]


def test_no_other_job_is_touched(start, runner_of, look):
    older, mine = start(lane="test-other"), start()
    runner_of(counting(1)).run_one(mine)
    assert look(older).state is JobState.QUEUED


def test_one_that_is_over_is_reported_as_it_ended(start, runner_of, change):
    job_id = start()
    change(service.cancel, job_id)
    assert runner_of(pytest.fail).run_one(job_id).state is JobState.CANCELLED


def test_one_that_never_was(runner_of):
    with pytest.raises(errors.JobNotFound):
        runner_of(pytest.fail).run_one(new_id())


def test_it_waits_while_another_of_its_lane_runs_and_says_so(start, runner_of, look):
    first, mine, states, ready, go = start(), start(), [], threading.Event(), threading.Event()

    def hold(work):
        ready.set()
        assert go.wait(HANG_TIMEOUT)

    def tell(view):
        states.append(view.state)
        if len(states) == 2:
            assert look(first).state is JobState.RUNNING
            go.set()

    other = threading.Thread(target=lambda: runner_of(hold).run_one(first))
    other.start()
    assert ready.wait(HANG_TIMEOUT)
    assert runner_of(counting(2)).run_one(mine, tell).state is JobState.DONE
    other.join(HANG_TIMEOUT)
    assert states[:2] == [JobState.QUEUED, JobState.QUEUED]
    assert states[-1] is JobState.RUNNING


def test_one_that_a_worker_took_first_is_followed_to_its_end(start, runner_of):
    job_id, states, ready, go = start(), [], threading.Event(), threading.Event()

    def hold(work):
        counting(1)(work)
        ready.set()
        assert go.wait(HANG_TIMEOUT)
        counting(2)(work)

    def tell(view):
        states.append((view.state, view.done))
        go.set()

    worker = threading.Thread(target=runner_of(hold).run_pending)
    worker.start()
    assert ready.wait(HANG_TIMEOUT)
    view = runner_of(pytest.fail).run_one(job_id, tell)
    worker.join(HANG_TIMEOUT)
    assert (view.state, rows(view)) == (JobState.DONE, [1, 2])
    assert states[0] == (JobState.RUNNING, 1)


def test_the_lane_of_a_dead_process_is_freed_when_its_lease_is_over(start, runner_of, clock, look):
    class Died(BaseException):
        pass

    def die(work):
        raise Died

    dead, mine = start(), start()
    with pytest.raises(Died):
        runner_of(die).run_pending()
    clock.forward(rules.JOB_LEASE)
    assert runner_of(counting(1)).run_one(mine).state is JobState.DONE
    assert look(dead).state is JobState.QUEUED


@pytest.mark.parametrize("at", ["between steps", "within a step", "while it waits"])
def test_ctrl_c_leaves_it_cancelled_and_resumable(start, runner_of, look, change, at):
    def interrupt(work):
        if work.done == 2:
            raise KeyboardInterrupt

    def tell(view):
        if at == "while it waits":
            raise KeyboardInterrupt

    job_id = start()
    runner = counting(5, interrupt) if at == "between steps" else counting(5, within=interrupt)
    with pytest.raises(KeyboardInterrupt):
        runner_of(runner).run_one(job_id, tell)
    view = look(job_id)
    assert (view.state, rows(view)) == (JobState.CANCELLED, [] if at == "while it waits" else [1, 2])
    change(service.resume, job_id)
    assert rows(runner_of(counting(5)).run_one(job_id)) == [1, 2, 3, 4, 5]


def test_its_failure_is_given_with_the_words_for_people(start, runner_of):
    def fail(work):
        raise service.JobFailed("文件已损坏")

    view = runner_of(fail).run_one(start())
    assert (view.state, view.error) == (JobState.FAILED, "文件已损坏")


def test_a_part_that_is_away_for_a_moment_is_waited_for(start, runner_of, monkeypatch):
    monkeypatch.setattr(rules, "JOB_RETRY_SECONDS", 0.01)
    broken = []

    def between(work):
        if not broken:
            broken.append(work.done)
            raise Unavailable

    view = runner_of(counting(3, between)).run_one(start())
    assert (view.state, rows(view)) == (JobState.DONE, [1, 2, 3])


def test_ctrl_c_of_one_that_follows_leaves_the_job_to_the_worker_that_has_it(start, runner_of, look):
    job_id, ready, go = start(), threading.Event(), threading.Event()

    def hold(work):
        ready.set()
        assert go.wait(HANG_TIMEOUT)
        counting(2)(work)

    def interrupt(view):
        raise KeyboardInterrupt

    worker = threading.Thread(target=runner_of(hold).run_pending)
    worker.start()
    assert ready.wait(HANG_TIMEOUT)
    with pytest.raises(KeyboardInterrupt):
        runner_of(pytest.fail).run_one(job_id, interrupt)
    go.set()
    worker.join(HANG_TIMEOUT)
    assert (look(job_id).state, rows(look(job_id))) == (JobState.DONE, [1, 2])
