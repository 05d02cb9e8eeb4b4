"""A page as one process holds it: dressed, and each view's screen encoded once, plain and gzipped."""

import base64
import gzip
import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
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


class Held:
    """A page that was loaded at a moment of the monotonic clock; due to be loaded again at `due_at`.

    `dressed` is None where there is nothing to show. `due_at` only ever moves nearer.
    """

    def __init__(self, dressed: Dressed | None, loaded: float, due_at: float) -> None:
        self.dressed, self.loaded, self.due_at = dressed, loaded, due_at
        self.turns_at = dressed.turns_at if dressed else None
        self._screens: dict[View, Screen] = {}
        self._lock = threading.Lock()

    def again(self, loaded: float, due_at: float) -> "Held":
        """Give the same page, loaded anew and found unchanged: what was encoded is still good."""
        held = Held(self.dressed, loaded, due_at)
        held._screens = self._screens
        held._lock = self._lock
        return held

    def late(self, at: float, now: datetime) -> float:
        """Give for how many seconds it has been due; negative while it is not."""
        turned = (now - self.turns_at).total_seconds() if self.turns_at else float("-inf")
        return max(at - self.due_at, turned)

    def screen(self, dressed: Dressed, view: View, now: datetime, encode: Encode) -> Screen:
        """Give what a view shows now; encoded by the first thread that asks while the others wait for it."""
        screen = self._screens.get(view)
        if screen is not None and (screen.turns_at is None or now < screen.turns_at):
            return screen
        with self._lock:
            screen = self._screens.get(view)
            if screen is None or (screen.turns_at is not None and now >= screen.turns_at):
                screen = self._kept(view, _made(dressed, view, now, encode))
        return screen

    def _kept(self, view: View, screen: Screen) -> Screen:
        # views that show the same share its bytes
        for other in self._screens.values():
            if other.plain.tag == screen.plain.tag:
                screen = Screen(other.plain, other.gzipped, screen.turns_at)
                break
        self._screens.pop(view, None)
        while len(self._screens) >= MOST_VIEWS:
            self._screens.pop(next(iter(self._screens)))
        self._screens[view] = screen
        return screen


def _made(dressed: Dressed, view: View, now: datetime, encode: Encode) -> Screen:
    payload, turns_at = cut(dressed, view, now)
    data = encode(payload)
    # without a time in its header, so that the same screen has the same bytes and tag in every process
    gzipped = gzip.compress(data, 6, mtime=0) if len(data) >= TINY else None
    return Screen(_body(data), _body(gzipped) if gzipped else None, turns_at)


def _body(data: bytes) -> Body:
    return Body(data, base64.urlsafe_b64encode(hashlib.sha256(data).digest()[:18]).decode())
