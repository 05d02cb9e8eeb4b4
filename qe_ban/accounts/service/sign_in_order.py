"""Takes from the tables of sign-ins the order in which these began and were refreshed.

Accounts stand in the order in which they were made and named, so while they are new, the first sign-in of a table would
be the first account's; and a refresh stands before the scan that came next. The worker therefore writes new sign-ins
and new refresh tokens anew, all of half a minute in one transaction, and once more when their day is over, each time in
the order of their ids, which are random. Tokens of staff are among them: their sign-ins have a moment in clear.
"""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, SmallInteger, bindparam, literal_column, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from qe_ban.accounts.models import RefreshFamily, RefreshToken
from qe_ban.accounts.service.turning_over import write_anew
from qe_ban.kernel.clock import start_of_day

STEP: Final = 500
TOKENS_STEP: Final = 2000
NEW, OF_TODAY, DONE = (literal_column(number, SmallInteger) for number in ("0", "1", "2"))
"""What `turned_over` says; constants in the statements, for these are what the partial index is for."""


def turn_over(session: Session, now: datetime) -> int:
    """Write anew the sign-ins and tokens that are new and those whose day is over; return how many rows.

    At most 500 sign-ins and 2,000 tokens of each. Who is locked is passed over until the next time. Sign-ins that
    release 0.3.0 is to read are left until they are sealed.
    """
    is_sealed = RefreshFamily.content_sealed.is_not(None)
    families = _turn_over(session, RefreshFamily.id, RefreshFamily.started_at, now, where=is_sealed, limit=STEP)
    is_dated = RefreshToken.written_at.is_not(None)
    tokens = _turn_over(
        session, RefreshToken.token_hash, RefreshToken.written_at, now, where=is_dated, limit=TOKENS_STEP
    )
    # of a program of 0.4.0, or from before: of which day is not known
    has_no_date = (RefreshToken.turned_over == NEW) & ~is_dated
    return families + tokens + _write_anew(session, RefreshToken.token_hash, has_no_date, DONE, TOKENS_STEP)


def _turn_over(
    session: Session,
    key: InstrumentedAttribute[Any],
    day: InstrumentedAttribute[Any],
    now: datetime,
    *,
    where: ColumnElement[bool],
    limit: int,
) -> int:
    """Write rows of one table anew by the day that a column of theirs says; return how many."""
    state, of_today = key.class_.turned_over, day >= start_of_day(now)
    return (
        _write_anew(session, key, where & (state == NEW) & of_today, OF_TODAY, limit)
        + _write_anew(session, key, where & (state == NEW) & ~of_today, DONE, limit)
        + _write_anew(session, key, where & (state == OF_TODAY) & ~of_today, DONE, limit)
    )


def _write_anew(
    session: Session,
    key: InstrumentedAttribute[Any],
    which: ColumnElement[bool],
    state: ColumnElement[int],
    limit: int,
) -> int:
    # without a wait for anybody: a refresh locks a token and its family
    ids = session.scalars(
        select(key).where(which).order_by(key).limit(limit).with_for_update(skip_locked=True, key_share=True)
    ).all()
    anew = update(key.class_).where(key == bindparam("row")).values(turned_over=state)
    write_anew(session, anew, [{"row": id_} for id_ in ids])
    return len(ids)
