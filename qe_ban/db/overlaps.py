"""Until when programs of the previous release may serve beside this one; until then they must understand all rows."""

from datetime import datetime

from sqlalchemy import exists, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from qe_ban.db.base import Base

PREVIOUS = "0.3.0"


class ReleaseOverlap(Base):
    """How long a release may still serve on a database that this one has upgraded; no row where there never was one.

    `rewritten_at` is when the worker had rewritten all that the release left in a form of its own.
    """

    __tablename__ = "release_overlaps"

    previous: Mapped[str] = mapped_column(primary_key=True)
    ends_at: Mapped[datetime]
    rewritten_at: Mapped[datetime | None]


def is_over(session: Session, now: datetime) -> bool:
    """Return whether no program of the previous release serves here any more."""
    serves = exists().where(ReleaseOverlap.previous == PREVIOUS, ReleaseOverlap.ends_at > now)
    return not session.scalar(select(serves))


def is_rewritten(session: Session) -> bool:
    """Return whether nothing is left in the previous release's form; so it is where that release never served."""
    open_overlap = exists().where(ReleaseOverlap.previous == PREVIOUS, ReleaseOverlap.rewritten_at.is_(None))
    return not session.scalar(select(open_overlap))


def set_rewritten(session: Session, now: datetime) -> None:
    """Note that nothing is left in the previous release's form."""
    overlap = update(ReleaseOverlap).where(ReleaseOverlap.previous == PREVIOUS, ReleaseOverlap.rewritten_at.is_(None))
    session.execute(overlap.values(rewritten_at=now))
