"""A value that every process polls from PostgreSQL: keys, revocations. A cache, never an authority."""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from sqlalchemy.orm import Session

from qe_ban.db.engine import Database, DatabaseUnavailable

T = TypeVar("T")
FRESH = 2.0
USABLE = 8.0
RETRY = 0.25
"""How soon it is tried again when there is nothing to go on with."""
PATIENCE = 1.5
"""For each answer: those who wait for the one that reads wait no longer either."""


class PolledCache(Generic[T]):
    """Holds what `load` read last; read anew on use when older than two seconds.

    One thread reads while the others go on with what they have; past eight seconds they wait for it, so that a denied
    key or a revoked token is refused within ten seconds in every process. Measured on the monotonic clock: a step of
    the wall clock must not stop the polling. A value that could not be read anew for longer than that is none: better
    no answer than one by a denied key.
    """

    def __init__(self, database: Database, load: Callable[[Session, T | None], T]) -> None:
        """`load` gets a session and the value before (None at first), and gives the new one (or the same)."""
        self._database, self._load = database, load
        self._value: T | None = None
        self._tried_at = self._read_at = float("-inf")
        self._lock = threading.Lock()

    def get(self) -> T:
        """Return the value, about two seconds old, at most eight. Raises DatabaseUnavailable where there is none."""
        now = time.monotonic()
        value, usable = self._value, now - self._read_at <= USABLE
        if value is not None and usable and now - self._tried_at < FRESH:
            return value
        if self._lock.acquire(blocking=value is None or not usable):
            try:
                # another may have tried while this one waited
                if time.monotonic() - self._tried_at >= (FRESH if usable else RETRY):
                    self._read()
            finally:
                self._lock.release()
        if self._value is None or time.monotonic() - self._read_at > USABLE:
            raise DatabaseUnavailable
        return self._value

    def refresh(self) -> T:
        """Read now, whatever the age: after a change that this very process made."""
        with self._lock:
            self._read()
        return self.get()

    def _read(self) -> None:
        began = time.monotonic()
        try:
            with self._database.transaction(patience=PATIENCE) as session:
                self._value = self._load(session, self._value)
        except DatabaseUnavailable:
            if self._value is None:
                raise
            return
        finally:
            # counted from the end: whoever waited for this try is not to make the next one immediately
            self._tried_at = time.monotonic()
        self._read_at = began
