"""Imports that are broken off: they end as if nothing had been."""

import os
import signal
import subprocess
import sys
from base64 import b64encode
from datetime import timedelta
from functools import partial

import pytest

from qe_ban.items.service import importing, progress
from qe_ban.jobs import service as jobs
from qe_ban.jobs.service import JobState
from qe_ban.kernel.city_file import parse
from qe_ban.kernel.clock import system_clock
from tests.factories.imports import Imports, counts, editor
from tests.factories.items import department_code
from tests.factories.sheets import CODE, NAME, csv_file, material, row, xlsx_file
from tests.factories.waits import HANG_TIMEOUT


@pytest.fixture
def imports(database, settings):
    return Imports(database, parse(settings.city_text()))


@pytest.fixture
def small(monkeypatch):
    """Steps of three rows, so that few rows are many steps."""
    for module in (progress, importing.checking, importing.comparing, importing.applying):
        monkeypatch.setattr(module, "STEP", 3)


class Died(Exception):
    """What ends a process of the tests in the middle."""


def dying_after(steps, importer):
    """A runner that dies at its n-th step, before or after what it has done is committed."""

    def run(work):
        count = 0
        step = work.step

        def counted_step():
            nonlocal count
            count += 1
            if count > steps:
                raise Died
            return step()

        work.step = counted_step
        importing.run(importer, work)

    return run


def mixed():
    """A file with something of everything, and what is in the catalogue before."""
    agency = department_code()
    rows = [row(agency=agency, **{NAME: f"第{number}项"}) for number in range(8)]
    before = [*rows[:4], row(agency=agency)]
    after = [rows[0] | {NAME: "改了名"}, *rows[1:6], row(事项类型="错"), rows[6], rows[7]]
    return before, xlsx_file(items=after, materials=[material(one[CODE]) for one in after[:5]]), [
        one[CODE] for one in (*before, *rows[4:])
    ]  # fmt: skip


def look(imports, codes):
    """What an import made of the catalogue, without ids, codes and times."""
    items = {item.code: item for item in imports.items(*codes)}
    return [
        (items[code].name, items[code].latest, items[code].ends_at is not None, len(imports.content(code)))
        if code in items
        else None
        for code in codes
    ]


LEASES = timedelta(minutes=5)
"""Longer than any lease."""
OPTIONS = {"skip_invalid": True, "missing": "end", "ending_at_most": 1}


def test_a_job_that_dies_at_any_step_ends_the_same(imports, small):
    before, data, codes = mixed()
    imports.run(csv_file(before))
    whole = imports.run(data, **OPTIONS)
    wanted = (whole.state, counts(whole), look(imports, codes), len(whole.faults))
    assert wanted[:2] == (
        JobState.DONE,
        {"created": 4, "changed": 4, "skipped": 1, "ended": 1},
    )
    deaths = 0
    for steps in range(1, 60, 4):
        before, data, codes = mixed()
        imports.run(csv_file(before))
        job = imports.submit(data, **OPTIONS)
        try:
            view = imports.runner(dying_after(steps, imports.importer)).run_one(job)
        except Died:
            deaths += 1
            view = abandoned(imports, job)
        assert (view.state, counts(view), look(imports, codes), len(view.faults)) == wanted, steps
    assert deaths > 4


def abandoned(imports, job):
    """Go on with a job whose process is gone: once its lease is over, another takes it up."""
    later = Imports(imports.database, imports.importer.city, lambda: system_clock() + LEASES)
    return later.runner(partial(importing.run, imports.importer)).run_one(job)


def test_every_step_dying_in_turn_still_ends(imports, small):
    before, data, _ = mixed()
    imports.run(csv_file(before))
    job = imports.submit(data, **OPTIONS)
    view = None
    for _ in range(60):
        try:
            # at least one step of progress each time: the file is fetched in two steps first
            view = abandoned_with(imports, job, dying_after(6, imports.importer))
        except Died:
            continue
        break
    assert view is not None
    assert counts(view) == {"created": 4, "changed": 4, "skipped": 1, "ended": 1}


