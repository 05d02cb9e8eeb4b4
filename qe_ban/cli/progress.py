"""How far a job is, for who waits at a shell: a bar on a terminal, a line now and then elsewhere."""

import sys
from types import TracebackType
from typing import Final, Self

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from qe_ban.jobs import service as jobs
from qe_ban.message import Message, translate

_READING: Final = Message("reading the file")
_WAITING: Final = Message("waiting for another import to end")
PHASES: Final = {
    "": _READING,
    "checking": Message("checking the rows"),
    "comparing": Message("comparing with the items that are there"),
    "applying": Message("writing items"),
    "ending": Message("ending the items that are missing"),
}
_IF_ANY: Final = frozenset({"ending"})
"""The phases that most imports pass through with nothing to do."""
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
            self._task = self._bar.add_task(_READING.translation(), total=None)
        self._last_line: tuple[str, int] = ("", -1)
        self._has_looked = False

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
        phase = self._phase(view)
        if not phase:
            return
        if self._bar is not None:
            self._bar.update(self._task, description=phase, completed=view.done, total=view.total or None)
            return
        tenth = view.done * _TENTHS // view.total if view.total else 0
        if (phase, tenth) != self._last_line:
            self._last_line = (phase, tenth)
            click.echo(f"{phase} {view.done}/{view.total}" if view.total else phase, err=True)

    def _phase(self, view: jobs.JobView) -> str:
        """Return what is being done, in words; nothing of a phase that is over at once."""
        has_looked, self._has_looked = self._has_looked, True
        if view.state is jobs.JobState.QUEUED:
            # it is queued until it is claimed: only who looks a second time waits for another
            return (_WAITING if has_looked else _READING).translation()
        if view.phase in _IF_ANY and not view.total:
            return ""
        return str(translate(PHASES.get(view.phase, "")))
