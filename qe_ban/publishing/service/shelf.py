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
from qe_ban.publishing.rules.views import Dressed, View
from qe_ban.publishing.service import stamps
from qe_ban.publishing.service.board import Board, BoardAway
from qe_ban.publishing.service.screens import Absent, Encode, Held, Screen

Load = Callable[[Session, str, datetime], Dressed | Absent]
"""Gives a page as it is, or will be, at a moment, by its slug, with all that it refers to."""

LOOK_EVERY: Final = 1.0
ASK_EVERY: Final = 4.0
OLDEST: Final = 60.0
"""A page is loaded anew at this age: how much items are used, and what the catalogue says of them, moves no stamp."""
AHEAD: Final = timedelta(seconds=3)
"""So long before a page turns it is loaded as it will be then."""
WAITED_FOR: Final = 1.6
"""What may have changed longer ago is waited for, as after a rest in which nobody looked."""
JUST_ASKED: Final = 0.5
"""Not so where its load was asked for longer ago: it is slow, as on a machine with too much to do."""
VOUCHED: Final = 2.0
"""What may have changed longer ago is marked."""
CONFIRMED: Final = 5.0
"""So is all that PostgreSQL itself has not confirmed for so long."""
ASK_PATIENCE: Final = 0.5
PATIENCE: Final = 1.0
"""For each answer of PostgreSQL, and for a thread on its way: what hangs is away, and gone on without."""
LONGEST: Final = 4.0
"""The same where there is nothing to show meanwhile, or only what has ended, and for whoever made a change."""
NEVER: Final = float("-inf")

_log = structlog.get_logger("qe_ban.publishing")

Page = tuple[PageKind, str]


