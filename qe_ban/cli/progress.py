"""How far a job is, for who waits at a shell: a bar on a terminal, a line now and then elsewhere."""

import sys
from types import TracebackType
from typing import Final, Self

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from qe_ban.jobs import service as jobs

PHASES: Final = {"checking": "读取核对", "comparing": "比对", "applying": "写入", "ending": "终止缺失的事项"}
_WAITING = "等待"
_TENTHS = 10


class Progress:
    """Shows a job's steps on standard error."""

    def __init__(self) -> None:
        self._bar: Bar | None = None
        if sys.stderr.isatty():
            self._bar = Bar(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                console=Console(stderr=True),
            )
            self._task = self._bar.add_task(_WAITING, total=None)
        self._told: tuple[str, int] = ("", -1)

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def show(self, view: jobs.JobView) -> None:
        """Show a step: the phase, and how much of it is done."""
        waiting = view.state is jobs.JobState.QUEUED
        phase = _WAITING if waiting else PHASES.get(view.phase, "")
        if not phase:
            return
        if self._bar is not None:
            self._bar.update(self._task, description=phase, completed=view.done, total=view.total or None)
            return
        tenth = view.done * _TENTHS // view.total if view.total else 0
        if (phase, tenth) != self._told:
            self._told = (phase, tenth)
            click.echo(f"{phase} {view.done}/{view.total}" if view.total else phase, err=True)
