"""The way to PostgreSQL: `transaction()` for use cases, `statements()` for the hot path's own SQL.

A `Database` is made before the server forks and connects on first use, so that no connection is shared by two
processes. A database that is away is the kernel's Unavailable, immediately and never after a long wait.
"""

import select
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, cast

import psycopg
from psycopg import errors
from psycopg.pq import TransactionStatus
from sqlalchemy import Connection as Borrowed
from sqlalchemy import Dialect, Engine, QueuePool, create_engine, event, exc
from sqlalchemy.engine.interfaces import DBAPIConnection, ExceptionContext
from sqlalchemy.orm import Session

from qe_ban.db import connecting
from qe_ban.db.address import Address
from qe_ban.db.connecting import COMMAND_WAITS, Connection, ServerUnfit, Waits
from qe_ban.db.outage import Outage
from qe_ban.kernel.errors import Unavailable


class DatabaseUnavailable(Unavailable):
    """PostgreSQL is away, or has no connection free in time."""

    code = "database_unavailable"
    detail = "系统繁忙或正在维护，请稍后重试"


class DatabaseUnfit(DatabaseUnavailable):
    """What answers at the address is a pooler that the settings do not name, or too old; `reason` says it."""

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason


POOL_WAIT: Final = 2.0

_CONNECTION_LOST: Final = frozenset(
    {errors.IdleInTransactionSessionTimeout.sqlstate, errors.ReadOnlySqlTransaction.sqlstate}
)
"""What psycopg calls internal errors and is none of ours: the server ended the connection, or is a standby now."""


class Database:
    """One PostgreSQL database and this process's pool of connections to it."""

    def __init__(self, url: str, *, pool: int = 8, waits: Waits = COMMAND_WAITS, behind_pooler: bool = False) -> None:
        """Take an address (`Address`) and how many connections at most this process may hold idle, of each sort.

        After a wait in vain nobody waits for a second, then one tries. `behind_pooler`: a transaction pooler stands
        before the server, so nothing may rest on a connection from one transaction to the next. Raises AddressInvalid.
        """
        self.address = Address(url)
        self._outage = Outage(DatabaseUnavailable)
        hot = waits.hot or waits
        self.engine: Engine = create_engine(
            "postgresql+psycopg://",
            pool_size=pool,
            max_overflow=max(2, pool // 4),
            pool_timeout=POOL_WAIT,
            pool_use_lifo=True,
            hide_parameters=True,
        )

        def connect(_dialect: Dialect, _record: object, _args: Sequence[Any], options: dict[str, Any]) -> Connection:
            # of SQLAlchemy's own it takes how values are read and written
            return connecting.connect(
                self._outage, self.address, waits, behind_pooler=behind_pooler, context=options.get("context")
            )

        event.listen(self.engine, "checkout", _refuse_dead_connection)
        event.listen(self.engine, "do_connect", connect)
        event.listen(self.engine, "handle_error", _tell_gone)
        if behind_pooler:
            event.listen(self.engine, "begin", lambda connection: _limit(connection, waits))
        # a pool of its own, always in autocommit: the engine's would switch it on and off at every borrowing
        self._statements = QueuePool(
            lambda: cast(
                "DBAPIConnection",
                connecting.connect(self._outage, self.address, hot, behind_pooler=behind_pooler, autocommit=True),
            ),
            pool_size=pool,
            max_overflow=0,
            timeout=POOL_WAIT,
            reset_on_return=None,
            use_lifo=True,
        )
        event.listen(self._statements, "checkout", _refuse_dead_connection)

    @contextmanager
    def transaction(self, *, patience: float | None = None) -> Iterator[Session]:
        """Open a session whose work commits when the block ends and rolls back when it raises.

        `patience`: how many seconds at most it waits for each answer, for those who can do without: a server that
        hangs, and does not even end, is away for them. Raises DatabaseUnavailable. This and `statements` are the only
        ways to write.
        """
        try:
            with self._outage.trying(), Session(self.engine, expire_on_commit=False) as session, session.begin():
                if patience is not None:
                    cast("Connection", session.connection().connection.driver_connection).patience = patience
                yield session
        except (exc.OperationalError, exc.TimeoutError, exc.InterfaceError) as error:
            raise _unavailable(getattr(error, "orig", None)) from error
        except exc.InternalError as error:
            if error.connection_invalidated:
                raise DatabaseUnavailable from error
            raise

    @contextmanager
    def statements(self) -> Iterator[psycopg.Connection[Any]]:
        """Open a bare connection on which each statement is a transaction of its own. Raises DatabaseUnavailable.

        For the hot path: no BEGIN and no COMMIT, so one statement is one round trip and durable when it answers.
        """
        with self._outage.trying():
            try:
                loan = self._statements.connect()
            except (psycopg.OperationalError, exc.TimeoutError, exc.InvalidRequestError) as error:
                # the last: what was opened anew was dead immediately
                raise _unavailable(error) from error
            connection = cast("psycopg.Connection[Any]", loan.driver_connection)
            try:
                yield connection
            except (psycopg.OperationalError, psycopg.InterfaceError, psycopg.InternalError) as error:
                if isinstance(error, psycopg.InternalError) and error.sqlstate not in _CONNECTION_LOST:
                    raise
                loan.invalidate()
                raise DatabaseUnavailable from error
            finally:
                # whoever was interrupted in the middle of a statement gives back nothing that could be used
                if loan.is_valid and connection.pgconn.transaction_status != TransactionStatus.IDLE:
                    loan.invalidate()
                loan.close()

    def dispose(self) -> None:
        """Close every connection that is not in use, and ask the server again even where it hung just now."""
        self._outage.forget()
        self._statements.dispose()
        self.engine.dispose()


def _unavailable(error: BaseException | None) -> DatabaseUnavailable:
    return DatabaseUnfit(str(error)) if isinstance(error, ServerUnfit) else DatabaseUnavailable()


def _limit(connection: Borrowed, waits: Waits) -> None:
    """Set the limits of the transaction that begins: whose server it gets knows of none."""
    connection.exec_driver_sql(waits.local)


def _tell_gone(context: ExceptionContext) -> None:
    """Replace the connection and all that were opened before, and not only its transaction rolled back."""
    if getattr(context.original_exception, "sqlstate", None) in _CONNECTION_LOST:
        context.is_disconnect = True


def _refuse_dead_connection(connection: psycopg.Connection[Any], _record: object, _proxy: object) -> None:
    """Look whether the server has hung up, without a round trip: an idle socket that is readable has ended.

    One that was opened before the server hung is refused, too: nobody is to find out by waiting for each.
    """
    is_dead = False
    if isinstance(connection, Connection):
        connection.patience = connection.usual  # the one before may have had little
        is_dead = connection.outage is not None and connection.outage.since(connection.opened_at)
    poll = select.poll()
    try:
        poll.register(connection.fileno(), select.POLLIN)
        is_dead = is_dead or bool(poll.poll(0))
    except (psycopg.Error, ValueError):
        is_dead = True
    if is_dead:
        raise exc.DisconnectionError("the server closed this connection")
