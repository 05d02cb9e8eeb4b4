"""Reads one item: what it says now or said in a version, exactly as the hour has it, whether or not a worker lives."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from qe_ban.items import errors
from qe_ban.items.queries import catalogue as queries
from qe_ban.items.queries.catalogue import OfficeRow
from qe_ban.items.rules import content as contents
from qe_ban.items.rules import labels, rights, schedule
from qe_ban.items.rules.codes import parse
from qe_ban.items.rules.labels import Names
from qe_ban.items.rules.schedule import Mark, State, Timeline
from qe_ban.kernel.city import City
from qe_ban.kernel.principal import Principal


@dataclass(frozen=True, slots=True)
class ItemView:
    """One version of an item as it is shown.

    `since` is the version before, which `changes` compare with, None for the first; `upcoming` the next version in
    force; `names` what its departments, districts and topics are called.
    """

    code: str
    entry: str
    mark: Mark
    state: State
    ends_at: datetime | None
    content: Mapping[str, Any]
    since: int | None
    changes: Sequence[contents.Change]
    upcoming: Mark | None
    offices: Sequence[OfficeRow]
    names: Names
    revision: int
    current: int

    @property
    def tag(self) -> str:
        """What changes whenever the item is changed or another of its versions comes into force."""
        return tag_of(self.revision, self.current)


@dataclass(frozen=True, slots=True)
class VersionView:
    """One version in the list that staff see; `replaced`: another took its place before its time came."""

    number: int
    starts_at: datetime
    created_at: datetime
    created_by: UUID | None
    source: str
    in_force: bool
    replaced: bool


def tag_of(revision: int, current: int) -> str:
    """Return the state of an item that editors' tags begin with."""
    return f"{revision}-{current}"


def item(session: Session, city: City, *, code: str, version: int | None, now: datetime) -> ItemView:
    """Return what an item says, or what one of its versions said that was in force.

    What has ended is still shown. Raises ItemNotFound, also before the item's start, and VersionNotFound.
    """
    return _view(session, city, code=code, version=version, now=now, staff=False)


def draft(
    session: Session, city: City, *, reader: Principal, code: str, version: int | None, now: datetime
) -> ItemView:
    """Return any version of an item to those who may edit it, also what is scheduled or was replaced before its time.

    Without a version: what is in force, or what the item will start with. Raises ItemNotFound, VersionNotFound,
    OtherPlace.
    """
    _check_reader(session, reader, code)
    return _view(session, city, code=code, version=version, now=now, staff=True)


def versions(session: Session, *, reader: Principal, code: str, now: datetime) -> list[VersionView]:
    """Return all versions of an item to those who may edit it, newest first. Raises ItemNotFound, OtherPlace."""
    item_id = _check_reader(session, reader, code)
    rows = queries.versions(session, item_id)
    times = schedule.timeline(Mark(row.number, row.starts_at) for row in rows)
    numbers, current = {mark.number for mark in times.marks}, times.at(now)
    return [
        VersionView(
            row.number,
            row.starts_at,
            row.created_at,
            row.created_by,
            row.source,
            in_force=row.number == current.number and times.starts_at <= now,
            replaced=row.number not in numbers,
        )
        for row in rows
    ]


def normal(code: str) -> str:
    """Return a code as it is stored. Raises ItemNotFound for what has no code's shape."""
    parsed = parse(code)
    if parsed is None:
        raise errors.ItemNotFound
    return parsed.text


def _check_reader(session: Session, reader: Principal, code: str) -> UUID:
    row = queries.item(session, normal(code))
    if row is None:
        raise errors.ItemNotFound
    if not rights.may_edit(reader.place, department=row.department, district=row.district):
        raise errors.OtherPlace
    item_id: UUID = row.id
    return item_id


def _view(session: Session, city: City, *, code: str, version: int | None, now: datetime, staff: bool) -> ItemView:
    row = queries.item(session, normal(code))
    if row is None:
        raise errors.ItemNotFound
    version_rows = queries.versions(session, row.id)
    times = schedule.timeline(Mark(version_row.number, version_row.starts_at) for version_row in version_rows)
    if not staff and not _is_public(times, row.ends_at, now):
        raise errors.ItemNotFound
    marks = [Mark(version_row.number, version_row.starts_at) for version_row in version_rows] if staff else times.marks
    mark = _mark(times, marks, version, now, staff=staff)
    since = times.before(mark.number)
    version_contents = queries.contents(session, row.id, [mark.number, *([since] if since else [])])
    content, before = version_contents[mark.number], version_contents[since] if since else {}
    return ItemView(
        code=row.code,
        entry=row.entry,
        mark=mark,
        state=schedule.state(times.starts_at, row.ends_at, now),
        ends_at=row.ends_at,
        content=content,
        since=since,
        changes=contents.changes(before, content) if since else [],
        upcoming=times.next(now),
        offices=queries.offices(session, row.entry, row.code, now),
        names=_names(session, city, (content, before)),
        revision=row.revision,
        current=times.at(now).number,
    )


def _is_public(times: Timeline, ends_at: datetime | None, now: datetime) -> bool:
    """Return whether an item is or was in force: it has begun, and did not end before that."""
    was_never = ends_at is not None and ends_at <= times.starts_at
    return times.starts_at <= now and not was_never


def _mark(times: Timeline, marks: Sequence[Mark], version: int | None, now: datetime, *, staff: bool) -> Mark:
    """Return the version of a request: the public may see what is or was in force, its editors everything."""
    if version is None:
        return times.at(now)
    mark = next((mark for mark in marks if mark.number == version), None)
    if mark is None or (not staff and mark.starts_at > now):
        raise errors.VersionNotFound
    return mark


def _names(session: Session, city: City, item_contents: Sequence[Mapping[str, Any]]) -> Names:
    departments: set[str] = set()
    topics: set[str] = set()
    for content in item_contents:
        of_content = labels.references(content)
        departments |= of_content[0]
        topics |= of_content[1]
    return queries.names(session, departments, topics) | dict(city.districts)
