"""Detectors of anomalies in scans and disputes, run by the worker and never during a verification."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import exc
from sqlalchemy.orm import Session

from qe_ban.audit import service as audit
from qe_ban.codes.queries import detection as queries
from qe_ban.codes.queries.detection import Hour, WrongDocument
from qe_ban.codes.rules import anomalies as rules
from qe_ban.codes.rules.scan_facts import DOCUMENT_TRIES
from qe_ban.codes.service import over_month
from qe_ban.db.engine import DatabaseUnavailable
from qe_ban.kernel.city import Travel
from qe_ban.kernel.clock import CITY_TIME
from qe_ban.keys.rings import KeyRings

EVERYWHERE = "city"
WRONG_DOCUMENT = b"document-mismatch\0"
DISPUTES = timedelta(days=400)


def learn_habits(session: Session, now: datetime) -> None:
    """Learn what is usual at each scanner from the hour that ends now; to be called each hour."""
    first, today = _days(now)
    since = now - rules.HOUR
    kinds = (audit.AlarmKind.SCANNER_VOLUME, audit.AlarmKind.SCANNER_PURPOSES)
    strange = [UUID(subject) for subject in audit.subjects_since(session, kinds, since) if subject != EVERYWHERE]
    queries.learn(session, since=since, until=now, day=today, first=first, strange=strange)


def detectors(rings: KeyRings, travel: Travel | None = None) -> Sequence[audit.Watch]:
    """Return the detectors; those of one hour share one reading of it. `travel`: the city's, or the usual one."""
    hours, look = _Hours(), audit.one_by_one(partial(_travel, rings, travel or Travel()))
    return (
        audit.Watch(audit.AlarmKind.SCANNER_VOLUME, rules.HOUR, hours.volume, _is_too_much),
        audit.Watch(audit.AlarmKind.SCANNER_PURPOSES, rules.HOUR, hours.purposes, _are_strange),
        audit.Watch(audit.AlarmKind.REFERENCE_UNKNOWN, rules.HOUR, hours.strays, lambda _: True),
        audit.Watch(audit.AlarmKind.FORGED_CODES, rules.HOUR, hours.forgeries, _are_many_forged),
        audit.Watch(
            audit.AlarmKind.GUESSING, rules.HOUR, hours.misses, lambda tally: tally.count >= rules.MISSES_FLOOR
        ),
        audit.Watch(audit.AlarmKind.GUESSING, rules.HOUR, audit.one_by_one(_documents), _are_many_documents),
        audit.Watch(audit.AlarmKind.IMPLAUSIBLE_TRAVEL, rules.TRAVEL_WINDOW, look, lambda _: True),
        audit.Watch(audit.AlarmKind.DISPUTE_OVERDUE, DISPUTES, audit.one_by_one(_overdue), lambda _: True),
    )


class _Hours:
    """The scans of a window by scanner, read once for all that look at them; what could not be read is not tried again.

    And once for all scanners of which only what came later counts.
    """

    def __init__(self) -> None:
        self._read: tuple[tuple[datetime, datetime], list[Hour] | DatabaseUnavailable] | None = None

    def volume(
        self, session: Session, since: datetime, until: datetime, after: audit.After | None
    ) -> Iterator[audit.Tally]:
        for hour in self._hours(session, since, until, after):
            # of the day once an alarm: afterwards the hours speak
            today = hour.today if after is None else 0
            facts = {"scans": hour.scans, "usual": hour.usual, "days": hour.days, "today": today}
            yield audit.Tally(str(hour.scanner), hour.scans, hour.at, facts)

    def purposes(
        self, session: Session, since: datetime, until: datetime, after: audit.After | None
    ) -> Iterator[audit.Tally]:
        for hour in self._hours(session, since, until, after):
            refused = hour.counts["refused"]
            new = hour.new if hour.days >= rules.KNOWN_DAYS else 0
            moments = [hour.newest["refused"], hour.new_at if new else None]
            newest = max((at for at in moments if at is not None), default=None)
            if newest is not None:
                facts = {"scans": hour.scans, "refused": refused, "new": new}
                yield audit.Tally(str(hour.scanner), refused + new, newest, facts)

    def strays(
        self, session: Session, since: datetime, until: datetime, after: audit.After | None
    ) -> Iterator[audit.Tally]:
        return self._of("stray", self._hours(session, since, until, after))

    def misses(
        self, session: Session, since: datetime, until: datetime, after: audit.After | None
    ) -> Iterator[audit.Tally]:
        return self._of("missed", self._hours(session, since, until, after))

    def forgeries(
        self, session: Session, since: datetime, until: datetime, after: audit.After | None
    ) -> Iterator[audit.Tally]:
        scanners = after if after is None else {name: at for name, at in after.items() if name != EVERYWHERE}
        tallies = list(self._of("forged", self._hours(session, since, until, scanners)))
        yield from tallies
        if after is not None:
            if EVERYWHERE not in after:
                return
            first, today = _days(until)
            later = queries.hours(session, since=after[EVERYWHERE], until=until, first=first, today=today)
            tallies = list(self._of("forged", later))
        if tallies:
            facts = {"codes": sum(one.count for one in tallies), "scanners": len(tallies)}
            yield audit.Tally(EVERYWHERE, facts["codes"], max(one.at for one in tallies), facts)

    @staticmethod
    def _of(sort: str, hours: Iterable[Hour]) -> Iterator[audit.Tally]:
        for hour in hours:
            at = hour.newest[sort]
            if at is not None:
                yield audit.Tally(str(hour.scanner), hour.counts[sort], at, {"codes": hour.counts[sort]})

    def _hours(self, session: Session, since: datetime, until: datetime, after: audit.After | None) -> list[Hour]:
        first, today = _days(until)
        if after is not None:
            starts = {UUID(subject): moment for subject, moment in after.items()}
            if not starts:
                return []
            return queries.hours(session, since=since, until=until, first=first, today=today, after=starts)
        if self._read is None or self._read[0] != (since, until):
            self._read = (since, until), self._all(session, since, until)
        hours = self._read[1]
        if isinstance(hours, DatabaseUnavailable):
            raise hours
        return hours

    @staticmethod
    def _all(session: Session, since: datetime, until: datetime) -> list[Hour] | DatabaseUnavailable:
        first, today = _days(until)
        try:
            return queries.hours(session, since=since, until=until, first=first, today=today)
        except exc.OperationalError:
            return DatabaseUnavailable()


