"""The way to Valkey: short waits, no retries. It may vanish at any time and nothing is decided by it alone."""

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

WAIT = 0.25
OLDEST = (7, 0)
"""The oldest Valkey or Redis that this was tried with."""


def connect(url: str) -> redis.Redis:
    """Return a client for a `redis://`, `rediss://` or `unix://` URL; it connects on first use."""
    return redis.Redis.from_url(
        url,
        socket_timeout=WAIT,
        socket_connect_timeout=WAIT,
        retry=Retry(NoBackoff(), 0),
        health_check_interval=0,
    )


def too_old(client: redis.Redis) -> str | None:
    """Return the version of a server that is older than what was tried; None of another, and of one that is away."""
    try:
        answer = client.info("server")
    except (redis.RedisError, OSError):
        return None
    version = str(answer.get("valkey_version") or answer.get("redis_version") or "")
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    return version if len(numbers) == 2 and numbers < OLDEST else None
