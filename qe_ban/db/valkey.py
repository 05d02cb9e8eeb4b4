"""The way to Valkey: short waits, no retries. It may vanish at any time and nothing is decided by it alone."""

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

WAIT = 0.25


def connect(url: str) -> redis.Redis:
    """Give a client for a `redis://`, `rediss://` or `unix://` URL; it connects on first use."""
    return redis.Redis.from_url(
        url,
        socket_timeout=WAIT,
        socket_connect_timeout=WAIT,
        retry=Retry(NoBackoff(), 0),
        health_check_interval=0,
    )
