"""The schema's history (alembic), and every table of every slice in one metadata."""

import re
import time
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, exc, text

from qe_ban.accounts import models as accounts
from qe_ban.audit import models as audit
from qe_ban.codes import models as codes
from qe_ban.db import limits, overlaps
from qe_ban.db.base import Base
from qe_ban.halls import models as halls
from qe_ban.health import models as health
from qe_ban.items import models as items
from qe_ban.jobs import models as jobs
from qe_ban.keys import models as keys
from qe_ban.publishing import models as publishing
from qe_ban.venues import models as venues
from qe_ban.web import idempotency
from qe_ban.zones import models as zones

TABLES = (
    accounts,
    audit,
    codes,
    halls,
    health,
    idempotency,
    items,
    jobs,
    keys,
    limits,
    overlaps,
    publishing,
    venues,
    zones,
)
"""The modules that have tables: importing them is what fills the metadata."""

metadata = Base.metadata
LOCK = 0x71654261
PATIENCE = "300ms"
"""How long a migration waits for all tables, while it holds some.

Less than the second after which PostgreSQL looks for deadlocks: it would end a request and not us.
"""
TRIES, PAUSE = 200, 0.1
_TABLES = """
SELECT string_agg(format('%I.%I', schemaname, tablename), ', ' ORDER BY tablename)
FROM pg_tables WHERE schemaname = current_schema()
"""
PART = re.compile(r"(?P<table>\w+)_(before|default|\d{4}_\d{2})")
"""How the parts of a table that is cut by months are called."""


def belongs_to_models(name: str | None, kind: str, _parents: object = None) -> bool:
    """Return whether a name in the database belongs to the models: partitions by month do not."""
    part = PART.fullmatch(name or "") if kind == "table" else None
    return part is None or part["table"] not in metadata.tables


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    return config


def upgrade(engine: Engine) -> str | None:
    """Bring the schema to the newest version, and give the one before; any number may ask at once, one does it.

    Programs of the release before may serve meanwhile: they wait, and none of their requests fails. Raises
    OperationalError where their work never lets all tables go at once.
    """
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '60s'"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
        before = _revision(connection)
        if before != head():
            _take_tables(connection)
        command.upgrade(_config(connection), "head")
    return before


def _take_tables(connection: Connection) -> None:
    """Lock all tables before any is changed: requests take theirs in orders of their own, and would meet us halfway."""
    tables = connection.execute(text(_TABLES)).scalar_one()
    if tables is None:
        return
    for tries_left in reversed(range(TRIES)):
        try:
            with connection.begin_nested():
                connection.execute(text(f"SET LOCAL statement_timeout = '{PATIENCE}'"))
                connection.execute(text(f"LOCK TABLE {tables} IN ACCESS EXCLUSIVE MODE"))
                connection.execute(text("SET LOCAL statement_timeout = 0"))
                return
        except exc.OperationalError:
            if not tries_left:
                raise
            time.sleep(PAUSE)


def head() -> str | None:
    """Return the newest revision that this program knows."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def pending(engine: Engine) -> bool:
    """Return whether the database is behind this program."""
    with engine.connect() as connection:
        return _revision(connection) != head()


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()
