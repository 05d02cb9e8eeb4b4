"""How many networks asked for what was not found: keyed hashes in Valkey, which keeps neither query nor address."""

import ipaddress
import threading
import time
from datetime import timedelta
from typing import Final, cast

import redis

from qe_ban.db.limits import SITE_PREFIX
from qe_ban.keys.models import Ring
from qe_ban.keys.rings import KeyRings

LEAST: Final = 5
"""Networks that make a query common: one that a single household asks may be a name and an illness."""
KEPT: Final = timedelta(days=14)
REST: Final = 1.0
_BYTES: Final = 16

# at most as many members as make it common, and an end from the first one on
_ADD = """
local many = redis.call('SCARD', KEYS[1])
if many >= tonumber(ARGV[2]) then return many end
redis.call('SADD', KEYS[1], ARGV[1])
if many == 0 then redis.call('EXPIRE', KEYS[1], ARGV[3]) end
return redis.call('SCARD', KEYS[1])
"""


class Askers:
    """The counting; with Valkey away nothing is counted and nothing fails."""

    def __init__(self, valkey: redis.Redis, rings: KeyRings) -> None:
        self._valkey, self._rings = valkey, rings
        self._resting_until = float("-inf")
        self._lock = threading.Lock()

    def is_common(self, query: str, hall: str | None, network: str) -> bool:
        """Count that a network asked, and return whether five did within fourteen days. Raises KeyMissing."""
        if time.monotonic() < self._resting_until:
            return False
        subject = f"{query}\0{hall or ''}"
        name = self._hash("search-miss", subject).hex()
        # by query: nobody sees that one network asked for two things
        asker = self._hash("search-miss-network", f"{subject}\0{_site(network)}")
        try:
            many = self._valkey.eval(_ADD, 1, f"qe:misses:{name}", asker, LEAST, int(KEPT.total_seconds()))
        except (redis.RedisError, OSError):
            with self._lock:
                self._resting_until = time.monotonic() + REST
            return False
        return int(cast(int, many)) >= LEAST

    def _hash(self, purpose: str, message: str) -> bytes:
        return self._rings.mac(Ring.DERIVE, purpose, message.encode())[:_BYTES]


def _site(network: str) -> str:
    """Return a network (`web.requests.network`), of IPv6 the /48 that it is of: whoever has one has many networks."""
    if ":" not in network:
        return network
    return str(ipaddress.ip_network(network, strict=False).supernet(new_prefix=SITE_PREFIX))
