"""What the tests of privacy share: residents over HTTP, and a database of their own for what runs over all rows."""

from datetime import UTC, datetime

import pytest

from qe_ban.app import assemble
from qe_ban.keys import lifecycle
from tests.accounts import conftest as of_accounts
from tests.factories.databases import migrated

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
    made = assemble(migrated(settings, "privacy"))
    with made.database.transaction() as session:
        lifecycle.init(session, settings.master_key, datetime.now(UTC))
    yield made
    made.database.dispose()
