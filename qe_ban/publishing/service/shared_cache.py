"""What processes tell each other of pages through Valkey: that something changed, and copies for bad times.

Both may vanish at any time: changes are also asked of PostgreSQL, and copies are only ever shown with a mark.
"""

import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, cast

import redis

from qe_ban.publishing.rules.states import PageKind
from qe_ban.publishing.rules.views import ResolvedPage
from qe_ban.publishing.service.screens import Absent

NOTICE: Final = "qe:pages:notice"
COPY_LIFETIME: Final = timedelta(days=7)
MAX_COPY_BYTES: Final = 2 * 1024 * 1024
RETRY_AFTER: Final = 1.0
"""How long Valkey is left alone after it failed, so that a hanging one costs one wait a second and not each call."""
_FORMAT: Final = 2

# a slow process must not put an older page over a newer one, least of all over one that was withdrawn
_STORE_COPY = """
local stamp = redis.call('HGET', KEYS[1], 'stamp')
if stamp and tonumber(stamp) > tonumber(ARGV[1]) then return 0 end
redis.call('HSET', KEYS[1], 'stamp', ARGV[1], 'page', ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[3])
return 1
"""


class SharedCacheAway(Exception):
    """Valkey does not answer, or failed within the last second."""


@dataclass(frozen=True, slots=True)
class Copy:
    """A page as some process loaded it at a moment."""

    page: ResolvedPage | Absent
    at: datetime


class SharedCache:
    """The notice and the copies. `release` keeps versions of the program apart, which may resolve pages differently."""

    def __init__(self, valkey: redis.Redis, release: str, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._valkey, self._release, self._monotonic = valkey, release, monotonic
        self._resting_until = float("-inf")

    def notice(self) -> bytes | None:
        """Return what changes whenever a process tells of a change. Raises SharedCacheAway."""
        return cast("bytes | None", self._call(lambda: self._valkey.get(NOTICE)))

    def publish_invalidation(self) -> None:
        """Publish that pages changed, to all processes. Raises SharedCacheAway."""
        # a count would begin anew with an empty Valkey and come to what a process saw before; 0.3.0 counts up from it
        self._call(lambda: self._valkey.set(NOTICE, secrets.randbits(62)))

    def keep(self, kind: PageKind, slug: str, page: ResolvedPage | Absent, stamp: int, now: datetime) -> None:
        """Keep a copy, unless there is one of a later stamp or it is too large. Raises SharedCacheAway."""
        text = self._encode(page, now)
        if len(text) <= MAX_COPY_BYTES:
            seconds = int(COPY_LIFETIME.total_seconds())
            self._call(lambda: self._valkey.eval(_STORE_COPY, 1, _key(kind, slug), stamp, text, seconds))

    def copy(self, kind: PageKind, slug: str) -> Copy | None:
        """Return the copy of a page, where there is one that this release can read. Raises SharedCacheAway."""
        text = self._call(lambda: self._valkey.hget(_key(kind, slug), "page"))
        return self._decode(cast(bytes, text)) if text else None

    def _call(self, command: Callable[[], Any]) -> Any:
        if self._monotonic() < self._resting_until:
            raise SharedCacheAway
        try:
            return command()
        except (redis.RedisError, OSError) as error:
            self._resting_until = self._monotonic() + RETRY_AFTER
            raise SharedCacheAway from error

    def _encode(self, page: ResolvedPage | Absent, now: datetime) -> bytes:
        content = None
        if isinstance(page, ResolvedPage):
            content = {"body": page.body, "blocks": page.blocks, "district": page.district}
        next_change_at = page.next_change_at.isoformat() if page.next_change_at else None
        about = {"format": _FORMAT, "release": self._release, "at": now.timestamp(), "turns_at": next_change_at}
        return json.dumps(about | {"page": content}, ensure_ascii=False, separators=(",", ":")).encode()

    def _decode(self, text: bytes) -> Copy | None:
        document = json.loads(text)
        if (document["format"], document["release"]) != (_FORMAT, self._release):
            return None
        page, at = document["page"], datetime.fromtimestamp(document["at"], UTC)
        next_change_at = datetime.fromisoformat(document["turns_at"]) if document["turns_at"] else None
        if page is None:
            return Copy(Absent(next_change_at), at)
        return Copy(ResolvedPage(page["body"], page["blocks"], page["district"], next_change_at), at)


def _key(kind: PageKind, slug: str) -> str:
    return f"qe:pages:{kind}:{slug}"
