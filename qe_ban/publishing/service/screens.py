"""A page as one process holds it: resolved, and each view's screen encoded once, plain and gzipped."""

import base64
import gzip
import hashlib
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from qe_ban.publishing.rules.filtering import filter_for_view
from qe_ban.publishing.rules.views import ResolvedPage, View

MAX_VIEWS: Final = 64
"""How many views of a page are kept: all that a city can mean by it are fewer, and whoever tries more fills nothing."""
MIN_GZIP_BYTES: Final = 1024
"""Below so many bytes gzip saves no packet."""

Encode = Callable[[dict[str, Any]], bytes]


@dataclass(frozen=True, slots=True)
class Body:
    """One representation of a screen, and its strong tag (RFC 9110, 8.8.3), without quotes."""

    data: bytes
    tag: str


@dataclass(frozen=True, slots=True)
class Screen:
    """What one view shows until `next_change_at`; `gzip_body` is None where it is tiny.

    `age`: seconds since it was last known to be what is published, where nobody can say whether it still is; else None.
    """

    plain: Body
    gzip_body: Body | None
    next_change_at: datetime | None
    age: int | None = None

    def holds(self, now: datetime) -> bool:
        """Return whether it is still what the view shows."""
        return self.next_change_at is None or now < self.next_change_at


@dataclass(frozen=True, slots=True)
class Absent:
    """A page of which nothing is shown; from `next_change_at` on, as it is planned, something is."""

    next_change_at: datetime | None = None


class CacheEntry:
    """A page as it was loaded at a moment of the monotonic clock; due to be loaded again at `due_at`.

    `following` is what it turns to at `next_change_at`, where that is loaded already. `stamp` is its number when it was
    loaded. `due_at` only ever moves nearer. `due_since` is when it was first seen to be due.
    """

    def __init__(self, page: ResolvedPage | Absent, stamp: int, loaded_at: float, due_at: float) -> None:
        self.page, self.stamp, self.loaded_at, self.due_at = page, stamp, loaded_at, due_at
        self.resolved_page = page if isinstance(page, ResolvedPage) else None
        self.next_change_at = page.next_change_at
        self.following: CacheEntry | None = None
        self.due_since: float | None = None
        self._screens: dict[View, Screen] = {}
        self._ready: dict[View, Screen] = {}
        self._lock = threading.Lock()

    def at(self, now: datetime) -> "CacheEntry":
        """Return what is shown at a moment: this, or what follows it where that is loaded."""
        following = self.following
        return following if following is not None and self.has_changed(now) else self

    def has_changed(self, now: datetime) -> bool:
        """Return whether something else is to be shown at a moment."""
        return self.next_change_at is not None and now >= self.next_change_at

    def seconds_due(self, at: float, now: datetime) -> float:
        """Return for how many seconds it has been due; negative while it is not."""
        seconds_past_change = (now - self.next_change_at).total_seconds() if self.next_change_at else float("-inf")
        return max(at - self.due_at, seconds_past_change)

    def wants(self, at: float, now: datetime, ahead: timedelta) -> bool:
        """Return whether it is to be loaded again, or what follows `ahead` of its time, or that has become the page.

        Notes when it is first found to be due.
        """
        current = self.at(now)
        if current.due_since is None and current.seconds_due(at, now) >= 0:
            current.due_since = at
        soon = current.following is None and current.has_changed(now + ahead)
        return current is not self or soon or current.seconds_due(at, now) >= 0

    def invalidate(self, at: float, now: datetime) -> None:
        """Note that the page has changed, at a moment of the monotonic clock or later."""
        current = self.at(now)
        current.due_at = min(current.due_at, at)
        current.following = None

    def replaced_by(
        self, page: ResolvedPage | Absent, stamp: int, loaded_at: float, due_at: float, now: datetime, encode: Encode
    ) -> "CacheEntry":
        """Return the same page loaded anew, with what views saw of it ready as of `now`; kept where nothing changed."""
        entry = CacheEntry(page, stamp, loaded_at, due_at)
        if page == self.page:
            entry._screens, entry._ready, entry._lock = self._screens, self._ready, self._lock
        elif entry.resolved_page is not None:
            for view, screen in list(self._screens.items()):
                entry._ready[view] = _render(entry.resolved_page, view, now, encode, [screen, *entry._ready.values()])
        return entry

    def screen(self, page: ResolvedPage, view: View, now: datetime, encode: Encode) -> Screen:
        """Return what a view shows now; encoded by the first thread that asks while the others wait for it."""
        screen = self._screens.get(view)
        if screen is not None and screen.holds(now):
            return screen
        with self._lock:
            screen = self._ready.pop(view, None) or self._screens.get(view)
            if screen is None or not screen.holds(now):
                screen = _render(page, view, now, encode, list(self._screens.values()))
            self._screens.pop(view, None)
            while len(self._screens) >= MAX_VIEWS:
                self._screens.pop(next(iter(self._screens)))
            self._screens[view] = screen
        return screen


def _render(page: ResolvedPage, view: View, now: datetime, encode: Encode, others: Iterable[Screen]) -> Screen:
    payload, next_change_at = filter_for_view(page, view, now)
    data = encode(payload)
    plain = _body(data)
    # views that show the same share its bytes
    for other in others:
        if other.plain.tag == plain.tag:
            return Screen(other.plain, other.gzip_body, next_change_at)
    # without a time in its header, so that the same screen has the same bytes and tag in every process
    gzip_data = gzip.compress(data, 6, mtime=0) if len(data) >= MIN_GZIP_BYTES else None
    return Screen(plain, _body(gzip_data) if gzip_data else None, next_change_at)


def _body(data: bytes) -> Body:
    return Body(data, base64.urlsafe_b64encode(hashlib.sha256(data).digest()[:18]).decode())
