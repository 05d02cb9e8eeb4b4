"""What the tests of privacy share: residents over HTTP, and a database of their own for what runs over all rows."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, insert

from qe_ban.app import assemble
from qe_ban.db import overlaps
from qe_ban.kernel.clock import system_clock
from qe_ban.keys import lifecycle
from tests.accounts import conftest as of_accounts
from tests.factories.databases import with_schema

accounts, app, city, now, register = (
    of_accounts.accounts,
    of_accounts.app,
    of_accounts.city,
    of_accounts.now,
    of_accounts.register,
)


@pytest.fixture(scope="session")
def parts(settings):
    """A database of its own: what rewrites all rows would meet those of other tests."""
    made = assemble(with_schema(settings, "privacy"))
    with made.database.transaction() as session:
        lifecycle.init(session, settings.master_key, datetime.now(UTC))
    yield made
    made.database.dispose()


@pytest.fixture
def serve_beside(parts):
    """Let the previous release serve until so long from now."""

    def call(more):
        with parts.database.transaction() as session:
            session.execute(delete(overlaps.ReleaseOverlap))
            session.execute(
                insert(overlaps.ReleaseOverlap).values(previous=overlaps.PREVIOUS, ends_at=system_clock() + more)
            )
        parts.rings.refresh()

    yield call
    call(timedelta(seconds=-1))
