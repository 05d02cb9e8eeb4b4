"""Counts how often something was asked: in Valkey, and where that is away in PostgreSQL, tighter."""

import ipaddress
import threading
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Final, TypeAlias, cast

import redis
from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from qe_ban.db.base import Base
from qe_ban.db.engine import Database
from qe_ban.db.retention import Ending, delete_rows
from qe_ban.kernel.clock import Clock
from qe_ban.kernel.errors import TooMany

DayDigest: TypeAlias = Callable[[str, date, bytes], bytes]
"""Returns a keyed hash of a message for a purpose and a UTC day, as `keys.day_hashes.DayHashes.digest` does."""

SITE_PREFIX, SITE_FACTOR = 48, 8
"""One customer is given up to a /48 of IPv6, 65,536 of the networks that are counted: all of it together may do eight
times what one network may. No wider, or one who holds a /48 has the limit as often as there are networks in it; no
narrower, for a mobile operator gives each phone a /64 of its own."""

REST = 1.0
"""How long Valkey is left alone after it failed, so that a hanging one costs one wait a second and not each call."""


# one command, so that no counter is ever left without an end; it also costs this process less than a pipeline of two
_COUNT = """
local count = redis.call('INCR', KEYS[1])
if count == 1 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
return count
"""
_UNCOUNT = """
local count = tonumber(redis.call('GET', KEYS[1]) or '0')
if count > 0 then redis.call('DECR', KEYS[1]) end
return count
"""


class RateWindow(Base):
    """How often a subject was counted in one window; only written while Valkey is away."""

    __tablename__ = "rate_windows"

    subject: Mapped[str] = mapped_column(primary_key=True)
    ends_at: Mapped[datetime] = mapped_column(primary_key=True, index=True)
    count: Mapped[int]


class Limiter:
    """Counts in fixed windows.

    A counter's name is a keyed hash of name, subject and window: whoever reads Valkey's memory cannot find out whose
    phone it is by trying all phones, nor which counters of two windows are of the same one.
    """

    def __init__(self, valkey: redis.Redis, database: Database, clock: Clock, digest: DayDigest) -> None:
        self._valkey, self._database, self._clock, self._digest = valkey, database, clock, digest
        self._resting_until = float("-inf")
        self._lock = threading.Lock()

    def hit(self, name: str, subject: str, *, limit: int, window: int) -> int:
        """Count one more of `name` by `subject`; return when the window of `window` seconds ends, for `forgive`.

        In seconds since 1970: windows are fixed, and begin at multiples of their length. Raises TooMany above `limit`,
        KeyMissing.
        """
        seconds = int(self._clock().timestamp())
        ends = seconds - seconds % window + window
        digest = self._counter(name, subject, ends)
        count = self._count_in_valkey(f"qe:limit:{digest}:{ends}", window)
        if count is None:
            limit = max(1, limit // 2)
            count = self._count_in_postgresql(digest, ends)
        if count > limit:
            raise TooMany(max(1, ends - seconds))
        return ends

    def hit_network(self, name: str, network: str, *, limit: int, window: int, subject: str = "") -> None:
        """Count one more of `name` by a network (`web.requests.network`) and, of IPv6, by the /48 that it is of.

        `subject`: what is counted apart, such as a phone. The /48 is counted after its network, so that one network
        that asks on does not use up its neighbours' share. Raises TooMany.
        """
        suffix = f"\0{subject}" if subject else ""
        self.hit(name, network + suffix, limit=limit, window=window)
        if ":" in network:
            site = ipaddress.ip_network(network, strict=False).supernet(new_prefix=SITE_PREFIX)
            self.hit(name, f"{site}{suffix}", limit=limit * SITE_FACTOR, window=window)

    def forgive(self, name: str, subject: str, *, ends: int) -> None:
        """Take back one count of the window that `hit` told, where what was counted is none of what is limited."""
        digest = self._counter(name, subject, ends)
        if self._ask_valkey(_UNCOUNT, f"qe:limit:{digest}:{ends}") is None:
            self._uncount_in_postgresql(digest, ends)

    def _counter(self, name: str, subject: str, ends: int) -> str:
        # the day belongs to the window and not to the moment: all who count in it, before and after midnight, agree
        day = datetime.fromtimestamp(ends - 1, UTC).date()
        return self._digest("limit", day, f"{name}\0{subject}\0{ends}".encode())[:16].hex()

    def _count_in_valkey(self, key: str, window: int) -> int | None:
        return self._ask_valkey(_COUNT, key, window)

    def _ask_valkey(self, script: str, key: str, *arguments: int) -> int | None:
        if time.monotonic() < self._resting_until:
            return None
        try:
            count = self._valkey.eval(script, 1, key, *arguments)
        except (redis.RedisError, OSError):
            with self._lock:
                self._resting_until = time.monotonic() + REST
            return None
        return int(cast(int, count))

    def _count_in_postgresql(self, digest: str, ends: int) -> int:
        row = insert(RateWindow).values(subject=digest, ends_at=datetime.fromtimestamp(ends, UTC), count=1)
        upsert = row.on_conflict_do_update(
            index_elements=["subject", "ends_at"], set_={"count": RateWindow.count + 1}
        ).returning(RateWindow.count)
        with self._database.transaction() as session:
            return session.execute(upsert).scalar_one()

    def _uncount_in_postgresql(self, digest: str, ends: int) -> None:
        of_window = (RateWindow.subject == digest) & (RateWindow.ends_at == datetime.fromtimestamp(ends, UTC))
        with self._database.transaction() as session:
            session.execute(
                update(RateWindow).where(of_window, RateWindow.count > 0).values(count=RateWindow.count - 1)
            )


ENDINGS: Final = (Ending(RateWindow, timedelta(0), delete_rows(RateWindow, lambda now: RateWindow.ends_at < now)),)
"""Windows say themselves until when."""
