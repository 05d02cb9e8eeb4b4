"""The thread that keeps a job's lease alive: a bug in it is told, and ends the run as a runner's own does."""

import threading

import pytest
from structlog.testing import capture_logs

from qe_ban.jobs import rules
from qe_ban.jobs.rules import JobState
from tests.factories.waits import wait_for
from tests.jobs.runners import counting


class Broken(Exception):
    pass


@pytest.mark.parametrize("upto", [0, 3])
def test_a_bug_in_the_beat_is_logged_and_comes_through(start, runner_of, clock, look, monkeypatch, upto):
    monkeypatch.setattr(rules, "JOB_BEAT_SECONDS", 0.01)
    job_id = start()

    def read():
        if threading.current_thread().name.startswith("jobs-beat"):
            raise Broken
        return clock()

    def run(work):
        wait_for(lambda: any(line["log_level"] == "error" for line in lines))
        counting(upto)(work)

    with capture_logs() as lines, pytest.raises(Broken):
        runner_of(run, read).run_pending()
    assert [line["event"] for line in lines if line["log_level"] == "error"] == ["jobs.beat_broken"]
    assert (look(job_id).state, look(job_id).done) == (JobState.RUNNING, min(upto, 1))
