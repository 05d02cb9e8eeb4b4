"""A sandbox of its own: the made-up people are always the same, so they need a database that nobody else uses."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from qe_ban import migrations
from qe_ban.app import Services, assemble
from qe_ban.config import Settings
from qe_ban.keys import lifecycle
from tests.factories import databases


@pytest.fixture(scope="session")
def parts(settings: Settings) -> Iterator[Services]:
    own_parts = assemble(databases.another(settings, "sandbox"))
    migrations.upgrade(own_parts.database.engine)
    with own_parts.database.transaction() as session:
        lifecycle.init(session, settings.master_key, datetime.now(UTC))
    yield own_parts
    own_parts.database.dispose()
