"""The way to PostgreSQL: `transaction()` for use cases, `statements()` for the hot path's own SQL.

A `Database` is made before the server forks and connects on first use, so that no connection is shared by two
processes. A database that is away is the kernel's Unavailable, at once and never after a long wait.
"""

import select
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import psycopg
from psycopg.pq import TransactionStatus
from sqlalchemy import Engine, QueuePool, create_engine, event, exc
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.orm import Session

from qe_ban.kernel.errors import Unavailable


class DatabaseUnavailable(Unavailable):
    """PostgreSQL is away, or has no connection free in time."""

    code = "database_unavailable"
    detail = "系统繁忙或正在维护，请稍后重试"


POOL_WAIT = 2.0
CONNECT_OPTIONS: dict[str, Any] = {
    "connect_timeout": 2,
    "options": "-c statement_timeout=10000 -c lock_timeout=5000 -c idle_in_transaction_session_timeout=30000",
    "keepalives_idle": 10,
    "tcp_user_timeout": 5000,
    "application_name": "qe-ban",
}


class Database:
    """One PostgreSQL database and this process's pool of connections to it."""

    def __init__(self, url: str, *, pool: int = 8) -> None:
        """Take a `postgresql://` URL and how many connections at most this process may hold idle, of each sort."""
        self.engine: Engine = create_engine(
            url,
            pool_size=pool,
            max_overflow=max(2, pool // 4),
            pool_timeout=POOL_WAIT,
            pool_use_lifo=True,
            connect_args=CONNECT_OPTIONS,
            hide_parameters=True,
        )
        event.listen(self.engine, "checkout", _refuse_dead_connection)
        address = self.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        # a pool of its own, always in autocommit: the engine's would switch it on and off at every borrowing
        self._statements = QueuePool(
            lambda: cast("DBAPIConnection", psycopg.connect(address, autocommit=True, **CONNECT_OPTIONS)),
            pool_size=pool,
            max_overflow=0,
            timeout=POOL_WAIT,
            reset_on_return=None,
            use_lifo=True,
        )
        event.listen(self._statements, "checkout", _refuse_dead_connection)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Give a session whose work commits when the block ends and rolls back when it raises.

        Raises DatabaseUnavailable. This and `statements` are the only ways to write.
        """
        try:
            with Session(self.engine, expire_on_commit=False) as session, session.begin():
                yield session
        except (exc.OperationalError, exc.TimeoutError, exc.InterfaceError) as error:
            raise DatabaseUnavailable from error

    @contextmanager
    def statements(self) -> Iterator[psycopg.Connection[Any]]:
        """Give a bare connection on which each statement is a transaction of its own. Raises DatabaseUnavailable.

        For the hot path: no BEGIN and no COMMIT, so one statement is one round trip and durable when it answers.
        """
        try:
            borrowed = self._statements.connect()
        except (psycopg.OperationalError, exc.TimeoutError) as error:
            raise DatabaseUnavailable from error
        connection = cast("psycopg.Connection[Any]", borrowed.driver_connection)
        try:
            yield connection
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            borrowed.invalidate()
            raise DatabaseUnavailable from error
        finally:
            # whoever was interrupted in the middle of a statement gives back nothing that could be used
            if borrowed.is_valid and connection.pgconn.transaction_status != TransactionStatus.IDLE:
                borrowed.invalidate()
            borrowed.close()

    def dispose(self) -> None:
        """Close every connection that is not in use."""
        self._statements.dispose()
        self.engine.dispose()


def _refuse_dead_connection(connection: psycopg.Connection[Any], _record: object, _proxy: object) -> None:
    """Look whether the server has hung up, without a round trip: an idle socket that is readable has ended."""
    poll = select.poll()
    try:
        poll.register(connection.fileno(), select.POLLIN)
        gone = bool(poll.poll(0))
    except (psycopg.Error, ValueError):
        gone = True
    if gone:
        raise exc.DisconnectionError("the server closed this connection")
