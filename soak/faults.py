"""What is done to a running system: each fault is done, held for a while, and undone; then the system is on its own."""

import contextlib
import signal
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Final

import psycopg

from soak import processes
from soak.system import System

FaultContext = Callable[[System], AbstractContextManager[None]]
MAX_CONNECTIONS = 500
LEAST = "1"


@dataclass(frozen=True, slots=True)
class Fault:
    """`inject` does it on entering and undoes it on leaving, after `seconds`; 0: there is nothing to undo."""

    name: str
    inject: FaultContext
    seconds: float = 0.0


def _at_once(do: Callable[[System], None]) -> FaultContext:
    @contextmanager
    def inject(system: System) -> Iterator[None]:
        do(system)
        yield

    return inject


def _kill(part: str) -> FaultContext:
    return _at_once(lambda system: system.kill(system.part(part)))


@contextmanager
def _stopped(pids: Callable[[System], list[int]], system: System) -> Generator[None]:
    targets = pids(system)
    processes.send(targets, signal.SIGSTOP)
    try:
        yield
    finally:
        processes.send(targets, signal.SIGCONT)


@contextmanager
def _valkey_full(system: System) -> Iterator[None]:
    client = system.valkey()
    names = ("maxmemory", "maxmemory-policy")
    before = {name: str(client.config_get(name)[name]) for name in names}
    client.config_set("maxmemory", LEAST)
    client.config_set("maxmemory-policy", "noeviction")
    try:
        yield
    finally:
        for name in reversed(names):
            client.config_set(name, before[name])
        client.close()


def _valkey_emptied(system: System) -> None:
    client = system.valkey()
    client.flushall()
    client.close()


@contextmanager
def _connections_used_up(system: System) -> Iterator[None]:
    """Take every connection that is left, kill a web worker, and take those that it had."""
    connections: list[psycopg.Connection[tuple[object, ...]]] = []
    try:
        _take_all(system, connections)
        system.kill(system.web_worker())
        time.sleep(0.3)
        _take_all(system, connections)
        yield
    finally:
        for connection in connections:
            connection.close()


def _take_all(system: System, connections: list[psycopg.Connection[tuple[object, ...]]]) -> None:
    with contextlib.suppress(psycopg.OperationalError):
        while len(connections) < MAX_CONNECTIONS:
            connections.append(psycopg.connect(system.postgres_url, connect_timeout=2))


def _end_fast(system: System) -> None:
    processes.send(system.postgres()[:1], signal.SIGINT)


def _kill_all(system: System) -> None:
    system.kill(system.main())


FAULTS: Final[Mapping[str, Fault]] = MappingProxyType(
    {
        "web-worker": Fault("kill -9: a web worker", _at_once(lambda system: system.kill(system.web_worker()))),
        "server": Fault("kill -9: the server's main process", _kill("granian")),
        "worker": Fault("kill -9: the worker of jobs", _kill("qe_ban.cli worker")),
        "valkey": Fault("kill -9: Valkey", _kill("valkey-server")),
        "valkey-stopped": Fault(
            "SIGSTOP: Valkey", partial(_stopped, lambda system: [system.part("valkey-server")]), 6.0
        ),
        "valkey-emptied": Fault("Valkey emptied (FLUSHALL)", _at_once(_valkey_emptied)),
        "valkey-full": Fault("Valkey full (noeviction, no memory)", _valkey_full, 6.0),
        "postgres": Fault("kill -9: PostgreSQL's main process", _kill("bin/postgres -D")),
        "postgres-backend": Fault(
            "kill -9: a backend of PostgreSQL", _at_once(lambda system: system.kill(system.backend()))
        ),
        "postgres-stopped": Fault(
            "SIGSTOP: PostgreSQL, all processes", partial(_stopped, lambda system: system.postgres()), 8.0
        ),
        "postgres-restarted": Fault("PostgreSQL restarted (fast)", _at_once(_end_fast)),
        "connections": Fault("PostgreSQL's connections used up, a web worker killed", _connections_used_up, 15.0),
        "source": Fault(
            "SIGSTOP: the HTTP source", partial(_stopped, lambda system: [system.part("sandbox source")]), 6.0
        ),
        "all": Fault("kill -9: `up`, and everything with it", _at_once(_kill_all)),
    }
)
