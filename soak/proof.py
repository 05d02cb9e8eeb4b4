"""Compares what clients were told with what the database says: nothing lost, nothing twice, nothing else.

By plain SQL and not through the slices' own code, which is what is on trial.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from soak.observations import Observations, Verdict

SHOWN: Final = 20
_SCANS = text("SELECT scanner_id, scan_id, accepted, reason FROM scans WHERE scanner_id = ANY (:scanners)")
_VENUES = text("SELECT name, count(*) FROM venues WHERE name = ANY (:names) GROUP BY name")
# each gives how many there are of what must not be
_NONE: Final[Mapping[str, str]] = {
    "codes that counted once and were accepted twice": """
        SELECT count(*) FROM (SELECT FROM scans WHERE scanner_id = ANY (:scanners) AND accepted
                              AND purpose IN ('settlement', 'meal-redemption')
                              GROUP BY cti HAVING count(*) > 1) twice""",
    "meals taken twice": """
        SELECT count(*) FROM (SELECT FROM scans WHERE scanner_id = ANY (:scanners) AND accepted
                              AND purpose = 'meal-redemption' GROUP BY holder, detail HAVING count(*) > 1) twice""",
    "disclosures that the audit does not have": """
        SELECT count(*) FROM scans s WHERE scanner_id = ANY (:scanners) AND accepted AND cardinality(fields) > 0
        AND s.id::text NOT IN (SELECT details ->> 'scan' FROM audit_events
                               WHERE action = 'codes.disclose' AND details ->> 'scan' IS NOT NULL)""",
    "uses without an accepted scan": """
        SELECT count(*) FROM uses u WHERE scanner_id = ANY (:scanners) AND NOT EXISTS (
            SELECT FROM scans s WHERE s.scanner_id = u.scanner_id AND s.at = u.at AND s.accepted)""",
    "messages that were not delivered": "SELECT count(*) FROM outbox WHERE created_at BETWEEN :since AND now()",
}


@dataclass(frozen=True, slots=True)
class Proof:
    """How many of each were compared, and in words what is wrong."""

    verdicts: int
    meals: int
    settled: int
    venues: int
    lost: int
    doubled: int
    wrong: int
    findings: list[str]


def compare(session: Session, observations: Observations) -> Proof:
    """Compare. Everything has been answered, nobody asks any more, and every message had time to leave."""
    scanners = list({verdict.scanner for verdict in observations.verdicts})
    rows = [_Row(*row) for row in session.execute(_SCANS, {"scanners": scanners})]
    lost, wrong = _verdicts_not_as_kept(observations, rows)
    doubled = [*_scans_twice(observations, rows), *_accepted_twice(observations)]
    lost += _venues(session, observations, doubled)
    for what, statement in _NONE.items():
        count = session.execute(text(statement), {"scanners": scanners, "since": observations.began}).scalar_one()
        if count:
            (doubled if "twice" in what else lost).append(f"{what}: {count}")
    wrong += [f"wrong: {problem}" for problem in observations.wrong]
    return Proof(
        verdicts=len(observations.verdicts),
        meals=len(observations.meals),
        settled=sum(verdict.accepted for verdict in observations.verdicts if verdict.purpose == "settlement"),
        venues=len(observations.venues),
        lost=len(lost),
        doubled=len(doubled),
        wrong=len(wrong),
        findings=[*lost, *doubled, *wrong][:SHOWN],
    )


class _Row(NamedTuple):
    scanner: UUID
    scan: UUID
    accepted: bool
    reason: str


def _verdicts_not_as_kept(observations: Observations, rows: list[_Row]) -> tuple[list[str], list[str]]:
    """Return the verdicts of which no row is kept, and those whose row says something else."""
    kept = {(row.scanner, row.scan): (row.accepted, row.reason) for row in rows}
    lost, wrong = [], []
    for verdict in observations.verdicts:
        row = kept.get((verdict.scanner, verdict.scan))
        if row is None:
            lost.append(f"lost: {_describe(verdict)}")
        elif row != (verdict.accepted, verdict.reason):
            wrong.append(f"wrong: {_describe(verdict)}, kept as {row}")
    return lost, wrong


def _scans_twice(observations: Observations, rows: list[_Row]) -> Iterator[str]:
    counts = Counter((row.scanner, row.scan) for row in rows)
    yield from (f"doubled: scan {scan} is kept {count} times" for (_, scan), count in counts.items() if count > 1)
    yield from (
        f"doubled: {_describe(verdict)} was new twice" for verdict in observations.verdicts if verdict.firsts > 1
    )


def _describe(verdict: Verdict) -> str:
    return f"{verdict.purpose} scan {verdict.scan} ({verdict.reason})"


def _accepted_twice(observations: Observations) -> Iterator[str]:
    """Count what clients themselves saw accepted: each meal exactly once, each code that counts once at most once."""
    for meal, tries in observations.meals.items():
        eaten = sum(verdict.accepted for verdict in tries)
        if eaten != 1:
            yield f"doubled: meal {meal} was given {eaten} times in {len(tries)} tries"
    accepted = Counter(
        verdict.subject for verdict in observations.verdicts if verdict.accepted and verdict.subject is not None
    )
    yield from (f"doubled: one code was accepted {count} times" for count in accepted.values() if count > 1)


def _venues(session: Session, observations: Observations, doubled: list[str]) -> list[str]:
    """Find the venues that were promised and are not there; those that are there twice go to `doubled`."""
    counts: dict[str, int] = {row[0]: row[1] for row in session.execute(_VENUES, {"names": list(observations.venues)})}
    doubled += [f"doubled: venue {name} is there {count} times" for name, count in counts.items() if count > 1]
    return [
        f"lost: venue {name}"
        for name, venue_id in observations.venues.items()
        if venue_id is not None and name not in counts
    ]
