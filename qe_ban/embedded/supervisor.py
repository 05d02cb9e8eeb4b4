"""Keeps a tree of processes: started in order, restarted or mourned when one dies, stopped in reverse order."""

import logging
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from types import FrameType, TracebackType
from typing import Protocol, Self

from qe_ban.embedded.errors import EngineError, EngineFailed, StartCancelled
from qe_ban.embedded.process import Child, never, wait_until_ready
from qe_ban.message import Message

log = logging.getLogger(__name__)

TICK = 0.1
STEADY_SECONDS = 30.0
FIRST_PAUSE = 0.2
LONGEST_PAUSE = 5.0
MOST_FAILURES = 10
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class OnExit(Enum):
    """What the end of a child means."""

    RESTART = "restart"
    END = "end"  # everything ends, with its exit code


class Service(Protocol):
    """What is supervised: `Postgres`, `Valkey`, `Program`."""

    @property
    def name(self) -> str:
        """What it is called in messages."""

    @property
    def pid(self) -> int | None:
        """Its process id, None before the first start."""

    def start(self, is_cancelled: Callable[[], bool] = never) -> None:
        """Start and wait until ready; raises EngineError, also when `is_cancelled()`."""

    def poll(self) -> int | None:
        """Return None while it runs, else its exit code."""

    def stop(self) -> None:
        """Stop and wait for the end."""


@dataclass
class Program:
    """A command (an absolute path first); it has started once `ready` says so.

    `env` is its whole environment (None: ours). `stop_signal` ends it, also when the supervisor is killed outright.
    """

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] | None = None
    cwd: Path | None = None
    stop_signal: int = signal.SIGTERM
    stop_seconds: float = 15.0
    ready: Callable[[], bool] | None = None
    ready_seconds: float = 120.0
    _child: Child | None = field(default=None, init=False, repr=False)

    @property
    def pid(self) -> int | None:
        """The process id, None before the first start."""
        return None if self._child is None else self._child.pid

    def start(self, is_cancelled: Callable[[], bool] = never) -> None:
        """Start and wait until ready; raises EngineFailed, StartCancelled."""
        self._child = child = Child(self.argv, death_signal=self.stop_signal, env=self.env, cwd=self.cwd)
        if self.ready is None:
            return
        try:
            wait_until_ready(child, self.ready, name=self.name, seconds=self.ready_seconds, is_cancelled=is_cancelled)
        except EngineError:
            self.stop()
            raise

    def poll(self) -> int | None:
        """Return None while it runs, else its exit code; 0 when it was never started."""
        return 0 if self._child is None else self._child.poll()

    def stop(self) -> None:
        """Stop it and what it leaves in its process group, and wait for the end."""
        if self._child is not None:
            self._child.stop((self.stop_signal, self.stop_seconds))


@dataclass
class _SupervisedChild:
    service: Service
    on_exit: OnExit
    since: float
    failures: int = 0
    due: float | None = None  # when it is to be started again; None: it runs
    starting: bool = False


