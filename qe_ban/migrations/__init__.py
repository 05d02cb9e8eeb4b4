"""The schema's history (alembic), and every table of every slice in one metadata."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from qe_ban.accounts import models as accounts
from qe_ban.audit import models as audit
from qe_ban.codes import models as codes
from qe_ban.db import limits
from qe_ban.db.base import Base
from qe_ban.halls import models as halls
from qe_ban.items import models as items
from qe_ban.jobs import models as jobs
from qe_ban.keys import models as keys
from qe_ban.publishing import models as publishing
from qe_ban.venues import models as venues
from qe_ban.web import idempotency
from qe_ban.zones import models as zones

TABLES = (accounts, audit, codes, halls, idempotency, items, jobs, keys, limits, publishing, venues, zones)
"""The modules that have tables: importing them is what fills the metadata."""

metadata = Base.metadata
LOCK = 0x71654261


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    return config


def upgrade(engine: Engine) -> None:
    """Bring the schema to the newest version; any number of processes may ask at once, one does it."""
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '60s'"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
        command.upgrade(_config(connection), "head")


def head() -> str | None:
    """Give the newest revision that this program knows."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def pending(engine: Engine) -> bool:
    """Tell whether the database is behind this program."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision() != head()
