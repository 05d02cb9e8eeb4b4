"""The table of a soak: what was done, how the system bore it, how soon answers were good again."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.box import MARKDOWN
from rich.console import Console
from rich.table import Table

from qe_ban.cli.soak.book import Book
from qe_ban.cli.soak.faults import Fault
from qe_ban.cli.soak.proof import Proof

LONGEST_ANSWER = 12.0
"""Seconds after which an answer, whatever it says, came too late."""
LONGEST_RECOVERY = 90.0
"""Seconds after which answers must be good again, also where a busy machine starts everything anew."""


@dataclass(frozen=True, slots=True)
class Window:
    """From a fault to the next one, in seconds of the monotonic clock; undone at `undone`."""

    fault: Fault
    done: float
    undone: float
    ends: float


@dataclass(frozen=True, slots=True)
class Row:
    """How one fault was borne; `again`: seconds from its undoing to good answers, 0 where there always were some."""

    fault: Fault
    good: int
    probes: int
    again: float | None
    refused: int
    unanswered: int
    slowest: float


def row_of(book: Book, window: Window) -> Row:
    """Give the row of one fault."""
    probes = [probe for probe in book.probes if window.done <= probe.ended and probe.began < window.ends]
    bad = [at for at, probe in enumerate(probes) if not probe.good]
    again: float | None = 0.0
    if bad:
        after = probes[bad[-1] + 1 :]
        again = max(0.0, after[0].ended - window.undone) if after else None
    held = [probe for probe in probes if probe.began < max(window.undone, window.done + 1)]
    answers = [one for one in book.answers if window.done <= one.at + one.took and one.at < window.ends]
    return Row(
        window.fault,
        good=sum(probe.good for probe in held),
        probes=len(held),
        again=again,
        refused=sum(one.status == 503 for one in answers),
        unanswered=sum(one.status == 0 for one in answers),
        slowest=max((one.took for one in answers if one.status), default=0.0),
    )


def faults_of(rows: Sequence[Row]) -> list[str]:
    """Say which rows are not as they must be."""
    found = []
    for row in rows:
        if row.again is None or row.again > LONGEST_RECOVERY:
            found.append(f"{row.fault.name}: answers were not good again within {LONGEST_RECOVERY:.0f} s")
        if row.slowest > LONGEST_ANSWER:
            found.append(f"{row.fault.name}: an answer took {row.slowest:.1f} s")
    return found


def show(console: Console, rows: Sequence[Row], book: Book, proof: Proof) -> None:
    """Print the table and what was counted."""
    columns = ("fault", "held, s", "good while held", "good again, s", "503", "no answer", "slowest answer, s")
    table = Table(*columns, box=MARKDOWN)
    for row in rows:
        table.add_row(
            row.fault.name,
            f"{row.fault.seconds:.0f}" if row.fault.seconds else "-",
            f"{row.good} of {row.probes}",
            "-" if row.again is None else f"{row.again:.1f}",
            str(row.refused),
            str(row.unanswered),
            f"{row.slowest:.1f}",
        )
    console.print(table)
    told = sum(count for what, count in book.counts.items() if what.startswith("status"))
    console.print(
        f"{told} answers; {proof.verdicts} verdicts, {proof.meals} meals, {proof.settled} settlements, "
        f"{proof.venues} venues compared with the database"
    )
    console.print(f"lost {proof.lost}, doubled {proof.doubled}, wrong {proof.wrong}", style="bold")
    for finding in proof.findings:
        console.print(f"- {finding}", markup=False)
