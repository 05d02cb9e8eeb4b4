"""What a runner says in its steps: how far it is, what it found wrong, and nothing of a step that broke."""

from contextlib import suppress

from sqlalchemy import text

from qe_ban.jobs import service
from qe_ban.jobs.rules import JobState
from tests.jobs.runners import counting


def rows(view):
    return [fault.row for fault in view.faults]


def test_a_step_that_breaks_leaves_nothing(start, runner_of, look):
    def run(work):
        counting(1)(work)
        with suppress(ZeroDivisionError), work.step() as session:
            work.fault(session, [service.Fault(service.Severity.ERROR, "x")])
            work.save(session, progress=7, cursor={"at": 7}, result={"created": 7})
            raise ZeroDivisionError
        with work.step():
            assert (work.done, work.cursor, work.result) == (1, {"at": 1}, {"faults": {"error": 0, "warning": 1}})

    job_id = start()
    runner_of(run).run_pending()
    assert (look(job_id).state, look(job_id).done, rows(look(job_id))) == (JobState.DONE, 1, [1])


def test_a_result_grows_and_the_count_of_faults_is_not_the_runners(start, runner_of, look):
    def run(work):
        with work.step() as session:
            work.fault(session, [service.Fault(service.Severity.ERROR, "x")])
            work.save(session, result={"created": 1, "faults": {"error": 0}})
            work.save(session, result={"changed": 2})
            assert work.result == {"created": 1, "changed": 2, "faults": {"error": 1, "warning": 0}}

    job_id = start()
    runner_of(run).run_pending()
    assert look(job_id).result == {"created": 1, "changed": 2, "faults": {"error": 1, "warning": 0}}


def test_a_thousand_faults_are_shown_errors_before_warnings_and_the_rest_counted(start, runner_of, look):
    def run(work):
        for first in range(1, 10_001, 2500):
            with work.step() as session:
                several = range(first, first + 2500)
                work.fault(session, [service.Fault(service.Severity.WARNING, "核对", "事项", row) for row in several])
        with work.step() as session:
            work.fault(session, [service.Fault(service.Severity.ERROR, "有误", "事项", row, "名称") for row in (3, 9)])

    job_id = start()
    runner_of(run).run_pending()
    view = look(job_id)
    assert view.result["faults"] == {"error": 2, "warning": 10_000}
    assert rows(view) == sorted([*range(1, 999), 3, 9])
    assert service.Fault(service.Severity.ERROR, "有误", "事项", 9, "名称") in view.faults


def test_faults_are_in_the_order_of_the_file_and_of_one_row_in_that_of_finding(start, runner_of, look):
    places = [("乙", 1, "1"), ("甲", 2, "2"), ("甲", 1, "3"), (None, None, "4"), ("甲", None, "5"), ("甲", 1, "6")]
    places += [("甲", 1, str(number)) for number in range(7, 40)]

    def run(work):
        with work.step() as session:
            faults = [service.Fault(service.Severity.ERROR, message, sheet, row) for sheet, row, message in places]
            work.fault(session, faults)

    job_id = start()
    runner_of(run).run_pending()
    order = [(fault.sheet, fault.row, fault.message) for fault in look(job_id).faults]
    assert order == [places[3], places[0], places[4], places[2], *places[5:], places[1]]


def test_a_step_may_take_longer_than_a_request(start, runner_of):
    timeouts = []

    def run(work):
        with work.step() as session:
            names = ("statement_timeout", "idle_in_transaction_session_timeout", "lock_timeout")
            timeouts.extend(session.scalar(text(f"SHOW {name}")) for name in names)

    start()
    runner_of(run).run_pending()
    assert timeouts == ["1min", "1min", "5s"]
