"""What is counted of every request, and `/metrics` for Prometheus. Slices add counters of their own."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

from flask import Flask, Response, current_app
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Histogram,
    Metric,
    generate_latest,
    values,
)
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from qe_ban.web import guard

REQUESTS = Counter("qe_requests", "Requests answered.", ["method", "route", "status"])
DURATION = Histogram(
    "qe_request_seconds",
    "Time from a request's arrival to its answer's first byte.",
    ["method", "route"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0),
)

Read: TypeAlias = Callable[[], Iterable[Metric]]
"""Returns what there is at this moment, the same in every worker; nothing where that cannot be known."""

_READS = "qe_ban.metrics"

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Recorder:
    """Counts requests; keeps the counters of each route at hand, for finding them costs more than counting."""

    def __init__(self) -> None:
        self._counters: dict[tuple[str, str, str], tuple[Counter, Histogram]] = {}

    def record(self, method: str, route: str, status: str, seconds: float) -> None:
        """Count one request; `route` is the template and `method` a known one, so that nobody can make new series."""
        pair = self._counters.get((method, route, status))
        if pair is None:
            pair = REQUESTS.labels(method, route, status), DURATION.labels(method, route)
            self._counters[method, route, status] = pair
        pair[0].inc()
        pair[1].observe(seconds)


def install(app: Flask) -> None:
    """Serve `/metrics`: of all workers together where the supervisor set PROMETHEUS_MULTIPROC_DIR."""

    @guard.anyone
    def metrics() -> Response:
        read = CollectorRegistry()
        read.register(_CurrentMetrics(current_app.extensions.get(_READS, ())))
        return Response(generate_latest(_registry()) + generate_latest(read), content_type=CONTENT_TYPE_LATEST)

    app.add_url_rule("/metrics", "metrics", metrics)


def add(app: Flask, read: Read) -> None:
    """Show at `/metrics` also what `read` gives when asked: what stands, which no worker counts by itself."""
    app.extensions.setdefault(_READS, []).append(read)


class _CurrentMetrics(Collector):
    """Metrics that are read at each request."""

    def __init__(self, reads: Iterable[Read]) -> None:
        self._reads = reads

    def collect(self) -> Iterator[Metric]:
        for read in self._reads:
            yield from read()


def _registry() -> CollectorRegistry:
    # prometheus_client read the environment when it was imported, and chose its values by it.
    if not getattr(values.ValueClass, "_multiprocess", False):
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return registry
