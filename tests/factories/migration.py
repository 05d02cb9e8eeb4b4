"""`make migration NAME=add_something`: a new migration with what the models have and the migrations do not yet."""

import re
import sys
from pathlib import Path

import click
from alembic import command
from alembic.config import Config

from qe_ban import migrations
from qe_ban.db.engine import Database
from tests.conftest import Engines

USAGE = "make migration NAME=add_something (lower case, digits, underscores)"
_NAME = re.compile(r"[a-z][a-z0-9_]{2,60}")


def next_revision() -> str:
    """Return the number after the newest migration's, four digits."""
    return f"{int(migrations.head() or 0) + 1:04}"


def write(database: Database, name: str) -> Path:
    """Write a migration that brings a database, which is at the newest one, to the models; return its path."""
    revision = next_revision()
    with database.engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", str(Path(migrations.__file__).parent))
        config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
        config.attributes["connection"] = connection
        command.revision(config, name, autogenerate=True, rev_id=revision)
    return Path(migrations.__file__).parent / "versions" / f"{revision}_{name}.py"


def main(words: list[str]) -> int:
    """Write the migration; its path goes to standard output."""
    if len(words) != 1 or not _NAME.fullmatch(words[0]):
        click.echo(USAGE, err=True)
        return 2
    engines = Engines()
    try:
        database = Database(engines.postgres.url)
        migrations.upgrade(database.engine)
        click.echo(write(database, words[0]))
        database.dispose()
    finally:
        engines.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
