"""Whatever comes in whatever order, a job's states keep their promises: no step lost, none twice, none of the dead."""

from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from qe_ban.jobs import errors, rules, service
from qe_ban.jobs.rules import JobState
from qe_ban.kernel.errors import DomainError
from tests.jobs.runners import counting

UPTO = 4
ACTS = ["run", "die", "refuse", "cancel", "resume", "lease over", "cancel while it runs"]


class Died(BaseException):
    pass


@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.lists(st.sampled_from(ACTS), max_size=12))
def test_a_job_ends_the_same_whatever_happens_on_the_way(start, runner_of, change, look, row, clock, acts):
    job_id = start()
    positions = []

    def one_step(then):
        def between(work):
            positions.append(work.done)
            then()

        return counting(UPTO, between)

    def die():
        raise Died

    def refuse():
        raise DomainError("不行")

    for act in acts:
        before = look(job_id)
        if act == "run":
            runner_of(one_step(lambda: None)).run_pending()
        elif act == "die":
            try:
                runner_of(one_step(die)).run_pending()
            except Died:
                assert look(job_id).state is JobState.RUNNING
        elif act == "refuse":
            runner_of(one_step(refuse)).run_pending()
        elif act == "cancel while it runs":
            runner_of(one_step(lambda: change(service.cancel, job_id))).run_pending()
        elif act == "lease over":
            clock.forward(rules.JOB_LEASE + timedelta(seconds=1))
        else:
            try:
                change(service.cancel if act == "cancel" else service.resume, job_id)
            except (errors.NotRunning, errors.NotResumable):
                assert look(job_id) == before
        after, raw = look(job_id), row(job_id)
        assert (raw.lease is None) == (after.state is not JobState.RUNNING)
        assert (after.finished_at is None) == (after.state in rules.ACTIVE_STATES)
        assert after.done >= before.done
        assert before.state is not JobState.DONE or after == before, "done is done"
        assert [fault.row for fault in after.faults] == positions == list(range(1, after.done + 1))
    if look(job_id).state in rules.RESUMABLE_STATES:
        change(service.resume, job_id)
    clock.forward(rules.JOB_LEASE + timedelta(seconds=1))
    runner_of(one_step(lambda: None)).run_pending()
    assert look(job_id).state is JobState.DONE
    assert [fault.row for fault in look(job_id).faults] == positions == list(range(1, UPTO + 1))
