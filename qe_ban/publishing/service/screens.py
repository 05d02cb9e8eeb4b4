"""A page as one process holds it: dressed, and each view's screen encoded once, plain and gzipped."""

import base64
import gzip
import hashlib
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from qe_ban.publishing.rules.cutting import cut
from qe_ban.publishing.rules.views import Dressed, View

MOST_VIEWS: Final = 64
"""How many views of a page are kept: all that a city can mean by it are fewer, and whoever tries more fills nothing."""
TINY: Final = 1024
"""Below so many bytes gzip saves no packet."""

Encode = Callable[[dict[str, Any]], bytes]


@dataclass(frozen=True, slots=True)
class Body:
    """One representation of a screen, and its strong tag (RFC 9110, 8.8.3), without quotes."""

    data: bytes
    tag: str


@dataclass(frozen=True, slots=True)
class Screen:
    """What one view shows until `turns_at`; `gzipped` is None where it is tiny.

    `age`: seconds since it was last known to be what is published, where nobody can say whether it still is; else None.
    """

    plain: Body
    gzipped: Body | None
    turns_at: datetime | None
    age: int | None = None

    def holds(self, now: datetime) -> bool:
        """Tell whether it is still what the view shows."""
        return self.turns_at is None or now < self.turns_at


@dataclass(frozen=True, slots=True)
class Absent:
    """A page of which nothing is shown; from `turns_at` on, as it is planned, something is."""

    turns_at: datetime | None = None


class Held:
    """A page as it was loaded at a moment of the monotonic clock; due to be loaded again at `due_at`.

    `following` is what it turns to at `turns_at`, where that is loaded already. `stamp` is its number when it was
    loaded. `due_at` only ever moves nearer. `asked` is when it was first found to be due.
    """

    def __init__(self, page: Dressed | Absent, stamp: int, loaded: float, due_at: float) -> None:
        self.page, self.stamp, self.loaded, self.due_at = page, stamp, loaded, due_at
        self.dressed = page if isinstance(page, Dressed) else None
        self.turns_at = page.turns_at
        self.following: Held | None = None
        self.asked: float | None = None
        self._screens: dict[View, Screen] = {}
        self._ready: dict[View, Screen] = {}
        self._lock = threading.Lock()

    def at(self, now: datetime) -> "Held":
        """Give what is shown at a moment: this, or what follows it where that is loaded."""
        following = self.following
        return following if following is not None and self.turned(now) else self

    def turned(self, now: datetime) -> bool:
        """Tell whether something else is to be shown at a moment."""
        return self.turns_at is not None and now >= self.turns_at

    def late(self, at: float, now: datetime) -> float:
        """Give for how many seconds it has been due; negative while it is not."""
        turned = (now - self.turns_at).total_seconds() if self.turns_at else float("-inf")
        return max(at - self.due_at, turned)

    def wants(self, at: float, now: datetime, ahead: timedelta) -> bool:
        """Tell whether it is to be loaded again, or what follows `ahead` of its time, or that has become the page.

        Notes when it is first found to be due.
        """
        current = self.at(now)
        if current.asked is None and current.late(at, now) >= 0:
            current.asked = at
        soon = current.following is None and current.turned(now + ahead)
        return current is not self or soon or current.late(at, now) >= 0

    def outdated(self, at: float, now: datetime) -> None:
        """Note that the page has changed, at a moment of the monotonic clock or later."""
        current = self.at(now)
        current.due_at = min(current.due_at, at)
        current.following = None

    def replaced_by(
        self, page: Dressed | Absent, stamp: int, loaded: float, due_at: float, now: datetime, encode: Encode
    ) -> "Held":
        """Give the same page loaded anew, with what views saw of it ready as of `now`; kept where nothing changed."""
        held = Held(page, stamp, loaded, due_at)
        if page == self.page:
            held._screens, held._ready, held._lock = self._screens, self._ready, self._lock
        elif held.dressed is not None:
            for view, screen in list(self._screens.items()):
                held._ready[view] = _made(held.dressed, view, now, encode, [screen, *held._ready.values()])
        return held

    def screen(self, dressed: Dressed, view: View, now: datetime, encode: Encode) -> Screen:
        """Give what a view shows now; encoded by the first thread that asks while the others wait for it."""
        screen = self._screens.get(view)
        if screen is not None and screen.holds(now):
            return screen
        with self._lock:
            screen = self._ready.pop(view, None) or self._screens.get(view)
            if screen is None or not screen.holds(now):
                screen = _made(dressed, view, now, encode, list(self._screens.values()))
            self._screens.pop(view, None)
            while len(self._screens) >= MOST_VIEWS:
                self._screens.pop(next(iter(self._screens)))
            self._screens[view] = screen
        return screen


def _made(dressed: Dressed, view: View, now: datetime, encode: Encode, others: Iterable[Screen]) -> Screen:
    payload, turns_at = cut(dressed, view, now)
    data = encode(payload)
    plain = _body(data)
    # views that show the same share its bytes
    for other in others:
        if other.plain.tag == plain.tag:
            return Screen(other.plain, other.gzipped, turns_at)
    # without a time in its header, so that the same screen has the same bytes and tag in every process
    gzipped = gzip.compress(data, 6, mtime=0) if len(data) >= TINY else None
    return Screen(plain, _body(gzipped) if gzipped else None, turns_at)


def _body(data: bytes) -> Body:
    return Body(data, base64.urlsafe_b64encode(hashlib.sha256(data).digest()[:18]).decode())
