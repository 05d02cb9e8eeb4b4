"""The way to PostgreSQL: `transaction()` for use cases, `statements()` for the hot path's own SQL.

A `Database` is made before the server forks and connects on first use, so that no connection is shared by two
processes. A database that is away is the kernel's Unavailable, at once and never after a long wait.
"""

import select
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar, cast

import psycopg
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus
from sqlalchemy import Dialect, Engine, QueuePool, create_engine, event, exc
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.orm import Session

from qe_ban.kernel.errors import Unavailable

T = TypeVar("T")


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
        event.listen(self.engine, "do_connect", _connect)
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
    def transaction(self, *, patience: float | None = None) -> Iterator[Session]:
        """Give a session whose work commits when the block ends and rolls back when it raises.

        `patience`: how many seconds at most it waits for each answer, for those who can do without: a server that
        hangs, and does not even end, is away for them. Raises DatabaseUnavailable. This and `statements` are the only
        ways to write.
        """
        try:
            with Session(self.engine, expire_on_commit=False) as session, session.begin():
                if patience is not None:
                    cast("_Connection", session.connection().connection.driver_connection).patience = patience
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


class _Connection(psycopg.Connection[Any]):
    """Waits for each answer no longer than its `patience`, in seconds; then it is closed."""

    patience: float | None = None

    def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        """Run one exchange with the server. Raises OperationalError when patience is over."""
        began = time.monotonic()
        try:
            return super().wait(gen, interval, self.patience if timeout is None else timeout)
        except psycopg.OperationalError:
            # closed also where it would still be waited for: in the middle of an exchange nothing else can be asked
            if self.patience is not None and time.monotonic() - began >= self.patience:
                self.pgconn.finish()
            raise


def _connect(_dialect: Dialect, _record: object, args: Sequence[Any], options: dict[str, Any]) -> _Connection:
    return _Connection.connect(*args, **options)


def _refuse_dead_connection(connection: psycopg.Connection[Any], _record: object, _proxy: object) -> None:
    """Look whether the server has hung up, without a round trip: an idle socket that is readable has ended."""
    if isinstance(connection, _Connection):
        connection.patience = None  # the one before may have had little
    poll = select.poll()
    try:
        poll.register(connection.fileno(), select.POLLIN)
        gone = bool(poll.poll(0))
    except (psycopg.Error, ValueError):
        gone = True
    if gone:
        raise exc.DisconnectionError("the server closed this connection")
