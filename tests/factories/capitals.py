"""A town with a database of its own, for tests of what the city's own hall shows: that page is one for all towns."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from qe_ban import migrations
from qe_ban.config import Settings
from qe_ban.db.engine import Database
from qe_ban.keys import lifecycle
from tests.conftest import closing_pool
from tests.factories import databases
from tests.factories.pages import Town, make_town


@contextmanager
def capital(settings: Settings, directory: Path, name: str) -> Iterator[Town]:
    """Make a town whose database, named for the tests, knows nothing yet."""
    settings = databases.another(settings, name)
    database = Database(settings.database_url)
    migrations.upgrade(database.engine)
    with database.transaction() as session:
        lifecycle.init(session, settings.master_key, datetime.now(UTC) - timedelta(hours=1))
    database.dispose()
    town = make_town(settings, directory, zones=2)
    with closing_pool(town.app):
        yield town
    town.database.dispose()
