"""The one number by which every process knows that what the public sees has changed."""

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from qe_ban.publishing.models import PageStamp


def bump(session: Session) -> None:
    """Count a change of what the public sees, in its transaction.

    Call it last: the row is held until the commit, and every such change waits for it.
    """
    session.execute(update(PageStamp).values(stamp=PageStamp.stamp + 1))


def current(session: Session) -> int:
    """Give the number as it is now."""
    return session.scalars(select(PageStamp.stamp)).one()
