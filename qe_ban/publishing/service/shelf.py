"""Serves pages from memory: never older than two seconds unmarked, and still there when engines are away.

Every change counts up a stamp in PostgreSQL, in its own transaction; after it a notice in Valkey. A process looks at
the notice at most once a second, on use, and asks PostgreSQL for the stamp when the notice moved, when Valkey is away,
and every few seconds anyway: a notice may be lost with the process that should have given it. When the stamp has moved,
each page is loaded again on its next use. At most one thread of a process is on its way to the engines.
"""

import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from typing import Final

import redis
from sqlalchemy.orm import Session

from qe_ban.db.engine import Database, DatabaseUnavailable
from qe_ban.publishing.errors import PageNotFound
from qe_ban.publishing.rules.states import PageKind
from qe_ban.publishing.rules.views import Dressed, View
from qe_ban.publishing.service import stamps
from qe_ban.publishing.service.board import Board, BoardAway
from qe_ban.publishing.service.screens import Encode, Held, Screen

Load = Callable[[Session, str, datetime], Dressed | None]
"""Gives a page in force by its slug with all that it refers to; None where there is nothing to show."""

LOOK_EVERY: Final = 1.0
ASK_EVERY: Final = 4.0
OLDEST: Final = 60.0
"""A page is loaded anew at this age: how much items are used, and what the catalogue says of them, moves no stamp."""
MISSING_FOR: Final = 1.0
GOES_ON: Final = 1.6
"""What may have changed no longer ago is given by the other threads while one looks or loads; then they wait for it."""
VOUCHED: Final = 2.0
"""What may have changed longer ago is marked."""
CONFIRMED: Final = 5.0
"""So is all that PostgreSQL itself has not confirmed for so long."""
HANGS: Final = 1.0
"""Who waits for another's way to the engines gives it up after this: something hangs."""
LONGEST: Final = 4.0
"""The same where there is nothing at all to show meanwhile."""
ASK_PATIENCE: Final = 0.5
LOAD_PATIENCE: Final = 1.0
"""For each answer of PostgreSQL to one question: one that hangs is away, and gone on without before others wait."""
NEVER: Final = float("-inf")


