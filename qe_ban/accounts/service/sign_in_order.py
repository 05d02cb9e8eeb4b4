"""Takes from the tables of sign-ins the order in which these began.

Rows lie in a table, and in a dump of it, as they were written. Accounts stand in the order in which they were made and
named, so while they are new, the first sign-in of a table would be the first account's. The worker therefore writes new
sign-ins and their refresh tokens anew, all of half a minute in one transaction, and once more when their day is over,
each time in the order of their ids, which are random. A row that is written again has another place: but PostgreSQL
leaves it in its page while that has room, so it is written several times, until its page is full.
"""

from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, SmallInteger, bindparam, literal_column, select, update
from sqlalchemy.orm import Session

from qe_ban.accounts.models import RefreshFamily, RefreshToken
from qe_ban.kernel.clock import start_of_day

STEP: Final = 500
PASSES: Final = 4
"""Of two batches whose day was over, one pass left up to 9 of 10 pairs in their order; four leave what lots would."""
NEW, OF_TODAY, DONE = (literal_column(number, SmallInteger) for number in ("0", "1", "2"))
"""What `turned_over` says; constants in the statements, for these are what the partial index is for."""


def turn_over(session: Session, now: datetime) -> int:
    """Write anew the sign-ins that are new and those whose day is over, at most 500 of each; return how many.

    Who is locked is passed over until the next time. Rows that release 0.3.0 is to read are left until they are sealed.
    """
    of_today = RefreshFamily.started_at >= start_of_day(now)
    is_new, state = RefreshFamily.turned_over == NEW, RefreshFamily.turned_over
    return (
        _write_anew(session, is_new & of_today, OF_TODAY)
        + _write_anew(session, is_new & ~of_today, DONE)
        + _write_anew(session, (state == OF_TODAY) & ~of_today, DONE)
    )


def _write_anew(session: Session, which: ColumnElement[bool], state: ColumnElement[int]) -> int:
    sealed = RefreshFamily.content_sealed.is_not(None)
    # without a wait for anybody: a refresh locks a token, and then its family
    ids = session.scalars(
        select(RefreshFamily.id)
        .where(which, sealed)
        .order_by(RefreshFamily.id)
        .limit(STEP)
        .with_for_update(skip_locked=True, key_share=True)
    ).all()
    tokens = session.scalars(
        select(RefreshToken.token_hash)
        .where(RefreshToken.family_id.in_(ids))
        .order_by(RefreshToken.token_hash)
        .with_for_update(skip_locked=True, key_share=True)
    ).all()
    # row by row: one statement for all would go through them in the order of the table
    family = update(RefreshFamily).where(RefreshFamily.id == bindparam("row")).values(turned_over=state)
    token = update(RefreshToken).where(RefreshToken.token_hash == bindparam("row"))
    for statement, rows in ((family, ids), (token.values(used_at=RefreshToken.used_at), tokens)):
        for _ in range(PASSES if rows else 0):
            session.connection().execute(statement, [{"row": row} for row in rows])
    return len(ids)