def abandoned_with(imports, job, run):
    later = Imports(imports.database, imports.importer.city, Late())
    return later.runner(run).run_one(job)


class Late:
    """A clock that each time is further ahead, so that every lease is over."""

    ahead = 0

    def __call__(self):
        type(self).ahead += 1
        return system_clock() + LEASES * type(self).ahead


PROCESS = """
import sys
from functools import partial
from uuid import UUID
from qe_ban.db.engine import Database
from qe_ban.items.service import importing
from qe_ban.jobs import service as jobs
from qe_ban.kernel.city_file import parse
from qe_ban.kernel.clock import system_clock
from qe_ban.config import Settings
url, key, job = sys.argv[1:]
settings = Settings.from_env({"QE_MODE": "sandbox", "QE_DATABASE_URL": url, "QE_REDIS_URL": "unix:///x",
                              "QE_MASTER_KEY": key, "QE_ISSUER": "x"})
run = partial(importing.run, importing.Importer(parse(settings.city_text()), system_clock))
jobs.Jobs(Database(url, pool=2), system_clock, {importing.KIND: run}).run_one(
    UUID(job), lambda view: print(view.phase, view.done, flush=True))
"""


@pytest.mark.slow
def test_a_process_that_is_killed_is_made_up_for(imports, settings):
    agency = department_code()
    rows = [row(agency=agency, **{NAME: f"第{number}项"}) for number in range(1600)]
    job = imports.submit(csv_file(rows))
    words = [sys.executable, "-c", PROCESS, settings.database_url, b64encode(settings.master_key), str(job)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": "."}) as process:
        for line in process.stdout:
            if line.split() == ["applying", "500"]:
                process.send_signal(signal.SIGKILL)
                break
        process.wait(HANG_TIMEOUT)
    assert process.returncode == -signal.SIGKILL
    done = len(imports.items(*(one[CODE] for one in rows)))
    assert 0 < done < 1600
    view = abandoned(imports, job)
    assert (view.state, counts(view)) == (JobState.DONE, {"created": 1600})
    assert counts(imports.run(csv_file(rows))) == {"unchanged": 1600}


def test_a_cancelled_import_is_resumed_where_it_was(imports, small):
    rows = [row() for _ in range(10)]
    job = imports.submit(csv_file(rows), owner := editor())
    change = jobs.Change(owner, system_clock())

    def cancelling(work):
        step = work.step

        def counted():
            if work.phase == "applying" and work.done == 6:
                with imports.database.transaction() as session:
                    jobs.cancel(session, job_id=job, change=change)
            return step()

        work.step = counted
        importing.run(imports.importer, work)

    view = imports.runner(cancelling).run_one(job)
    assert (view.state, counts(view)) == (JobState.CANCELLED, {"created": 6})
    with imports.database.transaction() as session:
        jobs.resume(session, job_id=job, change=change)
    view = imports.runner().run_one(job)
    assert (view.state, counts(view)) == (JobState.DONE, {"created": 10})


def test_a_death_after_the_last_step_is_no_failure(imports):
    job = imports.submit(csv_file([row()]))

    def run(work):
        importing.run(imports.importer, work)
        raise Died

    with pytest.raises(Died):
        imports.runner(run).run_one(job)
    assert abandoned(imports, job).state is JobState.DONE


def test_progress_grows_to_its_total(imports, small):
    seen = []
    job = imports.submit(csv_file([row() for _ in range(10)]))
    imports.runner().run_one(job, lambda view: seen.append((view.phase, view.done, view.total)))
    for phase in ("checking", "comparing", "applying"):
        steps = [(done, total) for name, done, total in seen if name == phase]
        assert steps == sorted(steps)
        assert steps[-1] == (10, 10)


def test_nothing_waits_long_for_an_import(imports):
    rows, steps = [row() for _ in range(1200)], []
    imports.runner().run_one(imports.submit(csv_file(rows)), steps.append)
    assert len(steps) > 8, "many short steps"
