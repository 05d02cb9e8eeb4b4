"""`qe-ban keys rewrap`: every secret under the next master key."""

from gettext import gettext as _
from pathlib import Path
from typing import Any

import click
from sqlalchemy.orm import Session

from qe_ban.audit import service as audit
from qe_ban.cli.home import home_option
from qe_ban.cli.installation import NEXT_MASTER_KEY, open_installation
from qe_ban.cli.refusals import Refused
from qe_ban.db.walking import walk
from qe_ban.kernel.clock import system_clock
from qe_ban.keys import rewrapping


@click.command()
@home_option
def rewrap(home: Path) -> None:
    """Wrap every secret under the next master key, QE_MASTER_KEY_NEXT, while everything serves.

    Every process must have been started with both master keys before. Works in small steps; interrupted, run it again.
    Afterwards start every process with the next one as the only QE_MASTER_KEY.
    """
    with open_installation(home) as installation:
        following = installation.settings.master_key_next
        if following is None:
            raise Refused(
                _("{next_master_key} or {next_master_key}_FILE is missing: the master key to change to").format(
                    next_master_key=NEXT_MASTER_KEY
                )
            )
        # neither of the two may be a third one's
        installation.rings.snapshot()
        master = installation.settings.master_key

        def step(session: Session, _after: Any) -> tuple[Any, int]:
            count = rewrapping.step(session, master, following)
            return (count or None), count

        count = walk(installation.database, step)
        with installation.database.transaction() as session:
            audit.record_change(
                session, audit.AtShell(system_clock()), "keys.rewrap", "master", before=None, after={"keys": count}
            )
    click.echo(
        _("{wrapped} keys wrapped under the next master key; nothing is under the one before").format(wrapped=count)
    )
