"""Opening one connection: to whom, with which limits, and whether what answers is fit to work with."""

import time
from dataclasses import dataclass
from typing import Any, Final, Self, TypeVar, cast

import psycopg
import structlog
from psycopg.abc import Params, PQGen, Query

from qe_ban.db.address import Address
from qe_ban.db.outage import Outage
from qe_ban.message import Message

T = TypeVar("T")
_log = structlog.get_logger("qe_ban.db")

OLDEST: Final = 15_00_00
"""The oldest PostgreSQL that this was tried with, as the server spells versions for programs: 15.0."""
IDLE_MS: Final = 30_000
POOLER: Final = Message(
    "QE_DATABASE_URL leads to a pooler of connections: set QE_DATABASE_POOLED=1, or connect directly"
)
CONNECT_OPTIONS: dict[str, Any] = {
    "connect_timeout": 2,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "tcp_user_timeout": 5000,
    "application_name": "qe-ban",
}


class ServerUnfit(psycopg.OperationalError):
    """What answers at the address is nothing to work with; the text says why, and what to do, in one line."""


class ForeignAnswer(psycopg.InterfaceError):
    """An answer belongs to another's statement: something on the way mixes connections up."""


def require_own(answer: object, echo: object) -> None:
    """Compare what a bare statement echoes with what it was given. Raises ForeignAnswer."""
    if answer != echo:
        _log.error("database.foreign_answer")
        raise ForeignAnswer("the answer belongs to another statement")


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
    """Whether a server that takes no writes, such as a standby, counts as away whatever the address asks for."""

    @property
    def _settings(self) -> dict[str, int]:
        return {
            "statement_timeout": round(self.statement * 1000),
            "lock_timeout": round(self.lock * 1000),
            "idle_in_transaction_session_timeout": IDLE_MS,
        }

    @property
    def options(self) -> str:
        """Return the server's share for a whole connection, as libpq's `options`."""
        return " ".join(f"-c {name}={value}" for name, value in self._settings.items())

    @property
    def local(self) -> str:
        """Return the server's share for one transaction, as a statement: SET LOCAL as one round trip."""
        return "SELECT " + ", ".join(f"set_config('{name}', '{value}', true)" for name, value in self._settings.items())


COMMAND_WAITS: Final = Waits(statement=10, lock=5, patience=None)
"""For commands and migrations, which a person may end."""
WORKER_WAITS: Final = Waits(statement=10, lock=5, patience=90, primary=True)
"""For the worker: a job's step lengthens its statements to a minute."""
REQUEST_WAITS: Final = Waits(
    statement=4.5, lock=3, patience=5, hot=Waits(statement=2, lock=1.5, patience=2.5), primary=True
)
"""For requests: somebody waits, and on the hot path stands before a gate."""


class Connection(psycopg.Connection[Any]):
    """Waits for each answer no longer than its `patience`, in seconds; then it is closed."""

    limits = ""
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
                if self.outage is not None and (self.patience == self.usual or self.outage.is_hanging):
                    self.outage.report_hang()
            raise


class _LimitedCursor(psycopg.ClientCursor[Any]):
    """Sends the limits and a statement as one message, which is one transaction and goes to one server.

    The message is of the simple protocol, so the values are written into it by psycopg.
    """

    def execute(
        self, query: Query, params: Params | None = None, *, prepare: bool | None = None, binary: bool | None = None
    ) -> Self:
        """Run a statement that is a text, never prepared; what is fetched is its answer alone."""
        if not isinstance(query, str):
            raise TypeError("a bare statement is a text")
        limits = cast("Connection", self.connection).limits
        super().execute(f"{limits}; {query}", params, prepare=prepare, binary=binary)
        return self.set_result(-1)


def connect(
    outage: Outage, address: Address, waits: Waits, *, behind_pooler: bool, autocommit: bool = False, **more: Any
) -> Connection:
    """Connect to the first server of an address that serves. Raises ServerUnfit, and what psycopg raises."""
    own_options = address.options
    options = own_options | CONNECT_OPTIONS | more
    # whoever looks at a standby by a command says so in the address
    if waits.primary or "target_session_attrs" not in own_options:
        options["target_session_attrs"] = "read-write"
    if behind_pooler:
        options["prepare_threshold"] = None
    else:
        # after what the operator's own options say
        options["options"] = f"{own_options.get('options', '')} {waits.options}".strip()
    try:
        connection = Connection.connect(**options, autocommit=True)
    except psycopg.errors.ConnectionTimeout:
        outage.report_hang()
        raise
    except psycopg.OperationalError as error:
        if "unsupported startup parameter" in str(error):
            raise ServerUnfit(POOLER) from error
        raise
    connection.usual = connection.patience = waits.patience
    connection.outage, connection.opened_at = outage, time.monotonic()
    try:
        _require_fit(connection, behind_pooler=behind_pooler)
    except BaseException:
        connection.close()
        raise
    address.prefer(connection.info.host, connection.info.port)
    if behind_pooler and autocommit:
        connection.limits, connection.cursor_factory = waits.local, _LimitedCursor
    connection.autocommit = autocommit
    return connection


def _require_fit(connection: Connection, *, behind_pooler: bool) -> None:
    """Look at who answers. Raises ServerUnfit.

    A pooler cannot tell its client which server it will get, so the process id in its greeting is none of a server's.
    """
    version = connection.info.server_version
    if version < OLDEST:
        raise ServerUnfit(
            Message(
                "PostgreSQL {version} is too old: {oldest} or newer is needed",
                version=version // 10000,
                oldest=OLDEST // 10000,
            )
        )
    if behind_pooler:
        return
    row = connection.execute("SELECT pg_backend_pid()", prepare=False).fetchone()
    if row is None or row[0] != connection.info.backend_pid:
        raise ServerUnfit(POOLER)
