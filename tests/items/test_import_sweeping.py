"""What of an import is deleted when: nothing of one whose job waits or runs, and a few at a time."""

from datetime import timedelta

import pytest

from qe_ban.items.errors import ImportGone
from qe_ban.items.models import ImportChunk, ImportRow
from qe_ban.items.service import importing
from qe_ban.items.service.importing import FILE_KEPT
from qe_ban.jobs import service as jobs
from qe_ban.jobs.rules import JobState
from qe_ban.kernel.city_file import parse
from qe_ban.kernel.clock import system_clock
from tests.factories.imports import Imports, counts, editor
from tests.factories.sheets import csv_file, row


@pytest.fixture
def imports(database, settings):
    return Imports(database, parse(settings.city_text()))


def sweep(imports, now):
    with imports.database.transaction() as session:
        importing.forget_files(session, now - FILE_KEPT)


def kept(imports, *ids):
    with imports.database.transaction() as session:
        return [
            job
            for job in ids
            if any(session.query(table).filter(table.job_id == job).count() for table in (ImportChunk, ImportRow))
        ]


@pytest.fixture
def long_ago(imports):
    """Sweep away what other tests left, so that the few of a run are this test's."""
    then = system_clock() + 10 * FILE_KEPT
    for _ in range(200):
        sweep(imports, then)
    return then


def test_an_import_that_waits_or_runs_keeps_its_file_however_old(imports, long_ago):
    waiting, running = imports.submit(csv_file([row()])), imports.submit(csv_file([row() for _ in range(3)]))

    def run(work):
        sweep(imports, long_ago)
        importing.run(imports.importer, work)

    view = imports.runner(run).run_one(running)
    assert (view.state, counts(view)) == (JobState.DONE, {"created": 3})
    assert kept(imports, waiting, running) == [waiting]


def test_the_seven_days_are_counted_from_the_end(imports, long_ago):
    job = imports.submit(csv_file([row()]))
    ended = system_clock() + 5 * FILE_KEPT
    with imports.database.transaction() as session:
        jobs.cancel(session, job_id=job, change=jobs.Change(editor(), ended))
    sweep(imports, ended + FILE_KEPT)
    assert kept(imports, job) == [job]
    sweep(imports, ended + FILE_KEPT + timedelta(seconds=1))
    assert kept(imports, job) == []


def test_a_run_deletes_a_few_imports_at_most_the_oldest_first(imports, long_ago):
    ids = [imports.submit(csv_file([row()])) for _ in range(importing.SWEPT_AT_ONCE + 1)]
    for job in ids:
        with imports.database.transaction() as session:
            jobs.cancel(session, job_id=job, change=jobs.Change(editor(), system_clock()))
    sweep(imports, long_ago)
    assert kept(imports, *ids) == ids[-1:]
    sweep(imports, long_ago)
    assert kept(imports, *ids) == []


def test_the_file_goes_with_the_end_and_after_seven_days(imports, long_ago):
    done = imports.submit(csv_file([row()]))
    imports.runner().run_one(done)
    failed = imports.submit(csv_file([row(事项类型="错")]))
    imports.runner().run_one(failed)
    assert kept(imports, done, failed) == [failed]
    sweep(imports, system_clock() + FILE_KEPT)
    assert kept(imports, failed) == []
    with imports.database.transaction() as session:
        jobs.resume(session, job_id=failed, change=jobs.Change(editor(), system_clock()))
    view = imports.runner().run_one(failed)
    assert (view.state, view.error) == (JobState.FAILED, ImportGone.detail)
