"""The table of a soak: what was done, how the system bore it, how soon answers were good again."""

from collections.abc import Sequence
from dataclasses import dataclass
from gettext import gettext as _

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
            found.append(
                _("{name}: answers were not good again within {longest_recovery:.0f} s").format(
                    name=row.fault.name.translated(), longest_recovery=LONGEST_RECOVERY
                )
            )
        if row.slowest > LONGEST_ANSWER:
            found.append(
                _("{name}: an answer took {slowest:.1f} s").format(
                    name=row.fault.name.translated(), slowest=row.slowest
                )
            )
    return found


def show(console: Console, rows: Sequence[Row], book: Book, proof: Proof) -> None:
    """Print the table and what was counted."""
    columns = (
        _("fault"),
        _("held, s"),
        _("good while held"),
        _("good again, s"),
        "503",
        _("no answer"),
        _("slowest answer, s"),
    )
    table = Table(*columns, box=MARKDOWN)
    for row in rows:
        table.add_row(
            row.fault.name.translated(),
            f"{row.fault.seconds:.0f}" if row.fault.seconds else "-",
            _("{good} of {probes}").format(good=row.good, probes=row.probes),
            "-" if row.again is None else f"{row.again:.1f}",
            str(row.refused),
            str(row.unanswered),
            f"{row.slowest:.1f}",
        )
    console.print(table)
    told = sum(count for what, count in book.counts.items() if what.startswith("status"))
    console.print(
        _(
            "{told} answers; {verdicts} verdicts, {meals} meals, {settled} settlements, {venues} "
            "venues compared with the database"
        ).format(told=told, verdicts=proof.verdicts, meals=proof.meals, settled=proof.settled, venues=proof.venues)
    )
    console.print(
        _("lost {lost}, doubled {doubled}, wrong {wrong}").format(
            lost=proof.lost, doubled=proof.doubled, wrong=proof.wrong
        ),
        style="bold",
    )
    for finding in proof.findings:
        console.print(f"- {finding}", markup=False)
