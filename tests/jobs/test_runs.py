"""Jobs as people see them: whose they are, what may be done with them when, and how they are forgotten."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text

from qe_ban.audit.models import AuditEvent
from qe_ban.db.engine import DatabaseUnavailable
from qe_ban.jobs import errors, rules, service
from qe_ban.jobs.models import Job, JobFault
from qe_ban.jobs.rules import JobState
from qe_ban.kernel.principal import Place
from tests.factories.databases import wait_for_locks
from tests.factories.endings import end as end_rows
from tests.factories.venues import LAOSHAN, SHINAN, AdminFactory
from tests.jobs.runners import counting

PLACES = {
    "city": Place(),
    "district": Place(district=SHINAN),
    "other district": Place(district=LAOSHAN),
    "department": Place(department="370200001"),
    "other department": Place(department="370200002"),
    "hall": Place(hall="shinan"),
    "zone": Place(zone="medical"),
}


@pytest.mark.parametrize(
    ("place", "readers"),
    [
        ("city", {"city"}),
        ("district", {"city", "district"}),
        ("department", {"city", "department"}),
        ("hall", {"city"}),
        ("zone", {"city"}),
    ],
)
def test_a_job_is_seen_by_its_owner_and_by_those_who_answer_for_its_place(
    start, look, change, database, place, readers
):
    owner = AdminFactory(place=PLACES[place])
    job_id = start(owner=owner, place=owner.place)
    assert look(job_id, owner).id == job_id
    for name, seen_from in PLACES.items():
        reader = AdminFactory(place=seen_from)
        with database.transaction() as session:
            ids = [view.id for view in service.list_jobs(session, reader=reader, before=None, limit=100)]
        assert (job_id in ids) == (name in readers)
        if name in readers:
            assert look(job_id, reader).id == job_id
            continue
        with pytest.raises(errors.JobNotFound):
            look(job_id, reader)
        for act in (service.cancel, service.resume):
            with pytest.raises(errors.JobNotFound):
                change(act, job_id, reader)
    assert look(job_id).state is JobState.QUEUED


def test_a_job_of_a_command_is_the_citys(start, look):
    job_id = start(owner=None, place=Place())
    with pytest.raises(errors.JobNotFound):
        look(job_id, AdminFactory())
    assert look(job_id, AdminFactory(place=Place())).id == job_id


def test_a_job_that_waits_has_no_phase_and_has_done_nothing(start, look):
    view = look(start())
    assert (view.state, view.phase, view.done, view.total, view.percent) == (JobState.QUEUED, "", 0, None, None)
    assert (view.result, view.error, view.started_at, view.finished_at, view.faults) == ({}, None, None, None, ())


def test_a_list_goes_on_from_the_last_one_seen(start, database, owner):
    job_ids = [start() for _ in range(5)]

    def page(before, limit):
        with database.transaction() as session:
            jobs = service.list_jobs(session, reader=owner, before=before, limit=limit)
            return [view.id for view in jobs if view.id in job_ids]

    assert page(None, 100) == job_ids[::-1]
    assert page(job_ids[3], 2) == [job_ids[2], job_ids[1]]


def test_a_job_that_was_rolled_back_never_was(database, clock, owner, look):
    with suppress(ZeroDivisionError), database.transaction() as session:
        job_id = service.start(session, kind="x", lane="x", owner=owner, place=owner.place, now=clock())
        raise ZeroDivisionError
    with pytest.raises(errors.JobNotFound):
        look(job_id)


def test_a_repeat_of_cancel_or_resume_is_harmless_and_no_second_event(start, change, look, database):
    job_id = start()
    views = [change(service.cancel, job_id) for _ in range(2)]
    assert views[0] == views[1]
    for _ in range(2):
        assert change(service.resume, job_id).state is JobState.QUEUED
    with database.transaction() as session:
        events = session.scalars(select(AuditEvent).where(AuditEvent.subject == str(job_id)).order_by(AuditEvent.id))
        changes = [(event.action, event.details["before"], event.request_id) for event in events]
    assert changes == [("jobs.cancel", "queued", "r-test"), ("jobs.resume", "cancelled", "r-test")]


def test_what_no_request_asked_for_is_recorded_without_one(start, owner, clock, database):
    job_id = start()
    with database.transaction() as session:
        service.cancel(session, job_id=job_id, change=service.Change(owner, clock()))
    with database.transaction() as session:
        event = session.scalars(select(AuditEvent).where(AuditEvent.subject == str(job_id))).one()
    assert (event.action, event.request_id) == ("jobs.cancel", None)


@pytest.mark.parametrize("act", [service.cancel, service.resume])
def test_whoever_does_the_same_at_the_same_moment_finds_it_done(start, change, clock, database, act):
    job_id = start()
    if act is service.resume:
        change(service.cancel, job_id)
    with ThreadPoolExecutor(1) as pool:
        with database.transaction() as session:
            first = act(session, job_id=job_id, change=service.Change(AdminFactory(), clock(), "r-test"))
            late = pool.submit(change, act, job_id)
            wait_for_locks(database, 1)
        assert late.result() == first
    with database.transaction() as session:
        events = session.scalars(select(AuditEvent.action).where(AuditEvent.subject == str(job_id))).all()
    assert events.count(f"jobs.{act.__name__}") == 1


def test_what_is_done_is_neither_cancelled_nor_resumed(start, change, runner_of, look):
    job_id = start()
    runner_of(counting(1)).run_pending()
    before = look(job_id)
    with pytest.raises(errors.NotRunning):
        change(service.cancel, job_id)
    with pytest.raises(errors.NotResumable):
        change(service.resume, job_id)
    assert look(job_id) == before


def test_what_failed_is_not_cancelled(start, change, runner_of):
    def fail(work):
        raise service.JobFailed

    job_id = start()
    runner_of(fail).run_pending()
    with pytest.raises(errors.NotRunning):
        change(service.cancel, job_id)


def test_a_job_is_forgotten_thirty_days_after_its_end_with_its_faults(start, runner_of, change, database, clock):
    done_id, cancelled_id, queued_id = start(), start(), start()
    runner_of(counting(3)).run_one(done_id)
    change(service.cancel, cancelled_id)

    def remaining():
        with database.transaction() as session:
            end_rows(session, service.ENDINGS, clock())
            faults = session.scalar(select(func.count()).where(JobFault.job_id == done_id))
            return set(session.scalars(select(Job.id).where(Job.id.in_([done_id, cancelled_id, queued_id])))), faults

    clock.forward(rules.JOB_KEPT)
    assert remaining() == ({done_id, cancelled_id, queued_id}, 3)
    clock.forward(timedelta(seconds=1))
    assert remaining() == ({queued_id}, 0)


def test_whoever_cancels_a_job_whose_step_hangs_does_not_wait_for_ever(start, runner_of, database, clock):
    job_id, steps = start(), []

    def within(work):
        with suppress(DatabaseUnavailable), database.transaction() as session:
            session.execute(text("SET LOCAL lock_timeout = '50ms'"))
            steps.append("waits")
            service.cancel(session, job_id=job_id, change=service.Change(AdminFactory(), clock()))
            steps.append("cancelled")

    runner_of(counting(1, within=within)).run_pending()
    assert steps == ["waits"]


@pytest.mark.parametrize(
    ("state", "progress", "total", "percent"),
    [
        (JobState.QUEUED, 0, None, None),
        (JobState.RUNNING, 0, 0, None),
        (JobState.RUNNING, 5, None, None),
        (JobState.RUNNING, 0, 3, 0),
        (JobState.RUNNING, 1, 3, 33),
        (JobState.RUNNING, 3, 3, 99),
        (JobState.RUNNING, 9, 3, 99),
        (JobState.CANCELLED, 2, 3, 66),
        (JobState.DONE, 0, None, 100),
        (JobState.DONE, 2, 3, 100),
    ],
)
def test_percents(state, progress, total, percent):
    assert rules.percent(state, progress, total) == percent


@pytest.mark.parametrize(
    ("place", "now_at", "may"),
    [
        ("district", "district", True),
        ("district", "city", True),
        ("district", "other district", False),
        ("district", "department", False),
        ("department", "department", True),
        ("department", "other department", False),
        ("city", "district", False),
        ("city", "hall", False),
    ],
)
def test_an_owner_who_has_moved_resumes_only_what_is_of_the_new_place(start, change, look, place, now_at, may):
    owner = AdminFactory(place=PLACES[place])
    job_id = start(owner=owner, place=owner.place)
    owner_elsewhere = AdminFactory(id=owner.id, place=PLACES[now_at])
    change(service.cancel, job_id, owner_elsewhere)
    if may:
        assert change(service.resume, job_id, owner_elsewhere).state is JobState.QUEUED
        return
    with pytest.raises(errors.OtherPlace):
        change(service.resume, job_id, owner_elsewhere)
    assert look(job_id).state is JobState.CANCELLED
