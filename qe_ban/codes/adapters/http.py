"""A source that speaks HTTP, with short waits and a circuit breaker.

Contract: `POST {url}` with `Authorization: Bearer <token>` and the JSON object `{"kind", "id_type", "id_number",
"name"}`; the answer is 200 with `{"state": "active|suspended|revoked|not_entitled", "reason"?: text,
"detail"?: {...}, "as_of": RFC 3339}`. `detail` may hold, for the kind: `insured_type`, `insured_place` (medical),
`card_state` (social), `level` (health: green, yellow, red), `meals` (dining: list of periods). Anything else counts as
away.
"""

import json
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import urllib3
from urllib3.exceptions import HTTPError

from qe_ban.codes.adapters import Person, SourceAway
from qe_ban.codes.rules import Answer, State
from qe_ban.kernel.city import LEVEL_KIND, CodeKind, Level

CONNECT, READ = 0.2, 0.5
LARGEST = 16 * 1024
FAILURES, REST = 3, 5.0
TEXTS = frozenset({"insured_type", "insured_place", "card_state"})


class HttpSource:
    """One outside system. After three failures in a row it is left alone for five seconds, then tried by one call."""

    def __init__(self, url: str, token: str | None) -> None:
        """Take the `url` that is posted to and the bearer token."""
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._pool = urllib3.PoolManager(
            maxsize=8, retries=False, timeout=urllib3.Timeout(connect=CONNECT, read=READ, total=CONNECT + READ)
        )
        self._failures, self._closed_until = 0, 0.0
        self._lock = threading.Lock()

    def ask(self, kind: str, person: Person, now: datetime) -> Answer:
        """Ask for the state now. Raises SourceAway within 0.7 seconds, at once while the circuit is open."""
        self._may_try()
        try:
            answer = _answer(kind, self._post(kind, person), now)
        except (HTTPError, ValueError, KeyError, TypeError, OverflowError, RecursionError, OSError) as error:
            self._count_failure()
            raise SourceAway(type(error).__name__) from error
        with self._lock:
            self._failures = 0
        return answer

    def _post(self, kind: str, person: Person) -> Mapping[str, Any]:
        question = {"kind": kind, "id_type": person.id_type, "id_number": person.id_number, "name": person.name}
        response = self._pool.request("POST", self._url, json=question, headers=self._headers, preload_content=False)
        try:
            if response.status != 200:
                raise ValueError(f"status {response.status}")
            body = _read(response, time.monotonic() + READ)
        finally:
            response.release_conn()
        data = json.loads(body)
        if not isinstance(data, dict):
            raise TypeError("not an object")
        return data

    def _may_try(self) -> None:
        with self._lock:
            if self._failures < FAILURES:
                return
            if time.monotonic() < self._closed_until:
                raise SourceAway("circuit open")
            # half open: this call tries, the others go on waiting
            self._closed_until = time.monotonic() + REST

    def _count_failure(self) -> None:
        with self._lock:
            self._failures += 1
            if self._failures >= FAILURES:
                self._closed_until = time.monotonic() + REST


def _read(response: urllib3.BaseHTTPResponse, deadline: float) -> bytes:
    """Read a short body before a deadline: a source that drips must not hold up a gate."""
    body = b""
    while piece := response.read1(LARGEST + 1):
        body += piece
        if len(body) > LARGEST or time.monotonic() > deadline:
            raise ValueError("too long")
    return body


def _answer(kind: str, data: Mapping[str, Any], now: datetime) -> Answer:
    as_of = datetime.fromisoformat(data["as_of"])
    if as_of.tzinfo is None or not 1970 < as_of.year < 9999:
        raise ValueError("as_of is no moment")
    as_of = as_of.astimezone(UTC)
    reason = None if data.get("reason") is None else _word(data["reason"])
    detail = data.get("detail") or {}
    if not isinstance(detail, dict):
        raise TypeError("detail is no object")
    return Answer(State(data["state"]), min(as_of, now), now, reason, _detail(kind, detail))


def _detail(kind: str, detail: Mapping[str, Any]) -> dict[str, Any]:
    """Take what we know, typed; a source's further words are nobody's business."""
    fields: dict[str, Any] = {name: _word(detail[name]) for name in TEXTS & detail.keys()}
    if kind == LEVEL_KIND:
        fields["level"] = Level(detail["level"]).value
    if kind == CodeKind.DINING.slug:
        if not isinstance(detail["meals"], list):
            raise TypeError("meals is no list")
        fields["meals"] = [_word(meal) for meal in detail["meals"][:8]]
    return fields


def _word(value: object) -> str:
    """Take a short text that a database and a screen can hold."""
    if not isinstance(value, str) or len(value) > 64 or not value.isprintable():
        raise ValueError("no short text")
    return value
