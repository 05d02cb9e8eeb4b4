"""Child processes that die with their parent, and whose leftovers are swept up when they end."""

import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from qe_ban.embedded import launch
from qe_ban.embedded.account import Account
from qe_ban.embedded.errors import EndedEarly, EngineFailed, StartCancelled
from qe_ban.message import Message

KILL_WAIT = 10.0
TICK = 0.02


def never() -> bool:
    """Not cancelled: for those who start something and will not change their mind."""
    return False


def die_with_parent(parent: int | None = None, death_signal: int = signal.SIGTERM) -> None:
    """Tie the calling Python process to its parent: `death_signal` comes when the parent ends, or has ended already.

    `parent` is the expected process id of the parent; by default that of the multiprocessing parent when there is one,
    else whoever is the parent now. Raises OSError when the kernel refuses.
    """
    if parent is None:
        started_by = multiprocessing.parent_process()
        parent = os.getppid() if started_by is None or started_by.pid is None else started_by.pid
    launch.tie(parent, death_signal)


class Child:
    """A started process, the leader of a process group of its own: a terminal's Ctrl-C reaches only the supervisor."""

    def __init__(
        self,
        argv: Sequence[str],
        *,
        death_signal: int = signal.SIGTERM,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        output: int | None = None,
        keep: Sequence[int] = (),
        account: Account | None = None,
    ) -> None:
        """Start `argv` (an absolute path first); it gets `death_signal` when this process ends, however it ends.

        `env` is the whole environment (None: ours), `output` the descriptor for its stdout and stderr (None: ours),
        `keep` descriptors that it inherits, `account` whom it runs as. Raises EngineFailed when it cannot be started
        and RuntimeError outside the main thread: children die with the thread that started them.
        """
        if threading.current_thread() is not threading.main_thread():
            raise RuntimeError("children are started by the main thread: they die with the thread that starts them")
        account = account or Account.own()
        try:
            self._popen = subprocess.Popen(  # noqa: S603  what runs is the caller's to say
                [*account.prefix, *tied(argv, death_signal)],
                env=None if env is None else dict(env),
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=keep,
                process_group=0,
                user=account.uid if account.popen_switches else None,
                group=account.gid if account.popen_switches else None,
                extra_groups=[] if account.popen_switches else None,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise EngineFailed(Message("{program} cannot be started: {error}", program=argv[0], error=error)) from error

    @property
    def pid(self) -> int:
        """Its process id, and that of its group."""
        return self._popen.pid

    def poll(self) -> int | None:
        """None while it runs, else its exit code (negative: the signal that ended it); its group is swept up then."""
        code = self._popen.poll()
        if code is not None:
            self._sweep()
        return code

    def wait(self, seconds: float) -> int | None:
        """Wait up to `seconds` for its end and give what `poll` gives."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._popen.wait(seconds)
        return self.poll()

    def send(self, number: int) -> None:
        """Send it a signal; nothing happens when it has ended."""
        self._popen.send_signal(number)

    def stop(self, *steps: tuple[int, float]) -> int:
        """End it by `steps` of a signal and the seconds to wait after it, by SIGKILL when none helped.

        Gives the exit code. Raises EngineFailed when not even SIGKILL ends it.
        """
        for number, seconds in (*steps, (signal.SIGKILL, KILL_WAIT)):
            if self.poll() is None:
                self.send(number)
            code = self.wait(seconds)
            if code is not None:
                return code
        raise EngineFailed(Message("process {pid} does not end, not even by SIGKILL", pid=self.pid))

    def _sweep(self) -> None:
        # a killed leader leaves its workers behind (granian's serve on); no permission: a later group of that number
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)


def wait_until_ready(
    child: Child, ready: Callable[[], bool], *, name: str, seconds: float, is_cancelled: Callable[[], bool]
) -> None:
    """Wait until `ready()`, asking often; the child runs on whatever is raised.

    Raises EndedEarly when the child ends, StartCancelled when `is_cancelled()`, EngineFailed after `seconds`.
    """
    deadline = time.monotonic() + seconds
    while not ready():
        code = child.wait(TICK)
        if code is not None:
            raise EndedEarly(Message("{name} ended with {code} before it was ready", name=name, code=code))
        if is_cancelled():
            raise StartCancelled(Message("start of {name} given up", name=name))
        if time.monotonic() > deadline:
            raise EngineFailed(Message("{name} was not ready after {seconds:.0f} s", name=name, seconds=seconds))


def tied(argv: Sequence[str], death_signal: int) -> list[str]:
    """Return the command that runs `argv` tied to the calling process; a direct child of it has to run it."""
    return [sys.executable, "-I", "-S", launch.__file__, str(int(death_signal)), str(os.getpid()), *argv]
