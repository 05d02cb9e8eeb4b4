"""Counts how often something was asked: in Valkey, and where that is away in PostgreSQL, tighter."""

import hashlib
import threading
import time
from datetime import datetime, timedelta
from typing import cast

import redis
from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from qe_ban.db.base import Base
from qe_ban.db.engine import Database
from qe_ban.kernel.clock import Clock
from qe_ban.kernel.errors import TooMany

REST = 1.0
"""How long Valkey is left alone after it failed, so that a hanging one costs one wait a second and not each call."""


# one command, so that no counter is ever left without an end; it also costs this process less than a pipeline of two
_COUNT = """
local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
return count
"""


class RateWindow(Base):
    """How often a subject was counted in one window; only written while Valkey is away."""

    __tablename__ = "rate_windows"

    subject: Mapped[str] = mapped_column(primary_key=True)
    ends_at: Mapped[datetime] = mapped_column(primary_key=True, index=True)
    count: Mapped[int]


class Limiter:
    """Counts in fixed windows. Subjects are kept as hashes: a counter's name tells nobody whose phone it is."""

    def __init__(self, valkey: redis.Redis, database: Database, clock: Clock) -> None:
        self._valkey, self._database, self._clock = valkey, database, clock
        self._resting_until = float("-inf")
        self._lock = threading.Lock()

    def hit(self, name: str, subject: str, *, limit: int, window: int) -> None:
        """Count one more of `name` by `subject`; raises TooMany above `limit` in `window` seconds."""
        now = self._clock()
        seconds = int(now.timestamp())
        ends = seconds - seconds % window + window
        digest = hashlib.sha256(f"{name}\0{subject}".encode()).hexdigest()[:32]
        count = self._count_in_valkey(f"qe:limit:{digest}:{ends}", window)
        if count is None:
            limit = max(1, limit // 2)
            count = self._count_in_postgresql(digest, now + timedelta(seconds=ends - seconds))
        if count > limit:
            raise TooMany(max(1, ends - seconds))

    def _count_in_valkey(self, key: str, window: int) -> int | None:
        if time.monotonic() < self._resting_until:
            return None
        try:
            count = self._valkey.eval(_COUNT, 1, key, window)
        except (redis.RedisError, OSError):
            with self._lock:
                self._resting_until = time.monotonic() + REST
            return None
        return int(cast(int, count))

    def _count_in_postgresql(self, digest: str, ends_at: datetime) -> int:
        row = insert(RateWindow).values(subject=digest, ends_at=ends_at.replace(microsecond=0), count=1)
        counted = row.on_conflict_do_update(
            index_elements=["subject", "ends_at"], set_={"count": RateWindow.count + 1}
        ).returning(RateWindow.count)
        with self._database.transaction() as session:
            return session.execute(counted).scalar_one()


def sweep(session: Session, now: datetime) -> None:
    """Forget the windows that are over."""
    session.execute(delete(RateWindow).where(RateWindow.ends_at < now))
