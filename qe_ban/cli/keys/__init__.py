"""`qe-ban keys`: the master key, and the rings in the database."""

import click

from qe_ban.cli.refusals import Lazy

COMMANDS = ("master", "init", "list", "rotate", "backfill", "retire", "reseal", "rewrap", "deny", "adopt", "settle")


@click.group(cls=Lazy, modules=[f"qe_ban.cli.keys.{name}" for name in COMMANDS])
def keys() -> None:
    """Keys: made once, rotated, retired, denied.

    Secrets lie in the database, under the master key only. docs/keys.md says what each is for and how it is changed.
    """
