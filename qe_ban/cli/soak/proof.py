"""Holds what clients were told against what the database says: nothing lost, nothing twice, nothing else.

By plain SQL and not through the slices' own code, which is what is on trial.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from gettext import gettext as _
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from qe_ban.cli.soak.book import Book, Told
from qe_ban.message import Message

SHOWN: Final = 20
_SCANS = text("SELECT scanner_id, scan_id, accepted, reason FROM scans WHERE scanner_id = ANY (:scanners)")
_VENUES = text("SELECT name, count(*) FROM venues WHERE name = ANY (:names) GROUP BY name")
# each gives how many there are of what must not be
_NONE: Final[Mapping[Message, str]] = {
    Message("codes that counted once and were accepted twice"): """
        SELECT count(*) FROM (SELECT FROM scans WHERE scanner_id = ANY (:scanners) AND accepted
                              AND purpose IN ('settlement', 'meal-redemption')
                              GROUP BY cti HAVING count(*) > 1) twice""",
    Message("meals taken twice"): """
        SELECT count(*) FROM (SELECT FROM scans WHERE scanner_id = ANY (:scanners) AND accepted
                              AND purpose = 'meal-redemption' GROUP BY holder, detail HAVING count(*) > 1) twice""",
    Message("disclosures that the audit does not have"): """
        SELECT count(*) FROM scans s WHERE scanner_id = ANY (:scanners) AND accepted AND cardinality(fields) > 0
        AND s.id::text NOT IN (SELECT details ->> 'scan' FROM audit_events
                               WHERE action = 'codes.disclose' AND details ->> 'scan' IS NOT NULL)""",
    Message("uses without an accepted scan"): """
        SELECT count(*) FROM uses u WHERE scanner_id = ANY (:scanners) AND NOT EXISTS (
            SELECT FROM scans s WHERE s.scanner_id = u.scanner_id AND s.at = u.at AND s.accepted)""",
    Message(
        "messages that were not delivered"
    ): "SELECT count(*) FROM outbox WHERE created_at BETWEEN :since AND now()",
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


def held_against(session: Session, book: Book) -> Proof:
    """Compare. Everything has been answered, nobody asks any more, and every message had time to leave."""
    scanners = list({told.scanner for told in book.verdicts})
    kept: dict[tuple[UUID, UUID], tuple[bool, str]] = {}
    rows: Counter[tuple[UUID, UUID]] = Counter()
    for scanner, scan, accepted, reason in session.execute(_SCANS, {"scanners": scanners}):
        rows[scanner, scan] += 1
        kept[scanner, scan] = accepted, reason
    lost = [
        _("lost: {what}").format(what=_named(told)) for told in book.verdicts if (told.scanner, told.scan) not in kept
    ]
    wrong = [
        _("wrong: {what}, kept as {kept}").format(what=_named(told), kept=kept[told.scanner, told.scan])
        for told in book.verdicts
        if kept.get((told.scanner, told.scan), (told.accepted, told.reason)) != (told.accepted, told.reason)
    ]
    doubled = [
        *(
            _("doubled: scan {scan} is kept {count} times").format(scan=key[1], count=count)
            for key, count in rows.items()
            if count > 1
        ),
        *(_("doubled: {what} was new twice").format(what=_named(told)) for told in book.verdicts if told.firsts > 1),
        *_twice(book),
    ]
    lost += _venues(session, book, doubled)
    for what, statement in _NONE.items():
        count = session.execute(text(statement), {"scanners": scanners, "since": book.began}).scalar_one()
        if count:
            (doubled if "twice" in what else lost).append(f"{what.translated()}: {count}")
    wrong += [_("wrong: {what}").format(what=said) for said in book.wrong]
    return Proof(
        verdicts=len(book.verdicts),
        meals=len(book.meals),
        settled=sum(told.accepted for told in book.verdicts if told.purpose == "settlement"),
        venues=len(book.venues),
        lost=len(lost),
        doubled=len(doubled),
        wrong=len(wrong),
        findings=[*lost, *doubled, *wrong][:SHOWN],
    )


def _named(told: Told) -> str:
    return _("{purpose} scan {scan} ({reason})").format(purpose=told.purpose, scan=told.scan, reason=told.reason)


def _twice(book: Book) -> Iterator[str]:
    """Count what clients themselves saw accepted: each meal exactly once, each code that counts once at most once."""
    for meal, tries in book.meals.items():
        eaten = sum(told.accepted for told in tries)
        if eaten != 1:
            yield _("doubled: meal {meal} was given {eaten} times in {tries} tries").format(
                meal=meal, eaten=eaten, tries=len(tries)
            )
    accepted = Counter(told.subject for told in book.verdicts if told.accepted and told.subject is not None)
    yield from (
        _("doubled: one code was accepted {count} times").format(count=count)
        for count in accepted.values()
        if count > 1
    )


def _venues(session: Session, book: Book, doubled: list[str]) -> list[str]:
    """Find the venues that were promised and are not there; those that are there twice go to `doubled`."""
    counts: dict[str, int] = {row[0]: row[1] for row in session.execute(_VENUES, {"names": list(book.venues)})}
    doubled += [
        _("doubled: venue {name} is there {count} times").format(name=name, count=count)
        for name, count in counts.items()
        if count > 1
    ]
    return [
        _("lost: venue {name}").format(name=name)
        for name, told in book.venues.items()
        if told is not None and name not in counts
    ]
