"""Remembers that a server hung, so that not everybody finds out by waiting."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

REST: Final = 1.0
"""How long nobody asks after a wait in vain; then one does."""
PROBE: Final = 10.0
"""How long the others wait for whoever tries: longer than anyone is held up by one hanging exchange."""


class Outage:
    """Whether one server hangs, as this process knows it. Times are of the monotonic clock."""

    def __init__(self, error: Callable[[], Exception], *, monotonic: Callable[[], float] = time.monotonic) -> None:
        """`error` makes what is raised for those who are not let through."""
        self._error, self._monotonic = error, monotonic
        self._rests_until: float | None = None
        self._hung_at = float("-inf")
        self._turn: int | None = None
        self._lock = threading.Lock()

    @contextmanager
    def trying(self) -> Iterator[None]:
        """Let the caller go to the server; raises `error` immediately while it rests after it hung.

        Whoever has the turn may go again within it.
        """
        mine = None if self._rests_until is None else self._try()
        try:
            yield
        finally:
            if mine is not None:
                with self._lock:
                    # what was not said to hang meanwhile has answered, if only with a refusal
                    if self._rests_until == mine:
                        self._rests_until = self._turn = None

    def _try(self) -> float | None:
        """Take the turn of the one who tries; return until when. None: it is no more known to hang, or has the turn."""
        with self._lock:
            if self._rests_until is None or self._turn == threading.get_ident():
                return None
            if self._monotonic() < self._rests_until:
                raise self._error()
            self._rests_until, self._turn = self._monotonic() + PROBE, threading.get_ident()
            return self._rests_until

    @property
    def is_hanging(self) -> bool:
        """Whether the server hung when it was asked last."""
        return self._rests_until is not None

    def since(self, moment: float) -> bool:
        """Return whether somebody waited in vain after a moment: what was opened before may be dead and not say so."""
        return self._hung_at > moment

    def report_hang(self) -> None:
        """Note that somebody waited in vain."""
        with self._lock:
            self._hung_at = self._monotonic()
            self._rests_until, self._turn = self._hung_at + REST, None

    def forget(self) -> None:
        """Let everybody through again."""
        with self._lock:
            self._rests_until = self._turn = None