class Shelf:
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
        self._board = Board(valkey, release, monotonic)
        self._pages: dict[Page, Held] = {}
        self._looker, self._loader = ThreadPoolExecutor(1, "look"), ThreadPoolExecutor(1, "load")
        self._lock = Lock()
        self._coming: dict[Page | None, Future[None]] = {}
        self._stamps = stamps.Stamps({})
        self._notice: bytes | None = None
        self._look_at = self._ask_at = self._retry_at = NEVER
        self._looked = self._confirmed = NEVER
        self._away = False

    def screen(self, kind: PageKind, slug: str, view: View, now: datetime) -> Screen:
        """Give what a page shows to a view. Raises PageNotFound, and DatabaseUnavailable where nobody has a copy."""
        held, dressed, age = self._shown(kind, slug, now)
        screen = held.screen(dressed, view, now, self._encode)
        return screen if age is None else replace(screen, age=age)

    def page(self, kind: PageKind, slug: str, now: datetime) -> tuple[Dressed, int | None]:
        """Give a page before it is cut, with its `age` as of a Screen: for what tells more than a screen does.

        Raises as `screen` does.
        """
        _, dressed, age = self._shown(kind, slug, now)
        return dressed, age

    def tell(self) -> None:
        """Say, once it is committed, that something changed which pages show; this process shows it at once."""
        with suppress(BoardAway):
            self._board.tell()
        self._ask_at = NEVER
        wait([self._ask(None)], PATIENCE)
        at, now = self._monotonic(), self._clock()
        late = [page for page, held in list(self._pages.items()) if held.late(at, now) >= 0]
        wait([self._ask(page) for page in late], LONGEST)

    def close(self) -> None:
        """Let the way to the engines come to its end; then nothing can be asked any more."""
        for thread in (self._looker, self._loader):
            thread.shutdown(cancel_futures=True)

    def _shown(self, kind: PageKind, slug: str, now: datetime) -> tuple[Held, Dressed, int | None]:
        page = kind, slug
        if slug not in self._slugs[kind]:
            raise PageNotFound
        at = self._monotonic()
        if at >= self._look_at:
            self._look_at = at + LOOK_EVERY
            self._ask(None)
        if at - self._looked > WAITED_FOR and not self._away:
            wait([self._ask(None)], PATIENCE)
        held = self._pages.get(page)
        if held is None:
            held = self._first(page)
        held = held.at(now)
        turned = held.turned(now)
        rested = held.late(at, now) > WAITED_FOR and (held.asked is None or at - held.asked < JUST_ASKED)
        if (turned or rested) and not self._away:
            wait([self._ask(page)], LONGEST if turned else PATIENCE)
            held = self._pages[page].at(now)
        if held.dressed is None:
            raise PageNotFound
        late = held.late(at, now)
        if late <= VOUCHED and at - self._looked <= VOUCHED and at - self._confirmed <= CONFIRMED:
            return held, held.dressed, None
        known = held.loaded if late >= 0 else max(held.loaded, self._confirmed)
        return held, held.dressed, max(0, int(at - known))

    def _first(self, page: Page) -> Held:
        try:
            self._ask(page).result(LONGEST)
        except TimeoutError:
            raise DatabaseUnavailable from None
        return self._pages[page]

    def _ask(self, page: Page | None) -> Future[None]:
        """Give the next load of a page, or look (None), that has not begun yet; all who ask share it."""
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
        self._look_at, before, ask_at = at + LOOK_EVERY, self._looked, self._ask_at
        heard, notice = True, None
        try:
            notice = self._board.notice()
        except BoardAway:
            heard = False
        vouched = heard and notice == self._notice
        if not vouched or at >= ask_at:
            answered = self._ask_stamps(at)
            vouched = vouched or answered
            if heard and answered:
                self._notice = notice
        for page, held in list(self._pages.items()):
            if held.stamp < self._stamps.of(*page):
                # it may have changed right after the look before
                held.outdated(before, now)
            if held.wants(at, now, AHEAD):
                self._ask(page)
        if vouched:
            # only now: whoever finds it looked at must find marked what is outdated
            self._looked = at

    def _ask_stamps(self, at: float) -> bool:
        # set before it is asked: a change that is told of meanwhile wants it asked once more
        self._ask_at = at + ASK_EVERY
        try:
            with self._database.transaction(patience=ASK_PATIENCE) as session:
                self._stamps = stamps.current(session)
        except DatabaseUnavailable:
            self._ask_at = NEVER
            self._failed()
            return False
        self._away = False
        self._confirmed = at
        return True

    def _failed(self) -> None:
        self._away = True
        # counted from the end, so that a hanging engine, too, is left alone for a while
        self._look_at = self._retry_at = self._monotonic() + LOOK_EVERY

    def _load(self, page: Page) -> None:
        """Load a page if it is due, and what it turns to if that is near. Raises DatabaseUnavailable without a copy."""
        at, now = self._monotonic(), self._clock()
        if at >= self._retry_at:
            try:
                self._pages[page] = held = self._current(page, at, now)
                if held.turns_at is not None and held.following is None and held.turned(now + AHEAD):
                    held.following = self._loaded(page, held, at, held.turns_at)
            except DatabaseUnavailable:
                self._failed()
        if page not in self._pages:
            self._pages[page] = self._copied(page, now)

    def _current(self, page: Page, at: float, now: datetime) -> Held:
        held = self._pages.get(page)
        if held is not None:
            held = held.at(now)
            if held.late(at, now) < 0:
                return held
        held = self._loaded(page, held, at, now)
        with suppress(BoardAway):
            self._board.keep(*page, held.page, held.stamp, now)
        return held

    def _loaded(self, page: Page, before: Held | None, at: float, moment: datetime) -> Held:
        kind, slug = page
        with self._database.transaction(patience=PATIENCE) as session:
            # first the stamp: what changes between the two is loaded once more
            stamp = stamps.current(session).of(kind, slug)
            shown = self._loads[kind](session, slug, moment)
        if before is None:
            return Held(shown, stamp, at, at + OLDEST)
        return before.replaced_by(shown, stamp, at, at + OLDEST, moment, self._encode)

    def _copied(self, page: Page, now: datetime) -> Held:
        """Give the copy in Valkey, due at once. Raises DatabaseUnavailable where there is none."""
        try:
            copy = self._board.copy(*page)
        except BoardAway as error:
            raise DatabaseUnavailable from error
        if copy is None:
            raise DatabaseUnavailable
        age = max(0.0, (now - copy.at).total_seconds())
        return Held(copy.page, -1, self._monotonic() - age, NEVER)


def _report(done: Future[None]) -> None:
    """Log what went wrong on the way to the engines; that they are away is told by the mark."""
    error = done.exception()
    if error is not None and not isinstance(error, DatabaseUnavailable):
        _log.error("pages.failed", exc_info=error)
