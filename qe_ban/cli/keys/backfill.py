"""`qe-ban keys backfill`: what lies under an older key is written under the newest too."""

from gettext import gettext as _
from pathlib import Path
from typing import Any

import click
from sqlalchemy.orm import Session

from qe_ban.accounts.service import reindexing
from qe_ban.cli.home import home_option
from qe_ban.cli.installation import Installation, open_installation
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
    with open_installation(home) as installation:
        if ring == Ring.HOLDER:
            count = rehash_holders(installation)
        else:
            clear_slot(installation, Ring(ring))
            count = fill_index(installation, Ring(ring))
    click.echo(_("{written} rows written").format(written=count))


def fill_index(installation: Installation, ring: Ring) -> int:
    """Fill both slots of every resident; gives how many lacked one. Raises Refused for rows that do not open."""
    count, broken = 0, set[Any]()

    def step(session: Session, after: Any) -> tuple[Any, int]:
        batch = reindexing.backfill(session, installation.rings, ring, after)
        broken.update(batch.broken)
        return batch.reached, batch.written

    # who was locked in one walk is free in the next
    for _walk in range(walking.WALKS):
        count += walk(installation.database, step)
        with installation.database.transaction() as session:
            left = reindexing.missing(session, installation.rings, ring)
        if left <= len(broken):
            break
    walking.refuse_broken(_("residents ({ring})").format(ring=ring), broken)
    return count


def clear_slot(installation: Installation, ring: Ring) -> None:
    """Clear the slot of an index that has no key any more."""

    def step(session: Session, _after: Any) -> tuple[Any, int]:
        count = reindexing.empty(session, ring)
        return (count or None), count

    walk(installation.database, step)


def rehash_holders(installation: Installation) -> int:
    """Move every dispute and every list to the newest hash of its holder; gives of how many holders."""
    count = rehashing.rehash_disputes(installation.database, installation.rings, system_clock)
    # whose account was held in one walk is free in the next
    for _walk in range(walking.WALKS):
        holders = moving.move_all(installation.database, installation.rings, system_clock)
        count += holders
        if holders == 0:
            break
    return count
