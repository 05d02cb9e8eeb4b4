"""Measures each load in turns with the floor: the machine is noisy, so only neighbours in time are compared."""

import statistics
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from bench import load
from bench.load import CONNECTIONS, Slice

SPARE = 1.4
"""How many more requests are made ready than the last rate would take."""


class Server(Protocol):
    """What is sent to."""

    @property
    def port(self) -> int:
        """Return its port on 127.0.0.1."""

    def seconds(self) -> float:
        """Return the processor seconds of its processes."""


@dataclass(slots=True)
class Load:
    """One kind of request: `make(n)` gives n ready ones, `right` is what every right answer of `status` contains."""

    name: str
    server: Server
    make: Callable[[int], Iterable[bytes]]
    right: str
    goal: float | None = None
    again: bool = False
    status: int = 200
    slices: list[Slice] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    ratios: list[float] = field(default_factory=list)
    half: Slice | None = None

    @property
    def rate(self) -> float:
        """The median rate of all stretches, requests a second."""
        return statistics.median(part.rate for part in self.slices)

    @property
    def ratio(self) -> float:
        """The median ratio to the floor's rate just before and after."""
        return statistics.median(self.ratios)

    @property
    def spread(self) -> tuple[float, float]:
        """The least and the greatest of the ratios."""
        return min(self.ratios), max(self.ratios)

    @property
    def cpu_micros(self) -> float:
        """The median processor time of the server for one request, in microseconds."""
        return statistics.median(self.cpu)

    def latency(self) -> tuple[float, float]:
        """Return the medians of p50 and p99 under full load, in milliseconds."""
        return statistics.median(s.p50 for s in self.slices), statistics.median(s.p99 for s in self.slices)


class Rounds:
    """Runs the loads one after the other, the floor before, between and after them."""

    def __init__(self, wrk: str, floor: Load, loads: list[Load], check: Callable[[], None]) -> None:
        """`check` is asked before every stretch and raises when the run is to end."""
        self._wrk, self._floor, self._loads, self._check = wrk, floor, loads, check
        self._rates: dict[str, float] = {}

    def warm_up(self, one: Load, count: int, seconds: float) -> None:
        """Send `count` requests in `seconds` at most, which count for nothing; tells roughly how fast they are."""
        self._check()
        self._rates[one.name] = self._send(one, one.make(count), seconds).rate

    def run(self, rounds: int, seconds: float) -> Iterator[int]:
        """Measure at full load; yield the number of each round that is over."""
        before = self._measure(self._floor, seconds)
        for number in range(1, rounds + 1):
            for one in self._loads:
                stretch = self._measure(one, seconds)
                after = self._measure(self._floor, seconds)
                one.ratios.append(2 * stretch.rate / (before.rate + after.rate))
                before = after
            yield number

    def run_at_half(self, seconds: float) -> None:
        """Measure every load again at about half of its rate, for the times that a client sees then."""
        for one in (self._floor, *self._loads):
            # a connection's turn takes 2 connections / rate; what the answer itself takes of that is no pause
            pause = (2 * CONNECTIONS - 1.5) / one.rate * 1000
            one.half = self._stretch(one, seconds, pause=pause)

    def _measure(self, one: Load, seconds: float) -> Slice:
        before = one.server.seconds()
        stretch = self._stretch(one, seconds)
        one.slices.append(stretch)
        one.cpu.append((one.server.seconds() - before) / stretch.requests * 1e6)
        self._rates[one.name] = stretch.rate
        return stretch

    def _stretch(self, one: Load, seconds: float, *, pause: float = 0.0) -> Slice:
        self._check()
        requests = one.make(max(100, round(self._rates[one.name] * seconds * SPARE)))
        return self._send(one, requests, seconds, pause)

    def _send(self, one: Load, requests: Iterable[bytes], seconds: float, pause: float = 0.0) -> Slice:
        return load.run(
            self._wrk, one.server.port, requests, right=one.right, seconds=seconds, pause=pause, again=one.again,
            status=one.status,
        )  # fmt: skip
