"""Makes databases of their own for tests that load fixed people, and waits until transactions meet."""

import shutil
from dataclasses import replace

import psycopg
from sqlalchemy import URL, NullPool, create_engine, make_url, text

from qe_ban import migrations
from qe_ban.config import Settings
from qe_ban.db.engine import Database
from tests.factories.waits import wait_for


def with_schema(settings: Settings, name: str) -> Settings:
    """The settings with a database of this name, at the newest version: a copy of one that was migrated once."""
    url = make_url(settings.database_url)
    template = f"{url.database}_template"
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        there = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (template,)).fetchone()
    if not there:
        engine = create_engine(another(settings, "template").database_url, poolclass=NullPool)
        migrations.upgrade(engine)
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{url.database}_{name}"')
        connection.execute(f'CREATE DATABASE "{url.database}_{name}" TEMPLATE "{template}"')
    return _with_name(settings, url, name)


def another(settings: Settings, name: str) -> Settings:
    """The settings with an empty database of this name beside the run's own, made anew."""
    url = make_url(settings.database_url)
    with psycopg.connect(settings.database_url, autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{url.database}_{name}"')
        connection.execute(f'CREATE DATABASE "{url.database}_{name}"')
    return _with_name(settings, url, name)


def _with_name(settings: Settings, url: URL, name: str) -> Settings:
    database = f"{url.database}_{name}"
    # a database made anew gives the numbers of data keys anew
    keys = settings.data_keys_dir.with_name(database) if settings.data_keys_dir is not None else None
    if keys is not None:
        shutil.rmtree(keys, ignore_errors=True)
    address = url.set(database=database).render_as_string(hide_password=False)
    return replace(settings, database_url=address, data_keys_dir=keys)


def wait_for_locks(database: Database, waiting: int) -> None:
    """Wait until so many of this database's transactions wait for a row."""
    query = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )

    def are_waiting() -> bool:
        with database.transaction() as session:
            return session.scalar(query) >= waiting

    wait_for(are_waiting, "nobody waits")