def _is_too_much(tally: audit.Tally) -> bool:
    return rules.is_too_much(rules.Volume(**tally.facts))


def _are_strange(tally: audit.Tally) -> bool:
    return rules.are_strange(rules.Purposes(**tally.facts))


def _are_many_forged(tally: audit.Tally) -> bool:
    scanners = tally.facts.get("scanners")
    return tally.count >= rules.FORGED_AT_ONE if scanners is None else scanners >= rules.FORGED_SCANNERS


def _documents(session: Session, since: datetime, until: datetime, subject: str | None) -> Iterator[audit.Tally]:
    documents = queries.wrong_documents(session, what=WRONG_DOCUMENT, since=since, until=until)
    sides: tuple[Callable[[WrongDocument], str | None], ...] = (
        lambda one: one.holder.hex() if one.holder is not None else None,
        lambda one: f"{one.scanner}/documents",
    )
    for side, sort in zip(sides, ("code", "scanner"), strict=True):
        by: dict[str, list[WrongDocument]] = {}
        for one in documents:
            name = side(one)
            if name is not None and subject in (None, name):
                by.setdefault(name, []).append(one)
        for name, wrong in by.items():
            facts = {"of": sort, "wrong_documents": len(wrong), "locked": max(one.n for one in wrong) + 1}
            yield audit.Tally(name, len(wrong), wrong[-1].at, facts)


def _are_many_documents(tally: audit.Tally) -> bool:
    """Return whether a printed code was locked just now, or a scanner tries its way through many."""
    if tally.facts["of"] == "code":
        return int(tally.facts["locked"]) >= DOCUMENT_TRIES
    return tally.count >= rules.DOCUMENTS_AT_ONE


def _travel(
    rings: KeyRings, travel: Travel, session: Session, since: datetime, until: datetime, subject: str | None
) -> Iterator[audit.Tally]:
    holder = bytes.fromhex(subject) if subject is not None else None
    before = over_month.holders_before(session, rings)
    series_by_holder = queries.implausible_travels(
        session, since=since, until=until, travel=travel, holder=holder, before=before
    )
    for holder_hash, series in series_by_holder.items():
        visits = [stop for stops in series.values() for stop in stops]
        changes = [change for stops in series.values() for change in rules.leaps(stops)]
        facts = _travel_facts(visits, changes)
        # as the verdict has it: left out where none does
        guardian = {"guardian": True} if True in series else {}
        yield audit.Tally(holder_hash.hex(), len(changes), max(other.at for _, other in changes), facts | guardian)


def _travel_facts(
    visits: Sequence[rules.Acceptance], changes: Sequence[tuple[rules.Acceptance, rules.Acceptance]]
) -> dict[str, Any]:
    return {
        "districts": sorted({stop.district for stop in visits}),
        "venues": len({stop.venue for stop in visits}),
        "changes": len(changes),
        "shortest_seconds": int(min(other.at - one.at for one, other in changes).total_seconds()),
    }


def _overdue(session: Session, since: datetime, until: datetime, subject: str | None) -> Iterator[audit.Tally]:
    for district, number, at in queries.overdue(session, since=since, until=until, district=subject):
        yield audit.Tally(district, number, at, {"disputes": number})


def _days(now: datetime) -> tuple[date, date]:
    """Return the first day that makes a habit, and today, of the city."""
    today = now.astimezone(CITY_TIME).date()
    return today - timedelta(days=rules.HABIT_DAYS), today
