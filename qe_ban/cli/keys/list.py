"""`qe-ban keys list`: every key, its state, and what still lies under it."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from gettext import gettext as _
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from sqlalchemy import select
from sqlalchemy.orm import Session

from qe_ban.accounts.service import reindexing
from qe_ban.cli.home import home_option
from qe_ban.cli.installation import Installation, open_installation
from qe_ban.cli.keys import walking
from qe_ban.kernel.clock import rfc3339, system_clock
from qe_ban.keys.models import BLIND, SIGNING, Key, Ring


@click.command("list")
@home_option
@click.option("--count", is_flag=True, help="Also count what lies under each key; reads whole tables.")
def list(home: Path, *, count: bool) -> None:  # noqa: A001 - the command's name
    """List all keys, newest first: ahead, live, over, verifies (its private half is gone), retired, denied.

    With --count the last column says how many sealed columns or indexes lie under a key.
    """
    with open_installation(home) as installation:
        under = _under(installation) if count else {}
        with installation.database.transaction() as session:
            table = _table(session, under, system_clock())
    # a pipe has no width: one line a key
    Console(width=None if Console().is_terminal else 200, highlight=False).print(table)


def _table(session: Session, under: Mapping[str, int], now: datetime) -> Table:
    rows = session.scalars(select(Key).order_by(Key.ring, Key.not_before.desc(), Key.kid)).all()
    count_columns = (_("under"),) if under else ()
    columns = ("kid", _("ring"), _("from"), _("until"), _("state"), _("slot"))
    table = Table(*columns, *count_columns, box=None, pad_edge=False)
    for row in rows:
        slot = "" if row.slot is None else str(row.slot)
        count_cells = (str(under[row.kid]) if row.kid in under else "",) if under else ()
        table.add_row(
            row.kid, row.ring, rfc3339(row.not_before), rfc3339(row.expires), _state(row, now), slot, *count_cells
        )
    return table


def _under(installation: Installation) -> dict[str, int]:
    counts = Counter(walking.count_sealed(installation.database))
    with installation.database.transaction() as session:
        for row in session.scalars(select(Key)):
            if Ring(row.ring) in BLIND and row.slot is not None:
                counts[row.kid] = reindexing.count(session, Ring(row.ring), row.slot)
            elif row.ring == Ring.COLUMN:
                counts[row.kid] += 0
    return counts


def _state(row: Key, now: datetime) -> str:
    if row.denied_at is not None:
        return _("denied {at}").format(at=rfc3339(row.denied_at))
    if row.wrapped is None and row.ring != Ring.ROOT:
        return _("verifies") if Ring(row.ring) in SIGNING else _("retired")
    if row.expires < now:
        return _("over")
    return _("ahead") if row.not_before > now else _("live")
