"""The home of an instance: its state directory, the lock on it and a runtime directory short enough for sockets."""

import contextlib
import fcntl
import hashlib
import logging
import os
import re
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from qe_ban.embedded.errors import HomeInUse, HomeUnusable
from qe_ban.message import Message

log = logging.getLogger(__name__)

LOCK = "home.lock"
SOCKET_PATH_LIMIT = 107  # bytes, sun_path less its NUL (unix(7))
LONGEST_SOCKET = len("/postgres/.s.PGSQL.5432")
# libpq takes a comma for a list of hosts and PostgreSQL for a list of directories
PLAIN_PATH = re.compile(r"[A-Za-z0-9/._-]+")
READ_OR_WRITE_BY_OTHERS = 0o066


class Home:
    """A state directory of one instance, 0700; several objects may stand for the same one, the lock is one."""

    def __init__(self, path: Path | str) -> None:
        """Create the directory (0700) when it is missing; raises HomeUnusable when it cannot be a home.

        An existing one has to be ours (root may use anybody's), and closed to others or empty or a home: those are
        closed then.
        """
        self.path = Path(os.path.realpath(path))
        self._lock_fd: int | None = None
        self._run_dir: Path | None = None
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._close_to_others()
        except OSError as error:
            raise HomeUnusable(
                Message(
                    "home {path} cannot be used: {strerror}", path=self.path, strerror=Message(error.strerror or "")
                )
            ) from error

    @property
    def run_dir(self) -> Path:
        """A private directory for sockets: `run` in the home, or one of the temp directory when that path is too long.

        Which one is the same for every process. Raises HomeUnusable when something else has its name.
        """
        if self._run_dir is None:
            inside = self.path / "run"
            self._run_dir = inside if _fits(inside) else _short_directory(self.path)
            owners = {os.geteuid(), self.path.stat().st_uid} if self._run_dir == inside else {os.geteuid()}
            _make_private(self._run_dir, owners)
        return self._run_dir

    @property
    def lock_fd(self) -> int:
        """The descriptor that holds the lock. Engines inherit it: a home is in use while any of its engines lives."""
        if self._lock_fd is None:
            raise RuntimeError(f"home {self.path} is not locked")
        return self._lock_fd

    def directory(self, name: str) -> Path:
        """Return the subdirectory `name`, made with 0700 when missing; raises HomeUnusable."""
        path = self.path / name
        try:
            path.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise HomeUnusable(
                Message("{made} cannot be made: {strerror}", made=path, strerror=Message(error.strerror or ""))
            ) from error
        return path

    def acquire(self, patience: float = 60.0) -> None:
        """Take the exclusive lock; it is freed by `release` or by the end of this process and of all its engines.

        Nothing happens when this object holds it. Raises HomeInUse immediately when a living process holds it, after
        `patience` seconds when the engines of a killed one do not end; HomeUnusable when there can be no lock.
        """
        if self._lock_fd is not None:
            return
        try:
            descriptor = os.open(self.path / LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise HomeUnusable(
                Message(
                    "home {path} cannot be locked: {strerror}", path=self.path, strerror=Message(error.strerror or "")
                )
            ) from error
        try:
            self._wait_for(descriptor, time.monotonic() + patience)
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()} {_start_time(os.getpid())}\n".encode(), 0)
        except BaseException:
            os.close(descriptor)
            raise
        self._lock_fd = descriptor

    def release(self) -> None:
        """Release the lock; it stays taken as long as an engine of this home runs."""
        if self._lock_fd is not None:
            os.close(self._lock_fd)
            self._lock_fd = None

    @contextlib.contextmanager
    def lock(self) -> Iterator["Home"]:
        """Hold the lock for the time of the block; raises as `acquire`."""
        self.acquire()
        try:
            yield self
        finally:
            self.release()

    def _wait_for(self, descriptor: int, deadline: float) -> None:
        has_warned = False
        while not _try_lock(descriptor):
            holder, _, start_time = os.pread(descriptor, 100, 0).decode("ascii", "replace").partition(" ")
            if holder.isdigit() and _start_time(int(holder)) == start_time.strip():
                raise HomeInUse(Message("home {path} is in use by process {holder}", path=self.path, holder=holder))
            if time.monotonic() > deadline:
                raise HomeInUse(
                    Message(
                        "home {path} is in use by engines that process {holder} left behind",
                        path=self.path,
                        holder=holder,
                    )
                )
            if not has_warned and holder:
                log.warning("home %s: waiting for the end of engines that process %s left behind", self.path, holder)
                has_warned = True
            time.sleep(0.05)

    def _close_to_others(self) -> None:
        status = self.path.stat()
        if os.geteuid() not in (0, status.st_uid):
            raise HomeUnusable(
                Message("home {path} belongs to another user ({st_uid})", path=self.path, st_uid=status.st_uid)
            )
        if not status.st_mode & READ_OR_WRITE_BY_OTHERS:
            return
        # closing a directory that is somebody's by mistake (say /tmp) would do harm
        if any(self.path.iterdir()) and not (self.path / LOCK).is_file():
            raise HomeUnusable(
                Message(
                    "{path} is open to others and not empty, and no home: choose another or chmod 700 it",
                    path=self.path,
                )
            )
        self.path.chmod(0o700)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _start_time(pid: int) -> str:
    # ticks since boot (proc(5), field 22) tell a process from a later one of the same number; "" when it has ended
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else fields[19]


def _fits(directory: Path) -> bool:
    plain = PLAIN_PATH.fullmatch(str(directory)) is not None
    return plain and len(str(directory)) + LONGEST_SOCKET <= SOCKET_PATH_LIMIT


def _short_directory(home: Path) -> Path:
    name = f"qe-ban-{os.geteuid()}-{hashlib.sha256(os.fsencode(home)).hexdigest()[:16]}"
    path = Path(os.path.realpath(tempfile.gettempdir())) / name
    return path if _fits(path) else Path("/tmp") / name  # noqa: S108  the name is checked, not trusted


def _make_private(directory: Path, owners: set[int]) -> None:
    try:
        with contextlib.suppress(FileExistsError):
            directory.mkdir(mode=0o700)
        status = directory.lstat()
    except OSError as error:
        raise HomeUnusable(
            Message(
                "{directory} cannot be made: {strerror}", directory=directory, strerror=Message(error.strerror or "")
            )
        ) from error
    private = stat.S_ISDIR(status.st_mode) and not status.st_mode & READ_OR_WRITE_BY_OTHERS
    if not private or status.st_uid not in owners:
        raise HomeUnusable(Message("{directory} is not a private directory of ours: remove it", directory=directory))
