"""A database with bylaws, and a council for each test."""

import secrets

import pytest

from qe_ban.accounts.rules.staff import STAFF_SCOPES, Role
from qe_ban.db.engine import Database
from qe_ban.kernel.clock import system_clock
from qe_ban.keys import lifecycle
from qe_ban.keys.rings import KeyRings
from tests.factories.databases import with_schema
from tests.reviewing.bylaws import REVIEW, Council, create_tables


@pytest.fixture(scope="session")
def archive(settings):
    """A database with the tables of bylaws, and its keys."""
    mine = with_schema(settings, "bylaws")
    database = Database(mine.database_url, pool=4)
    with database.transaction() as session:
        lifecycle.init(session, mine.master_key, system_clock())
    create_tables(database.engine)
    yield database, KeyRings(database, mine.master_key)
    database.dispose()


@pytest.fixture
def council(archive, monkeypatch):
    """A bylaw that nobody has touched; reviewers of the city may review it."""
    monkeypatch.setitem(STAFF_SCOPES, Role.REVIEWER, frozenset({REVIEW}))
    database, rings = archive
    return Council(database, rings, f"bylaw-{secrets.token_hex(4)}")
