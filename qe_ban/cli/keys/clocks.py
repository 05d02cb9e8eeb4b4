"""What time it is for whoever destroys keys: the database's, and ours must be the same."""

from datetime import datetime, timedelta
from gettext import gettext as _

from sqlalchemy import func, select

from qe_ban.cli.installation import Installation
from qe_ban.cli.refusals import Refused
from qe_ban.kernel.clock import system_clock

APART = timedelta(minutes=1)


def right_now(installation: Installation) -> datetime:
    """Return the database's time. Raises Refused where this machine's clock is a minute off: its days differ."""
    with installation.database.transaction() as session:
        now: datetime = session.execute(select(func.clock_timestamp())).scalar_one()
    if abs(now - system_clock()) > APART:
        raise Refused(_("this machine's clock and the database's are more than a minute apart: nothing was changed"))
    return now
