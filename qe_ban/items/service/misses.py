"""Keeps what was searched for and not found, for administrators to learn from: by days, once several networks asked.

Nothing that looks like a number, and nothing that only one household looked for.
"""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import case, delete, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from qe_ban.db.engine import Database
from qe_ban.db.limits import Limiter
from qe_ban.db.retention import STEP, Ending, delete_rows
from qe_ban.items.models import SearchMiss
from qe_ban.items.service.askers import LEAST, Askers
from qe_ban.items.words import text
from qe_ban.kernel.clock import start_of_day
from qe_ban.kernel.errors import TooMany, Unavailable

LONGEST: Final = 40
KEPT: Final = timedelta(days=90)
MOST: Final = 5000
WINDOW: Final = 3600
PER_NETWORK: Final = 20
IN_ALL: Final = 1000

# digits of every script, and those that are written as words
_NUMBER = re.compile(r"[\d〇零一二三四五六七八九壹贰叁肆伍陆柒捌玖幺]{5}")
# short numbers that everybody has: 12345, 12306, 96xxx, 95xxx
_HOTLINE = re.compile(r"(?<!\d)(?:1[012]\d{3}|9[56]\d{3})(?!\d)", re.ASCII)


def query_of(q: str) -> str | None:
    """Give a query as it may be kept; None where it is too long, empty, or looks like a number or an address."""
    normal = text.normalise(q)
    compact = text.compact(normal)
    if not compact or len(normal) > LONGEST or "@" in normal or _NUMBER.search(_HOTLINE.sub("", compact)):
        return None
    return normal


def record(
    database: Database, limiter: Limiter, askers: Askers, *, q: str, hall: str | None, network: str, now: datetime
) -> None:
    """Count a query that found nothing, in a transaction of its own; whatever fails, the search has been answered.

    It is kept from the fifth network on. A network is counted 20 times an hour and all together 1,000 times: a flood
    writes little.
    """
    query = query_of(q)
    if query is None:
        return
    try:
        limiter.hit_network("items.misses", network, limit=PER_NETWORK, window=WINDOW)
        limiter.hit("items.misses", "", limit=IN_ALL, window=WINDOW)
        if not askers.is_common(query, hall, network):
            return
        with database.transaction() as session:
            add(session, query=query, hall=hall, now=now)
    except (TooMany, Unavailable):
        return


def add(session: Session, *, query: str, hall: str | None, now: datetime) -> None:
    """Count a query of many networks once more, and that it was asked on this day."""
    day = start_of_day(now)
    values = {"count": LEAST, "first_at": day, "last_at": day, "networks": LEAST}
    row = insert(SearchMiss).values(query=query, hall=hall or "", **values)
    known = SearchMiss.networks >= LEAST
    counted = {
        "count": case((known, SearchMiss.count + 1), else_=LEAST),
        "first_at": case((known, SearchMiss.first_at), else_=day),
        "last_at": day,
        "networks": LEAST,
    }
    session.execute(row.on_conflict_do_update(index_elements=["query", "hall"], set_=counted))


def listed(session: Session, *, hall: str | None, offset: int, limit: int, now: datetime) -> Sequence[SearchMiss]:
    """Give what was missed in the last 90 days, the most frequent first; `hall`: only what was missed there."""
    wanted = select(SearchMiss).where(SearchMiss.last_at > now - KEPT, SearchMiss.networks >= LEAST)
    if hall is not None:
        wanted = wanted.where(SearchMiss.hall == hall)
    order = (SearchMiss.count.desc(), SearchMiss.last_at.desc(), SearchMiss.query, SearchMiss.hall)
    return session.scalars(wanted.order_by(*order).offset(offset).limit(limit)).all()


def _drop_rarest(session: Session, _before: datetime) -> int:
    """Delete all but the 5,000 most frequent, some of them; returns how many."""
    order = (SearchMiss.count.desc(), SearchMiss.last_at.desc(), SearchMiss.query, SearchMiss.hall)
    keys = tuple_(SearchMiss.query, SearchMiss.hall)
    over = select(SearchMiss.query, SearchMiss.hall).order_by(*order).offset(MOST).limit(STEP)
    gone = delete(SearchMiss).where(keys.in_(over)).returning(SearchMiss.query)
    return len(session.scalars(gone.execution_options(synchronize_session=False)).all())


ENDINGS: Final = (
    Ending(
        SearchMiss,
        KEPT,
        # what the previous release kept has no networks
        delete_rows(SearchMiss, lambda before: (SearchMiss.last_at <= before) | (SearchMiss.networks < LEAST)),
    ),
    Ending(SearchMiss, timedelta(0), _drop_rarest),
)
