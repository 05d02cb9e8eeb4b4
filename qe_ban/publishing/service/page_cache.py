"""Serves pages from memory: never older than two seconds unmarked, and still there when engines are away.

Every change counts up a stamp in PostgreSQL, in its own transaction; after it a notice in Valkey. A process looks at
the notice once a second while pages are asked for, and asks PostgreSQL for the stamps when the notice moved, when
Valkey is away, and every few seconds anyway: a notice may be lost with the process that should have given it (D-075).

Whoever asks for a page gets what is in memory. Two threads go to the engines, one to look and one to load: a page is
loaded anew when its stamp moved, when it is old, and shortly before the moment at which it turns, as it will be then.
They are waited for where there is nothing to show, after a rest in which nobody looked, and by whoever made a change.
"""

import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from threading import Lock
from typing import Final

import redis
import structlog
from sqlalchemy.orm import Session

from qe_ban.db.engine import Database, DatabaseUnavailable
from qe_ban.kernel.clock import Clock
from qe_ban.publishing.errors import PageNotFound
from qe_ban.publishing.rules.states import PageKind
from qe_ban.publishing.rules.views import ResolvedPage, View
from qe_ban.publishing.service import stamps
from qe_ban.publishing.service.screens import Absent, CacheEntry, Encode, Screen
from qe_ban.publishing.service.shared_cache import SharedCache, SharedCacheAway

Load = Callable[[Session, str, datetime], ResolvedPage | Absent]
"""Return a page as it is, or will be, at a moment, by its slug, with all that it refers to."""

LOOK_INTERVAL: Final = 1.0
ASK_INTERVAL: Final = 4.0
MAX_AGE: Final = 60.0
"""A page is loaded anew at this age: how much items are used, and what the catalogue says of them, moves no stamp."""
AHEAD: Final = timedelta(seconds=3)
"""So long before a page turns it is loaded as it will be then."""
WAIT_WHEN_DUE: Final = 1.6
"""What may have changed longer ago is waited for, as after a rest in which nobody looked."""
SLOW_LOAD_AFTER: Final = 0.5
"""Not so where its load was asked for longer ago: it is slow, as on a machine with too much to do."""
STALE_AFTER: Final = 2.0
"""What may have changed longer ago is marked."""
UNCONFIRMED_AFTER: Final = 5.0
"""So is all that PostgreSQL itself has not confirmed for so long."""
STAMPS_TIMEOUT: Final = 0.5
LOAD_TIMEOUT: Final = 1.0
"""For each answer of PostgreSQL, and for a thread on its way: what hangs is away, and gone on without."""
FIRST_LOAD_TIMEOUT: Final = 4.0
"""The same where there is nothing to show meanwhile, or only what has ended, and for whoever made a change."""
NEVER: Final = float("-inf")

_log = structlog.get_logger("qe_ban.publishing")

Page = tuple[PageKind, str]


