"""Screens of a hall and a zone beside a bare Flask view that gives the same bytes, gzipped, and answers 304."""

import gzip
import http.client
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import repeat
from typing import Any, Final

from bench import load
from bench.edits import EVERY, Edits
from bench.load import CONNECTIONS, BenchFailed, Slice, raw_request
from bench.rounds import Load, Rounds
from bench.stand import Stand
from bench.trips import SAMPLES, WARM_UP, Counter, Trips

API: Final = "/api/v1"
PAGES: Final = {"hall": f"{API}/halls/city", "zone": f"{API}/zones/karos"}
GZIP: Final = "Accept-Encoding: gzip"
SCREEN_GOAL, UNCHANGED_GOAL, HALF_GOAL = 0.4, 0.5, 15.0
CHANGES: Final = 8


@dataclass(frozen=True, slots=True)
class Page:
    """One page: the sizes of its screen in bytes, the floor that gives the same, and the loads on it."""

    name: str
    plain_bytes: int
    gzip_bytes: int
    floor: Load
    screen: Load
    not_modified: Load


@dataclass(frozen=True, slots=True)
class Pages:
    """What was found; memory of the worker in MiB (resident, proportional)."""

    pages: list[Page]
    trips: dict[str, Trips]
    quiet: Slice
    with_edits: Slice
    memory: tuple[float, float]
    load_average: tuple[float, float]
    quick: bool

    def goals(self) -> list[tuple[str, float, str, float, bool]]:
        """Return what was wanted: name, measured, `at least` or `at most`, the value, whether it is met."""
        rows = []
        for page in self.pages:
            for one in (page.screen, page.not_modified):
                goal, half = one.goal or 0.0, one.half.p99 if one.half else float("inf")
                rows.append((f"{one.name}: ratio to the floor", one.ratio, "at least", goal, one.ratio >= goal))
                is_met = half <= HALF_GOAL
                rows.append((f"{one.name}: p99 at half load, ms", half, "at most", HALF_GOAL, is_met))
        is_met = self.with_edits.p99 <= HALF_GOAL
        rows.append(("all pages, edited: p99 at half load, ms", self.with_edits.p99, "at most", HALF_GOAL, is_met))
        return rows

    def loads(self) -> list[Load]:
        """Return all that was sent, each page's floor first."""
        return [one for page in self.pages for one in (page.floor, page.screen, page.not_modified)]


def measure(rounds: int, seconds: float, half_seconds: float, *, quick: bool, say: Callable[[str], None]) -> Pages:
    """Run everything once. Raises BenchFailed, EngineError, Refused."""
    wrk, busy = load.find_wrk(), os.getloadavg()[0]
    say("starting ...")
    with Stand() as stand:
        pages = [_page(stand, name, path) for name, path in PAGES.items()]
        for page in pages:
            runs = Rounds(wrk, page.floor, [page.screen, page.not_modified], stand.check)
            for one in (page.floor, page.screen, page.not_modified):
                runs.warm_up(one, 1, 1)
            for number in runs.run(rounds, seconds):
                say(f"{page.name}: round {number} of {rounds} is over ...")
            say(f"{page.name}: once more at half the load ...")
            runs.run_at_half(half_seconds)
        say("counting round trips ...")
        trips = _trips(stand, pages)
        say("all pages at half the load, then with a change every two seconds ...")
        quiet = _all_pages(stand, wrk, pages, half_seconds)
        with Edits(stand):
            with_edits = _all_pages(stand, wrk, pages, CHANGES * EVERY)
        memory = stand.memory()
    return Pages(pages, trips, quiet, with_edits, memory, (busy, os.getloadavg()[0]), quick)


def _all_pages(stand: Stand, wrk: str, pages: list[Page], seconds: float) -> Slice:
    """Ask for every page of the city in turns, at about half the rate of the slowest one that was measured."""
    city = stand.parts.city
    paths = [*(f"{API}/halls/{slug}" for slug in city.halls), *(f"{API}/zones/{slug}" for slug in city.zones)]
    requests = [raw_request("GET", path, more=[GZIP]) for path in paths]
    pause = (2 * CONNECTIONS - 1.5) / min(page.screen.rate for page in pages) * 1000
    # the first time a page is looked up
    for path in paths:
        _ask(stand.product.port, "GET", path, {"Accept-Encoding": "gzip"})
    return load.run(wrk, stand.product.port, requests, right="", seconds=seconds, pause=pause, again=True)


def _trips(stand: Stand, pages: list[Page]) -> dict[str, Trips]:
    with Counter(stand.settings) as counter:
        return {
            one.name: counter.count(list(one.make(1)) * (WARM_UP + SAMPLES), one.right.encode(), one.status)
            for page in pages
            for one in (page.screen, page.not_modified)
        }


def _page(stand: Stand, name: str, path: str) -> Page:
    answer, data = _ask(stand.product.port, "GET", path, {"Accept-Encoding": "gzip"})
    if answer.status != 200 or answer.getheader("Content-Encoding") != "gzip":
        raise BenchFailed(f"{path} answered {answer.status} {data[:300]!r}")
    if _ask(stand.floor.port, "PUT", f"/pages/{name}", {}, data)[0].status != 200:
        raise BenchFailed("the floor did not take the page")
    fresh = raw_request("GET", path, more=[GZIP])
    again = raw_request("GET", path, more=[GZIP, f"If-None-Match: {answer.getheader('ETag')}"])
    floor = raw_request("GET", f"/pages/{name}", more=[GZIP])
    right = _readable(data)
    return Page(
        name,
        len(gzip.decompress(data)),
        len(data),
        _load(f"floor, {name}", stand.floor, floor, right),
        _load(name, stand.product, fresh, right, goal=SCREEN_GOAL),
        _load(f"{name}, 304", stand.product, again, "", goal=UNCHANGED_GOAL, status=304),
    )


def _load(name: str, server: Any, request: bytes, right: str, *, goal: float | None = None, status: int = 200) -> Load:
    return Load(name, server, lambda _: repeat(request, 1), right, goal=goal, again=True, status=status)


def _ask(
    port: int, method: str, path: str, headers: dict[str, str], body: bytes | None = None
) -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        return answer, answer.read()
    finally:
        connection.close()


def _readable(data: bytes) -> str:
    """Return the longest piece of gzipped bytes that can be told on a command line: only this page has it."""
    return max((match[0] for match in re.finditer(rb"[A-Za-z0-9]+", data)), key=len).decode()
