"""How far an import is: its phases in their order, and what it carries from step to step."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from sqlalchemy.orm import Session

from qe_ban.items.rules.merging import Columns, Wrong
from qe_ban.jobs import service as jobs
from qe_ban.kernel.city import City
from qe_ban.kernel.clock import Clock

KIND: Final = "items.import"
_KEPT: Final = ("tables", "unreadable", "leaving")
STEP: Final = 500
"""Rows or items of one step: half a second of work that nobody need wait for longer."""


@dataclass(frozen=True, slots=True)
class Importer:
    """What imports work with, beside the job's own database."""

    city: City
    clock: Clock


class Phase(StrEnum):
    """The phases of an import, in their order; people see the first two, and those that write."""

    CHECKING = "checking"
    COMPARING = "comparing"
    DECIDING = "deciding"
    APPLYING = "applying"
    ENDING = "ending"
    FINISHING = "finishing"
    OVER = "over"


def of(work: jobs.JobContext) -> Phase:
    """Give the phase that an import is in."""
    return Phase(work.cursor.get("phase", Phase.CHECKING))


def enter(
    session: Session, work: jobs.JobContext, phase: Phase, *, total: int = 0, result: Mapping[str, Any] | None = None
) -> None:
    """Go on to a phase, within a step: from its beginning."""
    cursor = {name: value for name, value in work.cursor.items() if name in _KEPT}
    work.save(
        session, phase=phase, progress=0, total=total, cursor=cursor | {"phase": phase, "after": ""}, result=result
    )


def after(
    session: Session, work: jobs.JobContext, code: str, *, done: int, result: Mapping[str, Any] | None = None
) -> None:
    """Note, within a step, that all items up to a code are done with."""
    work.save(session, progress=work.done + done, cursor={**work.cursor, "after": code}, result=result)


def columns(work: jobs.JobContext) -> Columns:
    """Give the columns that each table of the file has."""
    return {name: frozenset(table["columns"]) for name, table in work.cursor["tables"].items()}


def counted(work: jobs.JobContext, more: Mapping[str, int]) -> dict[str, int]:
    """Give the result's counts with what a step adds."""
    return {name: work.result.get(name, 0) + number for name, number in more.items()}


def errors(work: jobs.JobContext) -> int:
    """Give how many errors were found until now."""
    return int(work.result.get("faults", {}).get("error", 0))


def report(session: Session, work: jobs.JobContext, wrongs: Sequence[Wrong]) -> None:
    """Keep what is wrong with items, each at its place in the file."""
    sheets = {name: table["sheet"] for name, table in work.cursor["tables"].items()}
    work.fault(
        session,
        [
            jobs.Fault(
                jobs.Severity(wrong.severity),
                wrong.message,
                sheet=sheets.get(wrong.spot.table),
                row=wrong.spot.row,
                column=wrong.spot.column,
            )
            for wrong in wrongs
        ],
    )
