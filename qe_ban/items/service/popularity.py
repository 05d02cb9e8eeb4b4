"""Counts how much items are used: from how many networks a day each entry was read, forgotten by and by.

Valkey counts distinct networks without keeping them (HyperLogLog, D-070), and hears of each only by a keyed hash of the
day: its log of slow commands, replicas and files learn no address. The worker adds each day that is over to
`entries.popularity`. With Valkey away nothing is counted and nothing fails.
"""

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Final, cast

import redis
from sqlalchemy import bindparam, update
from sqlalchemy.orm import Session

from qe_ban.db.limits import DayDigest
from qe_ban.items.models import Entry
from qe_ban.kernel.errors import Unavailable

KEPT: Final = timedelta(days=4)
DAYS_BACK: Final = 3
LEFT: Final = 0.97
"""What is left of a popularity after a day: half after three weeks."""
REST: Final = 1.0


class Popularity:
    """The counting, for web processes (`seen`) and for the worker (`fold`)."""

    def __init__(self, valkey: redis.Redis, digest: DayDigest) -> None:
        self._valkey, self._digest = valkey, digest
        self._resting_until = float("-inf")
        self._lock = threading.Lock()

    def seen(self, entry: str, network: str, now: datetime) -> None:
        """Count that somebody in a network has read an item of an entry."""
        if time.monotonic() < self._resting_until:
            return
        day = _day(now)
        try:
            reader = self._digest("popularity", now.astimezone(UTC).date(), network.encode())[:16]
            pipeline = self._valkey.pipeline(transaction=False)
            pipeline.pfadd(_counter(day, entry), reader)
            pipeline.expire(_counter(day, entry), KEPT)
            pipeline.sadd(_entries(day), entry)
            pipeline.expire(_entries(day), KEPT)
            pipeline.execute()
        except Unavailable:
            # without today's key nobody is counted: what is read is answered all the same
            return
        except (redis.RedisError, OSError):
            with self._lock:
                self._resting_until = time.monotonic() + REST

    def fold(self, session: Session, now: datetime) -> None:
        """Add the days that are over, each once, and let what was before fade."""
        try:
            for back in range(DAYS_BACK, 0, -1):
                _add(session, self._take(_day(now - timedelta(days=back))))
        except (redis.RedisError, OSError):
            return

    def _take(self, day: str) -> dict[str, int]:
        """Give the counts of a day, to one caller only; to others none."""
        if not self._valkey.set(f"qe:seen:{day}:folded", 1, nx=True, ex=KEPT):
            return {}
        entries = sorted(cast("set[bytes]", self._valkey.smembers(_entries(day))))
        names = [entry.decode() for entry in entries]
        pipeline = self._valkey.pipeline(transaction=False)
        for name in names:
            pipeline.pfcount(_counter(day, name))
        return dict(zip(names, pipeline.execute(), strict=True))


def _add(session: Session, counts: dict[str, int]) -> None:
    if not counts:
        return
    session.execute(update(Entry).where(Entry.popularity > 0).values(popularity=Entry.popularity * LEFT))
    added = update(Entry).where(Entry.entry == bindparam("code"))
    rows = [{"code": entry, "many": counts[entry]} for entry in sorted(counts)]
    session.connection().execute(added.values(popularity=Entry.popularity + bindparam("many")), rows)


def _day(now: datetime) -> str:
    return now.astimezone(UTC).strftime("%Y%m%d")


def _counter(day: str, entry: str) -> str:
    return f"qe:seen:{day}:entry:{entry}"


def _entries(day: str) -> str:
    return f"qe:seen:{day}:entries"
