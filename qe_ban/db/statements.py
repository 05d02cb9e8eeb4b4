"""The hot path's own connections to PostgreSQL: always in autocommit, so that lending one costs next to nothing.

SQLAlchemy's pool would switch autocommit on and off again and look after transactions that there are none of: half of
what a short statement costs altogether.
"""

import select
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeAlias

import psycopg
from psycopg.pq import TransactionStatus

Connection: TypeAlias = psycopg.Connection[Any]


class Statements:
    """At most `size` connections, lent to one thread at a time; the one that came back last goes out first."""

    def __init__(self, conninfo: str, options: Mapping[str, Any], *, size: int, wait: float) -> None:
        """Connect to nothing yet; `wait` is how many seconds a borrower waits for a connection at most."""
        self._conninfo, self._options, self._wait = conninfo, options, wait
        self._free = threading.BoundedSemaphore(size)
        self._idle: list[Connection] = []

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """Lend a connection. Raises what psycopg raises; ConnectionTimeout when none comes free."""
        if not self._free.acquire(timeout=self._wait):
            raise psycopg.errors.ConnectionTimeout("no connection is free")
        try:
            connection = self._take()
            try:
                yield connection
            except (psycopg.OperationalError, psycopg.InterfaceError):
                connection.close()
                raise
            finally:
                # whoever was interrupted in the middle of a statement gives back nothing that could be used
                if connection.pgconn.transaction_status == TransactionStatus.IDLE:
                    self._idle.append(connection)
                else:
                    connection.close()
        finally:
            self._free.release()

    def close(self) -> None:
        """Close the connections that nobody has."""
        while self._idle:
            self._idle.pop().close()

    def _take(self) -> Connection:
        while self._idle:
            try:
                connection = self._idle.pop()
            except IndexError:  # another thread was faster
                break
            if not hung_up(connection):
                return connection
            connection.close()
        return psycopg.connect(self._conninfo, autocommit=True, **self._options)


def hung_up(connection: Connection) -> bool:
    """Tell whether the server has ended an idle connection, without a round trip: its socket is readable then."""
    poll = select.poll()
    try:
        poll.register(connection.fileno(), select.POLLIN)
        return bool(poll.poll(0))
    except (psycopg.Error, ValueError):
        return True
