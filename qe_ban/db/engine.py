"""The way to PostgreSQL: `transaction()` for use cases, `statements()` for the hot path's own SQL.

A `Database` is made before the server forks and connects on first use, so that no connection is shared by two
processes. A database that is away is the kernel's Unavailable, at once and never after a long wait.
"""

import select
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar, cast

import psycopg
from psycopg import errors
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus
from sqlalchemy import Dialect, Engine, QueuePool, create_engine, event, exc
from sqlalchemy.engine.interfaces import DBAPIConnection, ExceptionContext
from sqlalchemy.orm import Session

from qe_ban.db.outage import Outage
from qe_ban.kernel.errors import Unavailable

T = TypeVar("T")


class DatabaseUnavailable(Unavailable):
    """PostgreSQL is away, or has no connection free in time."""

    code = "database_unavailable"
    detail = "系统繁忙或正在维护，请稍后重试"


@dataclass(frozen=True, slots=True)
class Waits:
    """How many seconds a statement, and a lock for it, may take by the server's own reckoning, and by ours.

    A server that has not answered when our `patience` is over has not even ended the statement: it hangs. None: we
    wait for ever. `hot`: the same for `statements`, where it is another.
    """

    statement: float
    lock: float
    patience: float | None
    hot: "Waits | None" = None
    primary: bool = False
    """Whether a server that takes no writes, such as a standby, counts as away."""

    @property
    def options(self) -> str:
        """Give the server's share as libpq's `options`."""
        statement, lock = round(self.statement * 1000), round(self.lock * 1000)
        return (
            f"-c statement_timeout={statement} -c lock_timeout={lock} -c idle_in_transaction_session_timeout={IDLE_MS}"
        )


POOL_WAIT = 2.0
IDLE_MS: Final = 30_000
UNHURRIED: Final = Waits(statement=10, lock=5, patience=None)
"""For commands and migrations, which a person may end."""
WORKING: Final = Waits(statement=10, lock=5, patience=90, primary=True)
"""For the worker: a job's step lengthens its statements to a minute."""
SERVING: Final = Waits(statement=4.5, lock=3, patience=5, hot=Waits(statement=2, lock=1.5, patience=2.5), primary=True)
"""For requests: somebody waits, and on the hot path stands before a gate."""
CONNECT_OPTIONS: dict[str, Any] = {
    "connect_timeout": 2,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "tcp_user_timeout": 5000,
    "application_name": "qe-ban",
}
_GONE: Final = frozenset({errors.IdleInTransactionSessionTimeout.sqlstate, errors.ReadOnlySqlTransaction.sqlstate})
"""What psycopg calls internal errors and is none of ours: the server ended the connection, or is a standby now."""


