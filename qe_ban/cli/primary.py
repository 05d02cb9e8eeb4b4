"""Waits for a database that takes writes: after a fail-over, or a restart of everything, none does for a while."""

import time
from collections.abc import Callable
from gettext import gettext as _
from typing import Final

from qe_ban.cli import database_faults, steps
from qe_ban.cli.refusals import Refused
from qe_ban.db.engine import Database, DatabaseUnavailable, DatabaseUnfit
from qe_ban.embedded.errors import StartCancelled

PRIMARY_TIMEOUT: Final = 60.0
"""Seconds."""
PAUSE: Final = 0.5


def wait(
    database: Database,
    say: steps.Say,
    *,
    is_cancelled: Callable[[], bool],
    seconds: float = PRIMARY_TIMEOUT,
) -> None:
    """Return once a server of the address takes writes; `say` hears a line when that takes longer than one try.

    Raises Refused when `seconds` are over, StartCancelled, and DatabaseUnfit where waiting does not help.
    """
    deadline, has_said = time.monotonic() + seconds, False
    while True:
        why = _why_away(database)
        if why is None:
            return
        if is_cancelled():
            raise StartCancelled(_("the wait for {address} was given up").format(address=database.address))
        if time.monotonic() > deadline:
            raise Refused(
                _("no server of QE_DATABASE_URL took writes after {seconds:.0f} s: {why}").format(
                    seconds=seconds, why=why
                )
            )
        if not has_said:
            say(steps.waiting(seconds, str(database.address), why))
            has_said = True
        time.sleep(PAUSE)


def _why_away(database: Database) -> str | None:
    """Return why no server takes writes, None where one does. Raises DatabaseUnfit."""
    try:
        with database.statements() as connection:
            connection.execute("SELECT 1")
    except DatabaseUnfit:
        raise
    except DatabaseUnavailable as error:
        return database_faults.reason(error.__cause__ or error)
    return None
