"""Where an installation is: its home and its QE_* variables, and the way to its database for the other commands."""

import os
import secrets
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from gettext import gettext as _
from pathlib import Path

from qe_ban import migrations
from qe_ban.audit import service as audit
from qe_ban.cli import database_faults
from qe_ban.cli.refusals import Refused
from qe_ban.config import Settings
from qe_ban.db.engine import Database
from qe_ban.embedded.errors import HomeInUse
from qe_ban.embedded.home import Home
from qe_ban.embedded.postgres import Postgres
from qe_ban.kernel.clock import system_clock
from qe_ban.keys import rewrapping
from qe_ban.keys.rings import KeyRings

DATABASE, REDIS = "QE_DATABASE_URL", "QE_REDIS_URL"
DATABASE_POOLED = "QE_DATABASE_POOLED"
MASTER_KEY, MASTER_KEY_FILE = "QE_MASTER_KEY", "QE_MASTER_KEY_FILE"
NEXT_MASTER_KEY, NEXT_MASTER_KEY_FILE = "QE_MASTER_KEY_NEXT", "QE_MASTER_KEY_NEXT_FILE"
CITY_FILE, MEDIA_DIR, DATA_KEYS_DIR = "QE_CITY_FILE", "QE_MEDIA_DIR", "QE_DATA_KEYS_DIR"
OWN_MASTER_KEY, OWN_MEDIA, OWN_DATA_KEYS = "master.key", "media", "data-keys"


@dataclass(frozen=True, slots=True)
class Installation:
    """The database of an installation and its keys, for one command; of the settings only what the database needs."""

    database: Database
    rings: KeyRings
    settings: Settings


@contextmanager
def open_installation(
    home: Path, env: Mapping[str, str] | None = None, *, migrate: bool = False
) -> Iterator[Installation]:
    """Open the configured database, or that of a home: the running one, or one started for the time of the block.

    `migrate` brings the schema to this program's version and makes the home when it is missing. Raises Refused,
    ConfigInvalid, EngineError, DatabaseUnavailable.
    """
    env = os.environ if env is None else env
    with database_faults.refused(), _database_url(home, env, make=migrate) as url:
        settings = Settings.from_env(_enough(env, url, home))
        database = _database(settings)
        try:
            if migrate:
                _upgrade(database, settings)
            elif migrations.pending(database.engine):
                raise Refused(_("the database is not yet at this program's version: start it with `qe-ban up` first"))
            rings = KeyRings(database, settings.master_key, settings.master_key_next, data_keys=settings.data_keys_dir)
            yield Installation(database, rings, settings)
        finally:
            database.dispose()


def _upgrade(database: Database, settings: Settings) -> None:
    before = migrations.upgrade(database.engine)
    if before in (None, migrations.head()):
        return
    with database.transaction() as session:
        master = rewrapping.master_for_new(session, settings.master_key, settings.master_key_next)
        audit.adopt_after_upgrade(session, master, system_clock(), before)


def new_master_key() -> str:
    """Make a random master key: 32 bytes in base64."""
    return b64encode(secrets.token_bytes(32)).decode()


def _database(settings: Settings) -> Database:
    try:
        return Database(settings.database_url, pool=1, behind_pooler=settings.is_pooled)
    except ValueError as error:
        raise Refused(_("{database} is no address: {error}").format(database=DATABASE, error=error)) from error


def _enough(env: Mapping[str, str], url: str, home: Path) -> dict[str, str]:
    """Return the settings that a command on the database needs; what only a server needs is not asked for here."""
    retention = ("QE_SCAN_DAYS", "QE_AUDIT_DAYS", "QE_RECORD_DAYS", "QE_BACKUP_DAYS")
    names = (*retention, DATABASE_POOLED, MASTER_KEY, MASTER_KEY_FILE, NEXT_MASTER_KEY, NEXT_MASTER_KEY_FILE, CITY_FILE)
    values = {name: env[name] for name in names if env.get(name)}
    if not {MASTER_KEY, MASTER_KEY_FILE} & set(values) and (home / OWN_MASTER_KEY).is_file():
        values[MASTER_KEY_FILE] = str(home / OWN_MASTER_KEY)
    values[MEDIA_DIR] = env.get(MEDIA_DIR) or os.path.realpath(home / OWN_MEDIA)
    values[DATA_KEYS_DIR] = env.get(DATA_KEYS_DIR) or os.path.realpath(home / OWN_DATA_KEYS)
    placeholders = {"QE_MODE": "sandbox", REDIS: "unix:///unused", "QE_ISSUER": "unused"}
    return placeholders | values | {DATABASE: url}


@contextmanager
def _database_url(path: Path, env: Mapping[str, str], *, make: bool) -> Iterator[str]:
    if env.get(DATABASE):
        yield env[DATABASE]
        return
    if not make and not path.is_dir():
        raise Refused(
            _("there is no home at {path} and {database} is not set: name one with --home").format(
                path=path, database=DATABASE
            )
        )
    home = Home(path)
    postgres = Postgres(home)
    try:
        home.acquire()
    except HomeInUse:
        # it runs: its supervisor has the engines
        yield postgres.url
        return
    try:
        postgres.start()
        yield postgres.url
    finally:
        postgres.stop()
        home.release()