class PageCache:
    """All pages of one process; makes no connection and no thread before its first use.

    Times are of the monotonic clock, moments at which pages turn of `clock`.
    """

    def __init__(
        self,
        database: Database,
        valkey: redis.Redis,
        loads: Mapping[PageKind, Load],
        slugs: Mapping[PageKind, Collection[str]],
        *,
        encode: Encode,
        release: str,
        clock: Clock,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`slugs` are all pages that there can be; `encode` writes a screen's JSON."""
        self._database, self._loads, self._encode = database, loads, encode
        self._clock, self._monotonic = clock, monotonic
        self._slugs = {kind: frozenset(names) for kind, names in slugs.items()}
        self._shared_cache = SharedCache(valkey, release, monotonic)
        self._pages: dict[Page, CacheEntry] = {}
        self._looker, self._loader = ThreadPoolExecutor(1, "look"), ThreadPoolExecutor(1, "load")
        self._lock = Lock()
        self._coming: dict[Page | None, Future[None]] = {}
        self._stamps = stamps.Stamps({})
        self._notice: bytes | None = None
        self._look_at = self._ask_at = self._retry_at = NEVER
        self._last_look = self._last_confirmation = NEVER
        self._away = False

    def screen(self, kind: PageKind, slug: str, view: View, now: datetime) -> Screen:
        """Return what a page shows to a view. Raises PageNotFound, and DatabaseUnavailable where nobody has a copy."""
        entry, resolved_page, age = self._find(kind, slug, now)
        screen = entry.screen(resolved_page, view, now, self._encode)
        return screen if age is None else replace(screen, age=age)

    def page(self, kind: PageKind, slug: str, now: datetime) -> tuple[ResolvedPage, int | None]:
        """Return a page before it is filtered, with its `age` as of a Screen: for what shows more than a screen.

        Raises as `screen` does.
        """
        _, resolved_page, age = self._find(kind, slug, now)
        return resolved_page, age

    def publish_invalidation(self) -> None:
        """Notify all processes, once it is committed, that pages changed; this one shows it immediately."""
        with suppress(SharedCacheAway):
            self._shared_cache.publish_invalidation()
        self._ask_at = NEVER
        wait([self._ask(None)], LOAD_TIMEOUT)
        at, now = self._monotonic(), self._clock()
        late = [page for page, entry in list(self._pages.items()) if entry.seconds_due(at, now) >= 0]
        wait([self._ask(page) for page in late], FIRST_LOAD_TIMEOUT)

    def close(self) -> None:
        """Let the way to the engines come to its end; then nothing can be asked any more."""
        for thread in (self._looker, self._loader):
            thread.shutdown(cancel_futures=True)

    def _find(self, kind: PageKind, slug: str, now: datetime) -> tuple[CacheEntry, ResolvedPage, int | None]:
        page = kind, slug
        if slug not in self._slugs[kind]:
            raise PageNotFound
        at = self._monotonic()
        self._look_when_due(at)
        entry = self._pages.get(page)
        if entry is None:
            entry = self._first(page)
        entry = self._refresh(page, entry.at(now), at, now)
        if entry.resolved_page is None:
            raise PageNotFound
        return entry, entry.resolved_page, self._age(entry, at, now)

    def _look_when_due(self, at: float) -> None:
        if at >= self._look_at:
            self._look_at = at + LOOK_INTERVAL
            self._ask(None)
        if at - self._last_look > WAIT_WHEN_DUE and not self._away:
            wait([self._ask(None)], LOAD_TIMEOUT)

    def _refresh(self, page: Page, entry: CacheEntry, at: float, now: datetime) -> CacheEntry:
        """Return a page's entry after its load where that is worth waiting for, else as it is."""
        is_changed = entry.has_changed(now)
        is_overdue = entry.seconds_due(at, now) > WAIT_WHEN_DUE and (
            entry.due_since is None or at - entry.due_since < SLOW_LOAD_AFTER
        )
        if (is_changed or is_overdue) and not self._away:
            wait([self._ask(page)], FIRST_LOAD_TIMEOUT if is_changed else LOAD_TIMEOUT)
            return self._pages[page].at(now)
        return entry

    def _age(self, entry: CacheEntry, at: float, now: datetime) -> int | None:
        """Return how many seconds old a page may be, where it must be marked so; else None."""
        seconds_due = entry.seconds_due(at, now)
        if (
            seconds_due <= STALE_AFTER
            and at - self._last_look <= STALE_AFTER
            and at - self._last_confirmation <= UNCONFIRMED_AFTER
        ):
            return None
        known_at = entry.loaded_at if seconds_due >= 0 else max(entry.loaded_at, self._last_confirmation)
        return max(0, int(at - known_at))

    def _first(self, page: Page) -> CacheEntry:
        try:
            self._ask(page).result(FIRST_LOAD_TIMEOUT)
        except TimeoutError:
            raise DatabaseUnavailable from None
        return self._pages[page]

    def _ask(self, page: Page | None) -> Future[None]:
        """Return the next load of a page, or look (None), that has not begun yet; all who ask share it."""
        with self._lock:
            coming = self._coming.get(page)
            if coming is None:
                thread = self._looker if page is None else self._loader
                coming = self._coming[page] = thread.submit(self._run, page)
                coming.add_done_callback(_report)
        return coming

    def _run(self, page: Page | None) -> None:
        with self._lock:
            del self._coming[page]
        if page is None:
            self._look()
        else:
            self._load(page)

    def _look(self) -> None:
        at, now = self._monotonic(), self._clock()
        self._look_at, before, ask_at = at + LOOK_INTERVAL, self._last_look, self._ask_at
        heard, notice = True, None
        try:
            notice = self._shared_cache.notice()
        except SharedCacheAway:
            heard = False
        is_current = heard and notice == self._notice
        if not is_current or at >= ask_at:
            has_answer = self._ask_stamps(at)
            is_current = is_current or has_answer
            if heard and has_answer:
                self._notice = notice
        self._ask_for_changed_pages(before, at, now)
        if is_current:
            # only now: whoever finds it looked at must find marked what is outdated
            self._last_look = at

    def _ask_for_changed_pages(self, before: float, at: float, now: datetime) -> None:
        for page, entry in list(self._pages.items()):
            if entry.stamp < self._stamps.of(*page):
                # it may have changed right after the look before
                entry.invalidate(before, now)
            if entry.wants(at, now, AHEAD):
                self._ask(page)

    def _ask_stamps(self, at: float) -> bool:
        # set before it is asked: a change that is told of meanwhile wants it asked once more
        self._ask_at = at + ASK_INTERVAL
        try:
            with self._database.transaction(patience=STAMPS_TIMEOUT) as session:
                self._stamps = stamps.current(session)
        except DatabaseUnavailable:
            self._ask_at = NEVER
            self._note_failure()
            return False
        self._away = False
        self._last_confirmation = at
        return True

    def _note_failure(self) -> None:
        self._away = True
        # counted from the end, so that a hanging engine, too, is left alone for a while
        self._look_at = self._retry_at = self._monotonic() + LOOK_INTERVAL

    def _load(self, page: Page) -> None:
        """Load a page if it is due, and what it turns to if that is near. Raises DatabaseUnavailable without a copy."""
        at, now = self._monotonic(), self._clock()
        if at >= self._retry_at:
            try:
                self._pages[page] = entry = self._current(page, at, now)
                if entry.next_change_at is not None and entry.following is None and entry.has_changed(now + AHEAD):
                    entry.following = self._load_entry(page, entry, at, entry.next_change_at)
            except DatabaseUnavailable:
                self._note_failure()
        if page not in self._pages:
            self._pages[page] = self._read_copy(page, now)

    def _current(self, page: Page, at: float, now: datetime) -> CacheEntry:
        entry = self._pages.get(page)
        if entry is not None:
            entry = entry.at(now)
            if entry.seconds_due(at, now) < 0:
                return entry
        entry = self._load_entry(page, entry, at, now)
        with suppress(SharedCacheAway):
            self._shared_cache.keep(*page, entry.page, entry.stamp, now)
        return entry

    def _load_entry(self, page: Page, before: CacheEntry | None, at: float, moment: datetime) -> CacheEntry:
        kind, slug = page
        with self._database.transaction(patience=LOAD_TIMEOUT) as session:
            # first the stamp: what changes between the two is loaded once more
            stamp = stamps.current(session).of(kind, slug)
            loaded_page = self._loads[kind](session, slug, moment)
        if before is None:
            return CacheEntry(loaded_page, stamp, at, at + MAX_AGE)
        return before.replaced_by(loaded_page, stamp, at, at + MAX_AGE, moment, self._encode)

    def _read_copy(self, page: Page, now: datetime) -> CacheEntry:
        """Return the copy in Valkey, due at once. Raises DatabaseUnavailable where there is none."""
        try:
            copy = self._shared_cache.copy(*page)
        except SharedCacheAway as error:
            raise DatabaseUnavailable from error
        if copy is None:
            raise DatabaseUnavailable
        age = max(0.0, (now - copy.at).total_seconds())
        return CacheEntry(copy.page, -1, self._monotonic() - age, NEVER)


def _report(load: Future[None]) -> None:
    """Log what went wrong on the way to the engines; that they are away is told by the mark."""
    error = load.exception()
    if error is not None and not isinstance(error, DatabaseUnavailable):
        _log.error("pages.failed", exc_info=error)
