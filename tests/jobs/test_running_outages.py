"""Long jobs whose database goes away: they wait, and go on from the last step."""

import os
import shutil
import signal
import tempfile
import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import text

from qe_ban.db.base import Base
from qe_ban.db.engine import Database, DatabaseUnavailable
from qe_ban.embedded.home import Home
from qe_ban.embedded.postgres import Postgres
from qe_ban.jobs import rules, service
from qe_ban.jobs.models import Job, JobFault
from qe_ban.jobs.rules import JobState
from qe_ban.kernel.clock import system_clock
from qe_ban.kernel.principal import Place
from tests.factories.waits import HANG_TIMEOUT, wait_for
from tests.jobs.runners import counting


def rows(view):
    return [fault.row for fault in view.faults]


def test_a_connection_that_breaks_within_a_step_is_got_over(start, database, runner_of, look, monkeypatch):
    monkeypatch.setattr(rules, "JOB_RETRY_SECONDS", 0.01)
    stop, broken = threading.Event(), []

    def run(work):
        if not broken:
            with work.step() as session:
                work.save(session, progress=99, cursor={"at": 99})
                broken.append(session.scalar(text("SELECT pg_backend_pid()")))
                with database.transaction() as other:
                    other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": broken[0]})
        counting(3)(work)
        stop.set()

    job_id = start()
    runner_of(run).run(stop)
    assert (look(job_id).state, rows(look(job_id))) == (JobState.DONE, [1, 2, 3])


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_with_postgresql_killed_the_job_waits_and_goes_on(monkeypatch):
    monkeypatch.setattr(rules, "JOB_RETRY_SECONDS", 0.1)
    directory = Path(tempfile.mkdtemp(prefix="qe-j-"))
    directory.chmod(0o755)
    home = Home(directory / "home")
    postgres = Postgres(home)
    postgres.start()
    database = Database(postgres.url)
    Base.metadata.create_all(database.engine, tables=[Job.__table__, JobFault.__table__])
    with database.transaction() as session:
        job_id = service.start(session, kind="k", lane="k", owner=None, place=Place(), now=system_clock())
    stop, fifth = threading.Event(), threading.Event()

    def slowly(work):
        if work.done == 5:
            fifth.set()
        time.sleep(0.02)

    thread = threading.Thread(
        target=service.Jobs(database, system_clock, {"k": counting(60, slowly)}).run, args=(stop,)
    )
    thread.start()
    try:
        assert fifth.wait(HANG_TIMEOUT)
        os.kill(postgres.pid, signal.SIGKILL)
        wait_for(lambda: postgres.poll() is not None)
        postgres.start()

        def state():
            try:
                with database.transaction() as session:
                    return session.get(Job, job_id).state
            except DatabaseUnavailable:
                return None

        wait_for(lambda: state() == JobState.DONE)
        with database.transaction() as session:
            numbers = session.scalars(text("SELECT row FROM job_faults ORDER BY number")).all()
        assert numbers == list(range(1, 61))
    finally:
        stop.set()
        thread.join(HANG_TIMEOUT)
        database.dispose()
        postgres.stop()
        home.release()
        shutil.rmtree(home.run_dir, ignore_errors=True)
        shutil.rmtree(directory, ignore_errors=True)