class Supervisor:
    """A context: inside it SIGTERM, SIGINT and SIGHUP ask for the end; on leaving, children stop in reverse order.

    Signals that come while it stops change nothing, so an impatient second Ctrl-C costs no data. Should this process be
    killed outright, the kernel ends the children (D-105). To be used in the main thread.
    """

    def __init__(self) -> None:
        """Nothing starts yet."""
        self._children: list[_SupervisedChild] = []
        self._exit_code: int | None = None
        self._before: dict[int, Callable[[int, FrameType | None], object] | int | None] = {}

    def __enter__(self) -> Self:
        for number in STOP_SIGNALS:
            if number == signal.SIGHUP and signal.getsignal(number) == signal.SIG_IGN:
                continue  # nohup(1): meant to outlive its terminal
            self._before[number] = signal.signal(number, self._asked_to_end)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.stop()
        finally:
            for number, handler in self._before.items():
                signal.signal(number, handler)

    @property
    def ending(self) -> bool:
        """Whether a signal or a child's end has asked for the end."""
        return self._exit_code is not None

    def start(self, service: Service, on_exit: OnExit = OnExit.RESTART) -> None:
        """Start a service, wait until it is ready, keep it running.

        Raises what its `start` raises; StartCancelled when the end is asked for.
        """
        if self.ending:
            raise StartCancelled(Message("start of {name} given up", name=service.name))
        child = _SupervisedChild(service, on_exit, since=time.monotonic())
        self._children.append(child)
        self._begin(child)

    def finish(
        self, service: Service, *, meanwhile: Callable[[], object] | None = None, every: float = STEADY_SECONDS
    ) -> int:
        """Run something that ends on its own, tending the other children meanwhile; return its exit code.

        `meanwhile` is called each so many seconds while it runs.

        Raises what its `start` raises; StartCancelled, once it was stopped, when the end is asked for.
        """
        if self.ending:
            raise StartCancelled(Message("start of {name} given up", name=service.name))
        service.start(lambda: self.ending)
        called_at = time.monotonic()

        def has_ended() -> bool:
            nonlocal called_at
            if service.poll() is not None:
                return True
            if meanwhile is not None and time.monotonic() - called_at >= every:
                meanwhile()
                called_at = time.monotonic()
            return False

        try:
            if not self.wait_until(has_ended, None):
                raise StartCancelled(Message("{name} given up", name=service.name))
            return service.poll() or 0
        finally:
            service.stop()

    def run(self) -> int:
        """Keep everything running until the end is asked for, stop everything, return the exit code.

        0 after a signal; else that of the child whose end was everybody's (128 + n when signal n ended it), or 1 when
        one could not be kept running.
        """
        self.wait_until(never, None)
        self.stop()
        return self._exit_code or 0

    def wait_until(self, condition: Callable[[], bool], seconds: float | None) -> bool:
        """Keep everything running until `condition()` (True), or until `seconds` or the end is asked for (False)."""
        deadline = None if seconds is None else time.monotonic() + seconds
        while not self.ending and (deadline is None or time.monotonic() < deadline):
            for child in self._children:
                self._tend(child)
            if condition():
                return True
            time.sleep(TICK)
        return False

    def stop(self) -> None:
        """Stop all children, the last one first."""
        if self._exit_code is None:
            self._exit_code = 0
        while self._children:
            child = self._children.pop()
            try:
                child.service.stop()
            except EngineFailed as error:
                log.error("%s", error)  # noqa: TRY400  one line says it
                self._exit_code = self._exit_code or 1

    def _asked_to_end(self, _number: int, _frame: FrameType | None) -> None:
        if self._exit_code is None:
            self._exit_code = 0

    def _tend(self, child: _SupervisedChild) -> None:
        now = time.monotonic()
        if self.ending or child.starting:
            return
        if child.due is not None:
            if now >= child.due:
                self._restart(child)
            return
        code = child.service.poll()
        if code is None:
            return
        if child.on_exit is OnExit.END:
            log.info("%s ended with %d", child.service.name, code)
            self._exit_code = code if code >= 0 else 128 - code
            return
        if now - child.since > STEADY_SECONDS:
            child.failures = 0
        self._restart_later(child, f"ended with {code}")

    def _restart(self, child: _SupervisedChild) -> None:
        try:
            self._begin(child)
        except StartCancelled:
            return
        except EngineError as error:
            self._restart_later(child, str(error))
        else:
            child.due = None
            log.warning("%s runs again", child.service.name)

    def _begin(self, child: _SupervisedChild) -> None:
        """Start it and wait until it is ready, tending the others meanwhile: it may need one that has just died."""

        def is_cancelled() -> bool:
            for other in self._children:
                self._tend(other)
            return self.ending

        child.starting = True
        try:
            child.service.start(is_cancelled)
            child.since = time.monotonic()
        finally:
            child.starting = False

    def _restart_later(self, child: _SupervisedChild, why: str) -> None:
        child.failures += 1
        if child.failures > MOST_FAILURES:
            log.error("%s cannot be kept running: %s", child.service.name, why)
            self._exit_code = 1
            return
        pause = min(FIRST_PAUSE * 2 ** (child.failures - 1), LONGEST_PAUSE)
        log.warning("%s: %s; starting it again in %.1f s", child.service.name, why, pause)
        child.due = time.monotonic() + pause