class Shelf:
    """All pages of one process; makes no connection before its first use. Times are of the monotonic clock."""

    def __init__(
        self,
        database: Database,
        valkey: redis.Redis,
        loads: Mapping[PageKind, Load],
        slugs: Mapping[PageKind, Collection[str]],
        *,
        encode: Encode,
        release: str,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`slugs` are all pages that there can be; `encode` writes a screen's JSON."""
        self._database, self._loads, self._encode, self._monotonic = database, loads, encode, monotonic
        self._slugs = {kind: frozenset(names) for kind, names in slugs.items()}
        self._board = Board(valkey, release, monotonic)
        self._pages: dict[tuple[PageKind, str], Held] = {}
        self._lock = threading.Lock()
        self._stamp = -1
        self._notice: bytes | None = None
        self._began: float | None = None
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

    def _shown(self, kind: PageKind, slug: str, now: datetime) -> tuple[Held, Dressed, int | None]:
        at = self._monotonic()
        if at >= self._look_at:
            self._look(at)
        held = self._pages.get((kind, slug))
        late = held.late(at, now) if held is not None else 0.0
        if held is None or late >= 0:
            if slug not in self._slugs[kind]:
                raise PageNotFound
            held = self._current(kind, slug, held, now)
            late = held.late(at, now)
        if held.dressed is None:
            raise PageNotFound
        if late <= VOUCHED and at - self._looked <= VOUCHED and at - self._confirmed <= CONFIRMED:
            return held, held.dressed, None
        known = held.loaded if late >= 0 else max(held.loaded, self._confirmed)
        return held, held.dressed, max(0, int(at - known))

    def tell(self) -> None:
        """Say, once it is committed, that something changed which pages show; this process looks anew at once."""
        with suppress(BoardAway):
            self._board.tell()
        with self._way(HANGS) as free:
            self._ask_at = NEVER
            if free:
                self._renew()
                # not even for a moment does whoever made the change get the old one
                self._all_due(NEVER)
            else:
                self._look_at = NEVER

    @contextmanager
    def _way(self, wait: float) -> Iterator[bool]:
        """Let one thread at a time to the engines; gives False where another is still on its way after `wait`."""
        if not self._lock.acquire(timeout=max(0.0, wait)):
            yield False
            return
        self._began = self._monotonic()
        try:
            yield True
        finally:
            self._began = None
            self._lock.release()

    def _look(self, at: float) -> None:
        waits = at - self._looked > GOES_ON and not self._away
        with self._way(self._patience(at) if waits else 0) as free:
            # another may have looked while this one waited
            if free and self._monotonic() >= self._look_at:
                self._renew()

    def _patience(self, at: float) -> float:
        """Give how long to wait for whoever is on the way: less, the longer that has been taking."""
        began = self._began
        return HANGS if began is None else began + HANGS - at

    def _renew(self) -> None:
        at = self._monotonic()
        self._look_at = at + LOOK_EVERY
        heard, notice = True, None
        try:
            notice = self._board.notice()
        except BoardAway:
            heard = False
        unmoved = heard and notice == self._notice
        if unmoved and at < self._ask_at:
            self._looked = at
            return
        try:
            with self._database.transaction(patience=ASK_PATIENCE) as session:
                stamp = stamps.current(session)
        except DatabaseUnavailable:
            self._failed()
            if unmoved:
                self._looked = at
            return
        self._answered(at, stamp)
        self._ask_at = at + ASK_EVERY
        if heard:
            self._notice = notice

    def _answered(self, at: float, stamp: int) -> None:
        if stamp != self._stamp:
            self._stamp = stamp
            # it may have changed right after the last look
            self._all_due(self._looked)
        self._away = False
        self._looked = self._confirmed = at

    def _failed(self) -> None:
        self._away = True
        # counted from the end, so that a hanging engine, too, is left alone for a while
        self._look_at = self._retry_at = self._monotonic() + LOOK_EVERY

    def _all_due(self, at: float) -> None:
        for held in self._pages.values():
            held.due_at = min(held.due_at, at)

    def _current(self, kind: PageKind, slug: str, held: Held | None, now: datetime) -> Held:
        """Load a page that is due, or wait for the thread that does, or give the old one: whichever is right."""
        at = self._monotonic()
        wait = 0.0
        if held is None:
            wait = LONGEST
        elif held.late(at, now) > GOES_ON and not self._away:
            wait = self._patience(at)
        with self._way(wait) as free:
            held = self._pages.get((kind, slug))
            if held is None or held.late(self._monotonic(), now) >= 0:
                if free:
                    return self._loaded(kind, slug, held, now)
                if held is None:
                    raise DatabaseUnavailable
            return held

    def _loaded(self, kind: PageKind, slug: str, held: Held | None, now: datetime) -> Held:
        at = self._monotonic()
        if at >= self._retry_at:
            try:
                with self._database.transaction(patience=LOAD_PATIENCE) as session:
                    stamp, dressed = stamps.current(session), self._loads[kind](session, slug, now)
            except DatabaseUnavailable:
                self._failed()
            else:
                self._answered(at, stamp)
                with suppress(BoardAway):
                    self._board.keep(kind, slug, dressed, stamp, now)
                due_at = at + (MISSING_FOR if dressed is None else OLDEST)
                unchanged = held is not None and held.dressed == dressed
                held = held.again(at, due_at) if held and unchanged else Held(dressed, at, due_at)
                self._pages[kind, slug] = held
        if held is None:
            held = self._pages[kind, slug] = self._copied(kind, slug, now)
        return held

    def _copied(self, kind: PageKind, slug: str, now: datetime) -> Held:
        """Give the copy in Valkey, due at once. Raises DatabaseUnavailable where there is none."""
        try:
            copy = self._board.copy(kind, slug)
        except BoardAway as error:
            raise DatabaseUnavailable from error
        if copy is None:
            raise DatabaseUnavailable
        age = max(0.0, (now - copy.at).total_seconds())
        return Held(copy.dressed, self._monotonic() - age, NEVER)
