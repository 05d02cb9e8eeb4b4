"""What the tests of jobs share: a clock that can be moved, jobs of a kind of their own, and who looks at them."""

import time
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from sqlalchemy import select

from qe_ban.jobs import service
from qe_ban.jobs.models import Job
from qe_ban.kernel.principal import Place
from tests.factories.venues import AdminFactory


class Moving:
    """A clock that stands until it is moved."""

    def __init__(self):
        self.now = datetime.now(UTC)

    def __call__(self):
        return self.now

    def forward(self, by):
        self.now += by


@pytest.fixture
def clock():
    return Moving()


@pytest.fixture
def kind():
    return f"test-{uuid4()}"


@pytest.fixture
def owner():
    return AdminFactory()


@pytest.fixture
def start(database, clock, kind, owner):
    """Ask for a job; return its id."""

    def do(*, lane=None, kind=kind, owner=owner, place=owner.place):
        with database.transaction() as session:
            job_id = service.start(session, kind=kind, lane=lane or kind, owner=owner, place=place, now=clock())
        # the clock stands, so the next job's id alone tells that it is younger: ids of one millisecond are in no order
        time.sleep(0.001)
        return job_id

    return do


@pytest.fixture
def runner_of(database, clock, kind):
    """Return a runner of jobs of the test's kind as a process of its own would."""
    return lambda runner, clock=clock: service.Jobs(database, clock, {kind: runner})


@pytest.fixture
def row(database):
    def read(job_id):
        with database.transaction() as session:
            return session.scalars(select(Job).where(Job.id == job_id)).one()

    return read


@pytest.fixture
def look(database):
    """See a job as the city's staff do."""

    def read(job_id, reader=None):
        with database.transaction() as session:
            return service.read(session, reader=reader or AdminFactory(place=Place()), job_id=job_id)

    return read


@pytest.fixture
def change(database, clock, owner):
    """Cancel or resume a job, as its owner or another."""

    def do(act, job_id, by=owner):
        with database.transaction() as session:
            return act(session, job_id=job_id, change=service.Change(by, clock(), "r-test"))

    return do
