"""`qe-ban keys backfill`: what lies under an older key is written under the newest too."""

from gettext import gettext as _
from pathlib import Path
from typing import Any

import click
from sqlalchemy.orm import Session

from qe_ban.accounts.service import reindexing
from qe_ban.cli.home import home_option
from qe_ban.cli.installation import Opened, opened
from qe_ban.cli.keys import walking
from qe_ban.codes.service import rehashing
from qe_ban.db.walking import walk
from qe_ban.halls.service import moving
from qe_ban.kernel.clock import system_clock
from qe_ban.keys.models import BLIND, Ring


@click.command()
@home_option
@click.argument("ring", metavar="RING", type=click.Choice([*sorted(ring.value for ring in BLIND), Ring.HOLDER.value]))
def backfill(home: Path, ring: str) -> None:
    """Write what lies under an older key of RING under the newest too, while everything serves.

    blind-phone, blind-id-number: every resident gets the index of the second slot; holder: disputes and what residents
    keep at hand move to the newest hash. What a retired key has left is cleared first. Works in small steps;
    interrupted, run it again.
    """
    with opened(home) as installation:
        if ring == Ring.HOLDER:
            written = holder(installation)
        else:
            empty(installation, Ring(ring))
            written = index(installation, Ring(ring))
    click.echo(_("{written} rows written").format(written=written))


def index(installation: Opened, ring: Ring) -> int:
    """Fill both slots of every resident; gives how many lacked one. Raises Refused for rows that do not open."""
    written, broken = 0, set[Any]()

    def step(session: Session, after: Any) -> tuple[Any, int]:
        done = reindexing.backfill(session, installation.rings, ring, after)
        broken.update(done.broken)
        return done.reached, done.written

    # who was locked in one walk is free in the next
    for _walk in range(walking.WALKS):
        written += walk(installation.database, step)
        with installation.database.transaction() as session:
            left = reindexing.missing(session, installation.rings, ring)
        if left <= len(broken):
            break
    walking.refuse_broken(_("residents ({ring})").format(ring=ring), broken)
    return written


def empty(installation: Opened, ring: Ring) -> None:
    """Clear the slot of an index that has no key any more."""

    def step(session: Session, _after: Any) -> tuple[Any, int]:
        emptied = reindexing.empty(session, ring)
        return (emptied or None), emptied

    walk(installation.database, step)


def holder(installation: Opened) -> int:
    """Move every dispute and every list to the newest hash of its holder; gives of how many holders."""
    written = rehashing.rehash_disputes(installation.database, installation.rings, system_clock)
    # whose account was held in one walk is free in the next
    for _walk in range(walking.WALKS):
        found = moving.move_all(installation.database, installation.rings, system_clock)
        written += found
        if found == 0:
            break
    return written
