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

from qe_ban.cli.soak import processes
from qe_ban.cli.soak.system import System
from qe_ban.message import Message

Holding = Callable[[System], AbstractContextManager[None]]
MOST_CONNECTIONS = 500
LEAST = "1"


@dataclass(frozen=True, slots=True)
class Fault:
    """`holding` does it on entering and undoes it on leaving, after `seconds`; 0: there is nothing to undo."""

    name: Message
    holding: Holding
    seconds: float = 0.0


def _at_once(do: Callable[[System], None]) -> Holding:
    @contextmanager
    def holding(system: System) -> Iterator[None]:
        do(system)
        yield

    return holding


def _kill(part: str) -> Holding:
    return _at_once(lambda system: system.kill(system.part(part)))


@contextmanager
def _stopped(pids: Callable[[System], list[int]], system: System) -> Generator[None]:
    found = pids(system)
    processes.send(found, signal.SIGSTOP)
    try:
        yield
    finally:
        processes.send(found, signal.SIGCONT)


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
    held: list[psycopg.Connection[tuple[object, ...]]] = []
    try:
        _take_all(system, held)
        system.kill(system.web_worker())
        time.sleep(0.3)
        _take_all(system, held)
        yield
    finally:
        for connection in held:
            connection.close()


def _take_all(system: System, held: list[psycopg.Connection[tuple[object, ...]]]) -> None:
    with contextlib.suppress(psycopg.OperationalError):
        while len(held) < MOST_CONNECTIONS:
            held.append(psycopg.connect(system.postgres_url, connect_timeout=2))


def _end_fast(system: System) -> None:
    processes.send(system.postgres()[:1], signal.SIGINT)


def _kill_all(system: System) -> None:
    system.kill(system.main())


FAULTS: Final[Mapping[str, Fault]] = MappingProxyType(
    {
        "web-worker": Fault(
            Message("kill -9: a web worker"), _at_once(lambda system: system.kill(system.web_worker()))
        ),
        "server": Fault(Message("kill -9: the server's main process"), _kill("granian")),
        "worker": Fault(Message("kill -9: the worker of jobs"), _kill("qe_ban.cli worker")),
        "valkey": Fault(Message("kill -9: Valkey"), _kill("valkey-server")),
        "valkey-stopped": Fault(
            Message("SIGSTOP: Valkey"), partial(_stopped, lambda system: [system.part("valkey-server")]), 6.0
        ),
        "valkey-emptied": Fault(Message("Valkey emptied (FLUSHALL)"), _at_once(_valkey_emptied)),
        "valkey-full": Fault(Message("Valkey full (noeviction, no memory)"), _valkey_full, 6.0),
        "postgres": Fault(Message("kill -9: PostgreSQL's main process"), _kill("bin/postgres -D")),
        "postgres-backend": Fault(
            Message("kill -9: a backend of PostgreSQL"), _at_once(lambda system: system.kill(system.backend()))
        ),
        "postgres-stopped": Fault(
            Message("SIGSTOP: PostgreSQL, all processes"), partial(_stopped, lambda system: system.postgres()), 8.0
        ),
        "postgres-restarted": Fault(Message("PostgreSQL restarted (fast)"), _at_once(_end_fast)),
        "connections": Fault(
            Message("PostgreSQL's connections used up, a web worker killed"), _connections_used_up, 15.0
        ),
        "source": Fault(
            Message("SIGSTOP: the HTTP source"), partial(_stopped, lambda system: [system.part("sandbox source")]), 6.0
        ),
        "all": Fault(Message("kill -9: `up`, and everything with it"), _at_once(_kill_all)),
    }
)
