"""The Valkey of a home: in memory only, served on a Unix socket alone.

Nothing in it must survive a restart (docs/decisions.md, D-052), so nothing of it lies on a disk.
"""

import contextlib
import os
import shutil
import signal
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import quote

from qe_ban.embedded import binaries
from qe_ban.embedded.errors import EndedEarly, EngineError, EngineFailed
from qe_ban.embedded.home import Home
from qe_ban.embedded.output import Output
from qe_ban.embedded.process import Child, never, wait_until_ready
from qe_ban.message import Message

SETTINGS = {
    "port": "0",
    "unixsocketperm": "700",
    "dir": ".",
    "logfile": "",
    "loglevel": "warning",
    "daemonize": "no",
    "appendonly": "no",
    "save": "",
    # what has no end of life stays when memory is short
    "maxmemory-policy": "volatile-lru",
}
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C"}
# what the lines have in common by which it says why it ends, the quoted directive of a bad setting among them
TELLING = ("Can't", "Fatal", "Bad file format", "Unexpected", "Failed", ">>>")
STOP_STEPS = ((signal.SIGTERM, 20.0),)
LEFT_BEHIND = ("appendonlydir", "dump.rdb")
"""Files of releases up to 0.3.0, whose counters had names that could be guessed."""


class Valkey:
    """One server on a Unix socket; it runs as the user of this process."""

    name = "valkey"

    def __init__(
        self,
        home: Home,
        *,
        maxmemory: str = "256mb",
        settings: Mapping[str, str] | None = None,
        ready_seconds: float = 120.0,
    ) -> None:
        """Nothing starts yet. `maxmemory` in Valkey's units (``"0"``: no limit); `settings` are directives by name."""
        self._home = home
        self._settings = {**SETTINGS, "maxmemory": maxmemory, **(settings or {})}
        self._ready_seconds = ready_seconds
        self._child: Child | None = None

    @property
    def url(self) -> str:
        """The URL as redis-py takes it; it is the same whether the server runs or not."""
        return f"unix://{quote(str(self._socket))}?db=0"

    @property
    def pid(self) -> int | None:
        """The process id of the server, None before the first start."""
        return None if self._child is None else self._child.pid

    def poll(self) -> int | None:
        """Return None while the server runs, else its exit code; 0 when it was never started."""
        return 0 if self._child is None else self._child.poll()

    def start(self, is_cancelled: Callable[[], bool] = never) -> None:
        """Take the home's lock, start, wait until commands are served.

        Nothing happens when it runs. `is_cancelled` is asked often. Raises EngineMissing, EngineFailed, HomeInUse,
        HomeUnusable, StartCancelled.
        """
        if self._child is not None and self._child.poll() is None:
            return
        self._home.acquire()
        try:
            self._start(is_cancelled)
        except OSError as error:
            raise EngineFailed(Message("Valkey cannot be started: {error}", error=error)) from error

    def stop(self) -> None:
        """Stop, which loses all data, and wait for the end."""
        if self._child is not None:
            self._child.stop(*STOP_STEPS)

    def _start(self, is_cancelled: Callable[[], bool]) -> None:
        directives = [word for name, value in self._settings.items() for word in (f"--{name}", value)]
        directory = self._home.directory("valkey")
        if self._settings["appendonly"] == "no":
            _remove_old_files(directory)
        argv = [str(binaries.valkey()), *directives, "--unixsocket", str(self._socket)]
        with contextlib.closing(Output(self._home.directory("log") / "valkey.log")) as output:
            self._child = Child(argv, death_signal=signal.SIGTERM, env=ENVIRONMENT, cwd=directory,
                                output=output.fd, keep=(self._home.lock_fd,))  # fmt: skip
            try:
                wait_until_ready(
                    self._child, self._ready, name="Valkey", seconds=self._ready_seconds, is_cancelled=is_cancelled
                )
            except EndedEarly:
                raise EngineFailed(Message("Valkey did not start: {reason}", reason=output.reason(*TELLING))) from None
            except EngineError:
                self.stop()
                raise

    @property
    def _socket(self) -> Path:
        return self._home.run_dir / "valkey.sock"

    def _ready(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(1.0)
            try:
                probe.connect(str(self._socket))
                probe.sendall(b"PING\r\n")
                return probe.recv(64).startswith(b"+PONG")
            except OSError:
                return False


def _remove_old_files(directory: Path) -> None:
    """Remove what a Valkey of an earlier release wrote. Raises OSError."""
    for path in (directory / name for name in LEFT_BEHIND):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
