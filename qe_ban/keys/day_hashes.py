"""Keyed hashes of one day, for the log and for counters.

Each day has a key of its own, derived from the day's sealing key of issued codes. That one is destroyed a week later
(`lifecycle.destroy_old`): from then on nobody can find out whose hash this was, not even with the master key.
"""

import hmac
from datetime import date, datetime
from uuid import UUID

from qe_ban.kernel.clock import CITY_TIME
from qe_ban.kernel.errors import Unavailable
from qe_ban.keys.models import Ring
from qe_ban.keys.rings import KeyMissing, KeyRings

MAX_KEYS = 12
"""Four purposes, each with the days around midnight: more are never in use at the same time."""
NO_NAME = "-"
NAME_BYTES = 8

_LABEL = b"qe-ban day hash\0"


class DayHashes:
    """The hashes of this process. Keys that were derived stay in memory, so that PostgreSQL may be away meanwhile."""

    def __init__(self, rings: KeyRings) -> None:
        self._rings = rings
        self._keys: dict[tuple[str, date], bytes] = {}

    def digest(self, purpose: str, day: date, message: bytes) -> bytes:
        """Return HMAC-SHA-256 of a message under the key of a UTC day; hashes of two purposes have nothing in common.

        Raises KeyMissing, and DatabaseUnavailable where the keys cannot be read.
        """
        key = self._keys.get((purpose, day))
        if key is None:
            key = self._derive(purpose, day)
        return hmac.digest(key, message, "sha256")

    def has_key(self, day: date) -> bool:
        """Return whether a UTC day has a key: not before the installation's first day, and not after its end."""
        return self._rings.daily(Ring.SEAL_ISSUED, day) is not None

    def resident_name(self, resident: UUID, moment: datetime) -> str:
        """Return what the log calls a resident on the city's day of a moment: 16 hex digits, `-` without a key.

        A line of the log is never worth an error to its caller.
        """
        try:
            digest = self.digest("log", moment.astimezone(CITY_TIME).date(), resident.bytes)
        except Unavailable:
            return NO_NAME
        return digest[:NAME_BYTES].hex()

    def _derive(self, purpose: str, day: date) -> bytes:
        # a ring of its own would stop the previous release, which reads all keys and does not know it
        sealing = self._rings.daily(Ring.SEAL_ISSUED, day)
        if sealing is None:
            raise KeyMissing
        key = hmac.digest(sealing[1], _LABEL + purpose.encode(), "sha256")
        # replaced as a whole: other threads read it meanwhile
        newest = sorted({**self._keys, (purpose, day): key}.items(), key=lambda entry: entry[0][1])[-MAX_KEYS:]
        self._keys = dict(newest)
        return key
