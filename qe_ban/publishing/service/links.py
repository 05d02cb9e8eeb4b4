"""Follows the links of pages, and remembers for an hour what came of it: who saves a draft again does not wait."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ARRAY, Text, any_, cast, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from qe_ban.db.engine import Database
from qe_ban.db.retention import Ending, delete_rows
from qe_ban.publishing.adapters.links import Answer, HttpLinks, LinkState
from qe_ban.publishing.models import LinkCheck

__all__ = ["ENDINGS", "HttpLinks", "LinkCheckResult", "LinkState", "Links", "find_results"]

FRESH_FOR: Final = timedelta(hours=1)
MAX_AGE: Final = timedelta(days=30)
MAX_URL_BYTES: Final = 2000
"""Bytes of an address that is followed at all; an index of PostgreSQL holds not many more."""


@dataclass(frozen=True, slots=True)
class LinkCheckResult:
    """What came of following a link last."""

    state: LinkState
    checked_at: datetime


class Links:
    """Follows links outside any transaction, and keeps what came of it in ones of its own."""

    def __init__(self, database: Database, http: HttpLinks) -> None:
        """`http`: what follows a link."""
        self._database, self._http = database, http

    def check(self, urls: Iterable[str], now: datetime) -> Mapping[str, LinkState]:
        """Return for each address whether it leads somewhere, within some ten seconds, however many there are.

        What was looked at within the last hour is not asked again; what could not be asked in time is unreachable.
        Raises DatabaseUnavailable.
        """
        addresses = frozenset(urls)
        with self._database.transaction() as session:
            results = find_results(session, addresses)
        fresh = {url: result.state for url, result in results.items() if result.checked_at > now - FRESH_FOR}
        return dict.fromkeys(addresses, LinkState.UNREACHABLE) | self._ask(addresses - set(fresh), now) | fresh

    def recheck(self, urls: Sequence[str], now: datetime) -> Mapping[str, LinkCheckResult]:
        """Look at addresses for the worker: those that the time allows, the longest ago first; returns all it knows.

        Raises DatabaseUnavailable.
        """
        with self._database.transaction() as session:
            results = find_results(session, urls)
        old = [url for url in dict.fromkeys(urls) if url not in results or results[url].checked_at <= now - FRESH_FOR]
        self._ask(sorted(old, key=lambda url: results[url].checked_at.timestamp() if url in results else 0.0), now)
        with self._database.transaction() as session:
            return find_results(session, urls)

    def _ask(self, urls: Collection[str], now: datetime) -> dict[str, LinkState]:
        answers = self._http.follow([url for url in urls if len(url.encode()) <= MAX_URL_BYTES])
        if answers:
            with self._database.transaction() as session:
                _remember(session, answers, now)
        return {url: answer.state for url, answer in answers.items()}


def find_results(session: Session, urls: Collection[str]) -> dict[str, LinkCheckResult]:
    """Return what came of following these addresses last, for those that ever were; nothing is asked."""
    # as one value: all pages of a city may have more links than a statement takes values
    condition = LinkCheck.url == any_(cast(list(urls), ARRAY(Text)))
    rows = session.scalars(select(LinkCheck).where(condition)) if urls else ()
    return {row.url: LinkCheckResult(LinkState(row.state), row.checked_at) for row in rows}


ENDINGS: Final = (Ending(LinkCheck, MAX_AGE, delete_rows(LinkCheck, lambda before: LinkCheck.checked_at < before)),)


def _remember(session: Session, answers: Mapping[str, Answer], now: datetime) -> None:
    rows = [
        {"url": url, "state": answer.state.value, "status": answer.status, "checked_at": now}
        # in one order, so that two of us do not wait for each other
        for url, answer in sorted(answers.items())
    ]
    addition = insert(LinkCheck).values(rows)
    news = {name: addition.excluded[name] for name in ("state", "status", "checked_at")}
    session.execute(addition.on_conflict_do_update(index_elements=["url"], set_=news))
