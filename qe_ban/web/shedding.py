"""In overload, who is served: so many requests at once, so many that wait for a short time, the rest is told 503.

Threads of the server are more than `slots`, so that each request comes here at once, and its rank decides, instead of
waiting in the server's own queue where all are equal. Whoever matters more goes first and pushes out who matters less;
of what matters least only a part runs at once, so that it can never have all slots.
"""

import random
import threading
from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from prometheus_client import Counter

from qe_ban.web import wire
from qe_ban.web.ranks import Rank, RankTable
from qe_ban.web.requests import REQUEST_ID

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

SHED = Counter("qe_shed", "Requests refused in overload.", ["rank"])

ROOM: Final = 10
"""How many may wait for each that runs."""
SPARE: Final = 4
"""Threads of the server beyond those that run and wait: to refuse, and for operators."""
QUEUE_TIMEOUT: Final = 1.0
"""How many seconds a request waits at most before it is refused: whoever stands at a gate tries again by then."""
PROBLEM: Final = {
    "type": "urn:qe-ban:problem:overloaded",
    "title": "服务暂时不可用",
    "status": 503,
    "detail": "当前使用人数较多，请稍后重试",
    "code": "overloaded",
}


def threads(slots: int) -> int:
    """Return how many threads a server needs for so many slots."""
    return slots * (1 + ROOM) + SPARE


class _Waiter:
    __slots__ = ("decision", "is_admitted", "rank")

    def __init__(self, rank: Rank) -> None:
        self.rank, self.is_admitted = rank, False
        self.decision = threading.Lock()
        self.decision.acquire()


class Gate:
    """Wraps an app: lets `slots` requests in at once."""

    def __init__(
        self, inner: "WSGIApplication", slots: int, ranks: RankTable, *, timeout: float = QUEUE_TIMEOUT
    ) -> None:
        self._inner, self._ranks, self._timeout = inner, ranks, timeout
        self._room = slots * ROOM
        # so many of a rank and of all below it: of two slots or more one is always left for codes, half for residents
        limits = {
            Rank.CODES: slots,
            Rank.PEOPLE: max(1, slots - 1),
            Rank.PAGES: max(1, slots - 1),
            Rank.STAFF: max(1, slots // 2),
        }
        # by rank: a list is asked several times for each request, and a dictionary of enums costs ten times as much
        self._limits = [limits[rank] for rank in Rank]
        self._running = [0] * len(Rank)
        self._waiting: list[deque[_Waiter]] = [deque() for _ in Rank]
        self._queued = 0
        self._lock = threading.Lock()

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Serve a request, or refuse it within `timeout` seconds."""
        rank = self._ranks.rank_of(environ["REQUEST_METHOD"], environ.get("PATH_INFO", ""))
        if rank is None:
            return self._inner(environ, start_response)
        if not self._enter(rank):
            SHED.labels(rank.name.lower()).inc()
            return self._refuse(environ, start_response, rank)
        try:
            # what is sent bit by bit after this is sent without a slot: it waits for the client, not for us
            return self._inner(environ, start_response)
        finally:
            self._leave(rank)

    def _enter(self, rank: Rank) -> bool:
        with self._lock:
            if not (self._queued and any(self._waiting[rank:])) and self._free(rank):
                self._running[rank] += 1
                return True
            if not self._make_room(rank):
                return False
            waiter = _Waiter(rank)
            self._waiting[rank].append(waiter)
            self._queued += 1
        if waiter.decision.acquire(timeout=self._timeout):
            return waiter.is_admitted
        with self._lock:
            # it may have been decided at this very moment
            if waiter.decision.acquire(blocking=False):
                return waiter.is_admitted
            self._waiting[rank].remove(waiter)
            self._queued -= 1
            return False

    def _leave(self, rank: Rank) -> None:
        """Hand a slot on: to who matters most, and of those to who has waited longest."""
        with self._lock:
            self._running[rank] -= 1
            if not self._queued:
                return
            for following in reversed(Rank):
                waiting = self._waiting[following]
                while waiting and self._free(following):
                    self._running[following] += 1
                    self._decide(waiting.popleft(), is_admitted=True)

    def _free(self, rank: Rank) -> bool:
        """Return whether one more of a rank may run."""
        running = 0
        for lower, here in enumerate(self._running):
            running += here
            if lower >= rank and running >= self._limits[lower]:
                return False
        return True

    def _make_room(self, rank: Rank) -> bool:
        """Push out the youngest of the lowest rank that waits, where nobody else fits; False where that is oneself."""
        if self._queued < self._room:
            return True
        lowest = next(lower for lower in Rank if self._waiting[lower])
        if lowest >= rank:
            return False
        self._decide(self._waiting[lowest].pop(), is_admitted=False)
        return True

    def _decide(self, waiter: _Waiter, *, is_admitted: bool) -> None:
        self._queued -= 1
        waiter.is_admitted = is_admitted
        waiter.decision.release()

    def _refuse(self, environ: "WSGIEnvironment", start_response: "StartResponse", rank: Rank) -> Iterable[bytes]:
        # no body is read: whoever sends one slowly would hold a thread, so the edge closes the connection
        document: dict[str, object] = {**PROBLEM, "request_id": environ.get(REQUEST_ID, "")}
        if self._ranks.is_oauth(environ.get("PATH_INFO", "")):
            document |= {"error": "temporarily_unavailable", "error_description": PROBLEM["code"]}
        # who matters less comes back later, and not all of them in the same second
        soonest = 1 + 2 * (Rank.CODES - rank)
        headers = [
            ("Content-Type", "application/problem+json"),
            ("Retry-After", str(soonest + random.getrandbits(2))),
        ]
        content = wire.dumps(document)
        start_response("503 Service Unavailable", [*headers, ("Content-Length", str(len(content)))])
        return [content]