class Database:
    """One PostgreSQL database and this process's pool of connections to it."""

    def __init__(self, url: str, *, pool: int = 8, waits: Waits = UNHURRIED) -> None:
        """Take a `postgresql://` URL and how many connections at most this process may hold idle, of each sort.

        After a wait in vain nobody waits for a second, then one tries.
        """
        self._outage = Outage(DatabaseUnavailable)
        hot = waits.hot or waits
        connecting = CONNECT_OPTIONS | ({"target_session_attrs": "read-write"} if waits.primary else {})
        self.engine: Engine = create_engine(
            url,
            pool_size=pool,
            max_overflow=max(2, pool // 4),
            pool_timeout=POOL_WAIT,
            pool_use_lifo=True,
            connect_args=connecting | {"options": waits.options},
            hide_parameters=True,
        )

        def connect(_dialect: Dialect, _record: object, args: Sequence[Any], options: dict[str, Any]) -> _Connection:
            return _connect(self._outage, waits, *args, **options)

        event.listen(self.engine, "checkout", _refuse_dead_connection)
        event.listen(self.engine, "do_connect", connect)
        event.listen(self.engine, "handle_error", _tell_gone)
        address = self.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        options = connecting | {"options": hot.options, "autocommit": True}
        # a pool of its own, always in autocommit: the engine's would switch it on and off at every borrowing
        self._statements = QueuePool(
            lambda: cast("DBAPIConnection", _connect(self._outage, hot, address, **options)),
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
            with self._outage.trying(), Session(self.engine, expire_on_commit=False) as session, session.begin():
                if patience is not None:
                    cast("_Connection", session.connection().connection.driver_connection).patience = patience
                yield session
        except (exc.OperationalError, exc.TimeoutError, exc.InterfaceError) as error:
            raise DatabaseUnavailable from error
        except exc.InternalError as error:
            if error.connection_invalidated:
                raise DatabaseUnavailable from error
            raise

    @contextmanager
    def statements(self) -> Iterator[psycopg.Connection[Any]]:
        """Give a bare connection on which each statement is a transaction of its own. Raises DatabaseUnavailable.

        For the hot path: no BEGIN and no COMMIT, so one statement is one round trip and durable when it answers.
        """
        with self._outage.trying():
            try:
                borrowed = self._statements.connect()
            except (psycopg.OperationalError, exc.TimeoutError, exc.InvalidRequestError) as error:
                # the last: what was opened anew was dead at once
                raise DatabaseUnavailable from error
            connection = cast("psycopg.Connection[Any]", borrowed.driver_connection)
            try:
                yield connection
            except (psycopg.OperationalError, psycopg.InterfaceError, psycopg.InternalError) as error:
                if isinstance(error, psycopg.InternalError) and error.sqlstate not in _GONE:
                    raise
                borrowed.invalidate()
                raise DatabaseUnavailable from error
            finally:
                # whoever was interrupted in the middle of a statement gives back nothing that could be used
                if borrowed.is_valid and connection.pgconn.transaction_status != TransactionStatus.IDLE:
                    borrowed.invalidate()
                borrowed.close()

    def dispose(self) -> None:
        """Close every connection that is not in use, and ask the server again even where it hung just now."""
        self._outage.forget()
        self._statements.dispose()
        self.engine.dispose()


class _Connection(psycopg.Connection[Any]):
    """Waits for each answer no longer than its `patience`, in seconds; then it is closed."""

    patience: float | None = None
    usual: float | None = None
    outage: Outage | None = None
    opened_at = 0.0

    def __del__(self, *_: object) -> None:
        """End the connection: one that is given back when its pool was disposed of meanwhile is let go of so."""
        if hasattr(self, "pgconn"):
            self.pgconn.finish()

    def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        """Run one exchange with the server. Raises OperationalError when patience is over."""
        began = time.monotonic()
        try:
            return super().wait(gen, interval, self.patience if timeout is None else timeout)
        except psycopg.OperationalError:
            # closed also where it would still be waited for: in the middle of an exchange nothing else can be asked
            if self.patience is not None and time.monotonic() - began >= self.patience:
                self.pgconn.finish()
                # who can do without has waited too short a time to say that it hangs, but not to say that it still does
                if self.outage is not None and (self.patience == self.usual or self.outage.known):
                    self.outage.hung()
            raise


def _connect(outage: Outage, waits: Waits, *args: Any, **options: Any) -> _Connection:
    try:
        connection = _Connection.connect(*args, **options)
    except psycopg.errors.ConnectionTimeout:
        outage.hung()
        raise
    connection.usual = connection.patience = waits.patience
    connection.outage, connection.opened_at = outage, time.monotonic()
    return connection


def _tell_gone(context: ExceptionContext) -> None:
    """Have the connection, and all that were opened before, replaced, and not only its transaction rolled back."""
    if getattr(context.original_exception, "sqlstate", None) in _GONE:
        context.is_disconnect = True


def _refuse_dead_connection(connection: psycopg.Connection[Any], _record: object, _proxy: object) -> None:
    """Look whether the server has hung up, without a round trip: an idle socket that is readable has ended.

    One that was opened before the server hung is refused, too: nobody is to find out by waiting for each.
    """
    gone = False
    if isinstance(connection, _Connection):
        connection.patience = connection.usual  # the one before may have had little
        gone = connection.outage is not None and connection.outage.since(connection.opened_at)
    poll = select.poll()
    try:
        poll.register(connection.fileno(), select.POLLIN)
        gone = gone or bool(poll.poll(0))
    except (psycopg.Error, ValueError):
        gone = True
    if gone:
        raise exc.DisconnectionError("the server closed this connection")
