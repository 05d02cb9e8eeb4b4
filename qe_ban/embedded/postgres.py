"""The PostgreSQL of a home: made once, started, stopped, and started again after whatever ended it."""

import contextlib
import os
import shutil
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import quote

import psycopg

from qe_ban.embedded import account, binaries
from qe_ban.embedded.account import Account
from qe_ban.embedded.errors import EndedEarly, EngineError, EngineFailed
from qe_ban.embedded.home import Home
from qe_ban.embedded.output import Output
from qe_ban.embedded.process import Child, never, wait_until_ready
from qe_ban.message import Message

USER = "qe"
DATABASE = "qe"
INITDB = (
    f"--username={USER}",
    "--encoding=UTF8",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--locale=C",
    "--auth-local=trust",  # the socket's directory is ours alone
    "--auth-host=reject",
)
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # what the server writes down holds no statement and no value of a row: those are personal data
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_checkpoints": "off",
}
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C"}
STILL_HELD = ("already exists", "is still in use")
HELD_SECONDS = 15.0
ZOMBIE_SECONDS = 6.0
INITDB_SECONDS = 120.0
STOP_STEPS = ((signal.SIGINT, 60.0), (signal.SIGQUIT, 10.0))


class Postgres:
    """One server on a Unix socket, superuser `qe`, database `qe`; as root it runs as an unprivileged user."""

    name = "postgres"

    def __init__(
        self,
        home: Home,
        *,
        settings: Mapping[str, str] | None = None,
        max_connections: int = 200,
        ready_seconds: float = 120.0,
    ) -> None:
        """Nothing starts yet. `settings` are server parameters by name, such as ``{"fsync": "off"}``."""
        self._home = home
        self._settings = {**SETTINGS, "max_connections": str(max_connections), **(settings or {})}
        self._ready_seconds = ready_seconds
        self._data = home.path / "postgres"
        self._child: Child | None = None

    @property
    def url(self) -> str:
        """The URL of the database `qe` for SQLAlchemy and psycopg, the same whether the server runs or not."""
        return self.url_of(DATABASE)

    def url_of(self, database: str) -> str:
        """Return the URL of another database of this server."""
        return f"postgresql://{USER}@/{quote(database, safe='')}?host={quote(str(self._sockets))}"

    @property
    def pid(self) -> int | None:
        """The process id of the server, None before the first start."""
        return None if self._child is None else self._child.pid

    def poll(self) -> int | None:
        """Return None while the server runs, else its exit code; 0 when it was never started."""
        return 0 if self._child is None else self._child.poll()

    def start(self, is_cancelled: Callable[[], bool] = never) -> None:
        """Take the home's lock, make the data directory when missing, start, wait until connections are served.

        Nothing happens when it runs. `is_cancelled` is asked often. Raises EngineMissing, EngineFailed, HomeInUse,
        HomeUnusable, StartCancelled.
        """
        if self._child is not None and self._child.poll() is None:
            return
        self._home.acquire()
        try:
            self._start(binaries.postgres(), is_cancelled)
        except OSError as error:
            raise EngineFailed(Message("PostgreSQL cannot be started: {error}", error=error)) from error

    def stop(self) -> None:
        """Stop fast: what is under way is rolled back, what is committed is on the disk; waits for the end."""
        if self._child is not None:
            self._child.stop(*STOP_STEPS)

    def _start(self, tools: Path, is_cancelled: Callable[[], bool]) -> None:
        runs_as = self._account(tools)
        with contextlib.closing(Output(self._home.directory("log") / "postgres.log")) as output:
            self._initialise(tools, runs_as, output, is_cancelled)
            began = time.monotonic()
            while not self._try_start(tools, runs_as, output, is_cancelled):
                if time.monotonic() - began > HELD_SECONDS:
                    raise EngineFailed(Message("PostgreSQL did not start: {reason}", reason=output.reason("FATAL")))
                self._clear_stale(time.monotonic() - began)
                time.sleep(0.1)
        self._make_database()

    @property
    def _sockets(self) -> Path:
        return self._home.run_dir / "postgres"

    def _account(self, tools: Path) -> Account:
        self._sockets.mkdir(mode=0o700, exist_ok=True)
        if os.geteuid() != 0:
            return Account.own()
        uid, gid = account.unprivileged_ids(self._data)
        os.chown(self._sockets, uid, gid, follow_symlinks=False)
        places = (self._home.path, self._home.run_dir, self._sockets)
        return account.reaching(uid, gid, directories=places, program=tools / "postgres")

    def _spawn(self, argv: list[str], runs_as: Account, output: Output, death_signal: int) -> Child:
        return Child(argv, death_signal=death_signal, env=ENVIRONMENT, cwd=Path("/"), output=output.fd,
                     keep=(self._home.lock_fd,), account=runs_as)  # fmt: skip

    def _initialise(self, tools: Path, runs_as: Account, output: Output, is_cancelled: Callable[[], bool]) -> None:
        # made aside and renamed when whole: what an interrupted run left is never taken for a database
        if self._data.exists():
            return
        staging = self._home.path / "postgres.unfinished"
        if staging.exists():
            shutil.rmtree(staging)
        staging.mkdir(mode=0o700)
        if runs_as.is_switched:
            os.chown(staging, runs_as.uid, runs_as.gid, follow_symlinks=False)
        output.mark()
        sync_options = ["--no-sync"] if self._settings.get("fsync") == "off" else []
        argv = [str(tools / "initdb"), "-D", str(staging), *INITDB, *sync_options]
        child = self._spawn(argv, runs_as, output, signal.SIGKILL)
        try:
            wait_until_ready(child, never, name="initdb", seconds=INITDB_SECONDS, is_cancelled=is_cancelled)
        except EndedEarly:
            if child.poll() != 0:
                raise EngineFailed(
                    Message("initdb failed: {reason}", reason=output.reason("error:", "FATAL"))
                ) from None
        except EngineError:
            child.stop()
            raise
        staging.rename(self._data)
        _sync(self._home.path)

    def _try_start(self, tools: Path, runs_as: Account, output: Output, is_cancelled: Callable[[], bool]) -> bool:
        # False: another server seems to hold the data, which after a kill may pass
        output.mark()
        settings = [f"--{name}={value}" for name, value in self._settings.items()]
        argv = [str(tools / "postgres"), "-D", str(self._data), "-k", str(self._sockets), *settings]
        # an orphan stops immediately and recovers at the next start: a fast stop may wait for ever on a crashed child
        self._child = child = self._spawn(argv, runs_as, output, signal.SIGQUIT)
        try:
            wait_until_ready(
                child, self._ready, name="PostgreSQL", seconds=self._ready_seconds, is_cancelled=is_cancelled
            )
        except EndedEarly:
            if any(words in output.new() for words in STILL_HELD):
                return False
            raise EngineFailed(
                Message("PostgreSQL did not start: {reason}", reason=output.reason("FATAL", "PANIC"))
            ) from None
        except EngineError:
            self.stop()
            raise
        return True

    def _ready(self) -> bool:
        # the eighth line of the file is the server's own word on its state (miscadmin.h, LOCK_FILE_LINE_PM_STATUS)
        lines = _lines(self._data / "postmaster.pid")
        return len(lines) >= 8 and lines[0] == str(self.pid) and lines[7].strip() == "ready"

    def _clear_stale(self, seconds: float) -> None:
        # PostgreSQL takes any living process of that number for its predecessor, as after a restart of a container. We
        # hold the home's lock, so a process elsewhere is none; a zombie is nearly always gone within seconds
        for file in (self._data / "postmaster.pid", self._sockets / ".s.PGSQL.5432.lock"):
            lines = _lines(file)
            if not lines or not lines[0].isdigit():
                continue
            try:
                place = Path(f"/proc/{lines[0]}/cwd").readlink()
            except FileNotFoundError:
                if seconds < ZOMBIE_SECONDS:
                    continue
            except PermissionError:
                continue
            else:
                if place == self._data:
                    continue
            file.unlink(missing_ok=True)

    def _make_database(self) -> None:
        try:
            with psycopg.connect(self.url_of("postgres"), autocommit=True, connect_timeout=10) as connection:
                if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone() is None:
                    connection.execute(f"CREATE DATABASE {DATABASE}")
        except psycopg.Error as error:
            self.stop()
            raise EngineFailed(
                Message("PostgreSQL does not serve: {reason}", reason=str(error).splitlines()[0])
            ) from error


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text("utf-8", "replace").splitlines()
    except OSError:
        return []


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
