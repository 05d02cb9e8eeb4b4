"""`qe-ban keys rotate`: a new key for a ring."""

from gettext import gettext as _
from pathlib import Path

import click

from qe_ban.accounts.service import reindexing
from qe_ban.audit import service as audit
from qe_ban.cli.home import home_option
from qe_ban.cli.installation import open_installation
from qe_ban.cli.keys import clocks, walking
from qe_ban.kernel.clock import rfc3339
from qe_ban.keys import lifecycle, rewrapping
from qe_ban.keys.models import BLIND, Key, Ring

ROTATABLE = sorted(set(Ring) - {Ring.ROOT})


@click.command()
@home_option
@click.argument("ring", metavar="RING", type=click.Choice([ring.value for ring in ROTATABLE]))
def rotate(home: Path, ring: str) -> None:
    """Add a key to RING and print its kid; what the keys before it have made stays good.

    It is used in ten seconds, when every process knows it; a ring with a key for each day gets new ones for the days
    that begin in a day or more. Rings: code, code-printed, token, audit, holder, derive, blind-phone, blind-id-number,
    column, seal-issued, seal-pass, seal-printed.
    """
    with open_installation(home) as installation:
        settings, now = installation.settings, clocks.right_now(installation)
        used = walking.count_sealed(installation.database) if ring == Ring.COLUMN else {}
        with installation.database.transaction() as session:
            # a key under another master key could be read by nobody: it refuses that
            master = rewrapping.master_for_new(session, settings.master_key, settings.master_key_next)
            if Ring(ring) in BLIND:
                kid = reindexing.rotate(session, master, Ring(ring), now)
            else:
                kid = lifecycle.rotate(session, master, Ring(ring), now, used=used)
            begins = session.get_one(Key, kid).not_before
            details = {"ring": ring, "from": rfc3339(begins)}
            audit.record_change(session, audit.AtShell(now), "keys.rotate", kid, before=None, after=details)
    click.echo(kid)
    click.echo(_("in use from {begins}").format(begins=rfc3339(begins)), err=True)
