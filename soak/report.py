"""The table of a soak: what was done, how the system bore it, how soon answers were good again."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from rich.box import MARKDOWN
from rich.console import Console
from rich.table import Table

from soak.faults import Fault
from soak.observations import Observations, ProbeResult
from soak.proof import Proof

ANSWER_LIMIT = 12.0
"""Seconds after which an answer, whatever it says, came too late."""
RECOVERY_LIMIT = 90.0
"""Seconds after which answers must be good again, also where a busy machine starts everything anew."""


@dataclass(frozen=True, slots=True)
class Window:
    """From a fault to the next one, in seconds of the monotonic clock; the fault ends at `recovery_began`."""

    fault: Fault
    began: float
    recovery_began: float
    ends: float

    def overlaps(self, began: float, ended: float) -> bool:
        """Return whether a request that began and ended then was under way in this time."""
        return self.began <= ended and began < self.ends


@dataclass(frozen=True, slots=True)
class Row:
    """How one fault was borne; `again`: seconds from its end to good answers, 0 where there always were some."""

    fault: Fault
    good: int
    probes: int
    again: float | None
    refused: int
    unanswered: int
    slowest: float


def row_of(observations: Observations, window: Window) -> Row:
    """Return the row of one fault."""
    probes = [probe for probe in observations.probes if window.overlaps(probe.began, probe.ended)]
    fault_ends = max(window.recovery_began, window.began + 1)
    during = [probe.good for probe in probes if probe.began < fault_ends]
    answers = [timing for timing in observations.answers if window.overlaps(timing.at, timing.at + timing.took)]
    statuses = Counter(timing.status for timing in answers)
    return Row(
        window.fault,
        good=sum(during),
        probes=len(during),
        again=_seconds_to_recover(probes, window),
        refused=statuses[503],
        unanswered=statuses[0],
        slowest=max((timing.took for timing in answers if timing.status), default=0.0),
    )


def _seconds_to_recover(probes: Sequence[ProbeResult], window: Window) -> float | None:
    """Return how long after the fault's end the first good probe after the last bad one ended; None for never."""
    last_bad = max((position for position, probe in enumerate(probes) if not probe.good), default=None)
    if last_bad is None:
        return 0.0
    after = probes[last_bad + 1 :]
    return max(0.0, after[0].ended - window.recovery_began) if after else None


def describe(row: Row) -> str:
    """Return one line about a fault that is over."""
    again = "never" if row.again is None else f"after {row.again:.1f} s"
    return f"{row.fault.name}: good answers again {again}, slowest answer {row.slowest:.1f} s"


def faults_of(rows: Sequence[Row]) -> list[str]:
    """Say which rows are not as they must be."""
    findings = []
    for row in rows:
        if row.again is None or row.again > RECOVERY_LIMIT:
            findings.append(f"{row.fault.name}: answers were not good again within {RECOVERY_LIMIT:.0f} s")
        if row.slowest > ANSWER_LIMIT:
            findings.append(f"{row.fault.name}: an answer took {row.slowest:.1f} s")
    return findings


def show(console: Console, rows: Sequence[Row], observations: Observations, proof: Proof) -> None:
    """Print the table and what was counted."""
    columns = (
        "fault",
        "held, s",
        "good while held",
        "good again, s",
        "503",
        "no answer",
        "slowest answer, s",
    )
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
    answers = sum(count for what, count in observations.counts.items() if what.startswith("status"))
    console.print(
        f"{answers} answers; {proof.verdicts} verdicts, {proof.meals} meals, {proof.settled} settlements, "
        f"{proof.venues} venues compared with the database"
    )
    console.print(
        f"lost {proof.lost}, doubled {proof.doubled}, wrong {proof.wrong}",
        style="bold",
    )
    for finding in proof.findings:
        console.print(f"- {finding}", markup=False)
