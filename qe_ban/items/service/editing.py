"""How staff change items: whole contents by PUT, ends and their taking back, each within the caller's own place."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from qe_ban.audit import service as audit
from qe_ban.items import errors
from qe_ban.items.models import Department, Topic
from qe_ban.items.queries import catalogue as queries
from qe_ban.items.queries import writing
from qe_ban.items.rules import codes, planning, rights, schedule
from qe_ban.items.rules import content as contents
from qe_ban.items.rules.codes import ItemCode
from qe_ban.items.rules.fields import TABLES
from qe_ban.items.rules.schedule import VersionSource
from qe_ban.items.service import catalogue, publishing
from qe_ban.items.service.publishing import Draft, ExistingItem, Outcome, Unset
from qe_ban.kernel.city import City
from qe_ban.kernel.clock import rfc3339
from qe_ban.kernel.errors import DomainError
from qe_ban.kernel.principal import Place
from qe_ban.kernel.shapes import Fault

_TABLES = frozenset(table.name for table in TABLES)


@dataclass(frozen=True, slots=True)
class Saved:
    """What became of a PUT; `warnings` hinder nothing."""

    outcome: Outcome
    warnings: Sequence[Fault]


def put(
    session: Session,
    city: City,
    *,
    code: str,
    content: Mapping[str, Any],
    starts_at: datetime | None,
    ends_at: datetime | Unset | None,
    precondition: audit.Precondition,
    change: audit.Change,
) -> Saved:
    """Make an item or give it a new version, in force at once or from `starts_at`.

    Raises ItemInvalid with the fields at fault, OtherPlace, ItemEnded (an item that has ended is reopened by saying its
    end, null for none), and what the precondition raises.
    """
    parsed = _code(code)
    existing = publishing.hold(session, [parsed.text]).get(parsed.text)
    warnings = _check(session, city, parsed, content, existing, change.by.place)
    before = _before(session, existing, change.at)
    _check_place(change, [content, *before])
    draft = Draft(parsed.text, content, starts_at, ends_at)
    if existing is not None and _is_repeat(draft, existing, precondition, change.at):
        return Saved(Outcome.UNCHANGED, warnings)
    precondition(_tag(existing, change.at))
    _check_times(starts_at, ends_at, existing, change.at)
    if existing is not None and isinstance(ends_at, Unset) and _is_over(existing, change.at):
        raise errors.ItemEnded("事项已终止；如需恢复，请先恢复事项，或在 ends_at 中写明新的终止时间（null 为不终止）")
    outcome = publishing.put(session, [draft], by=change.by.id, source=VersionSource.STAFF, now=change.at)[0]
    if outcome is not Outcome.UNCHANGED:
        _record_put(session, change, draft, existing, before[0] if before else {})
    return Saved(outcome, [*warnings, *_replaced(session, existing, change.at)])


def _is_repeat(draft: Draft, existing: ExistingItem, precondition: audit.Precondition, now: datetime) -> bool:
    """Return whether an item says this since its last change, and the caller saw how it stood just before that.

    Then it is the caller's own change, whose answer was lost on its way, or another's that is the same.
    """
    if planning.plan(draft, existing, now).outcome is not Outcome.UNCHANGED:
        return False
    current = existing.times.at(now).number
    before = [catalogue.tag_of(existing.revision - 1, number) for number in (current, current - 1)]
    return any(_holds(precondition, state) for state in (before if existing.revision > 1 else [None]))


def _holds(precondition: audit.Precondition, state: str | None) -> bool:
    try:
        precondition(state)
    except DomainError:
        return False
    return True


def end(
    session: Session, *, code: str, at: datetime | None, precondition: audit.Precondition, change: audit.Change
) -> None:
    """Let an item end now or at a moment to come; what is planned already is moved.

    Raises ItemNotFound, OtherPlace, ItemEnded, ItemInvalid (a moment that is past or a century away), and what the
    precondition raises.
    """
    existing = _lock(session, code, precondition, change)
    faults = schedule.faults_of_times(at, None, change.at)
    if faults:
        raise errors.ItemInvalid(fields={"at": faults["starts_at"].replace("生效", "终止")})
    if _is_over(existing, change.at):
        raise errors.ItemEnded
    moment = max(at or change.at, change.at)
    if publishing.end(session, [existing.code], at=moment, now=change.at):
        audit.record_change(
            session,
            change,
            "items.end",
            existing.code,
            before=_end_details(existing.ends_at),
            after=_end_details(moment),
        )


def reopen(session: Session, *, code: str, precondition: audit.Precondition, change: audit.Change) -> None:
    """Take an item's end away, past or planned.

    Raises ItemNotFound, OtherPlace, ItemNotEnded, and what the precondition raises.
    """
    existing = _lock(session, code, precondition, change)
    if not publishing.reopen(session, [existing.code], now=change.at):
        raise errors.ItemNotEnded
    audit.record_change(
        session, change, "items.reopen", existing.code, before=_end_details(existing.ends_at), after=_end_details(None)
    )


def _lock(session: Session, code: str, precondition: audit.Precondition, change: audit.Change) -> ExistingItem:
    """Lock an item that is there."""
    normal = catalogue.normal(code)
    existing = writing.hold_known(session, normal)
    if existing is None:
        raise errors.ItemNotFound
    _check_place(change, [{"department": existing.department, "district": existing.district}])
    precondition(_tag(existing, change.at))
    return existing


def _check_place(change: audit.Change, item_contents: Sequence[Mapping[str, Any]]) -> None:
    for content in item_contents:
        if not rights.may_edit(change.by.place, department=content["department"], district=content.get("district")):
            raise errors.OtherPlace


def _code(code: str) -> ItemCode:
    parsed = codes.parse(code)
    if parsed is None:
        raise errors.ItemInvalid(fields={"code": "事项编码须为12位基本编码、31位实施编码或33位办理项编码"})
    return parsed


def _check(
    session: Session,
    city: City,
    code: ItemCode,
    content: Mapping[str, Any],
    existing: ExistingItem | None,
    place: Place,
) -> list[Fault]:
    """Return the warnings. Raises ItemInvalid with every error, by place."""
    faults = [*contents.faults(content), *_code_faults(code, content, existing, place)]
    wrong = [fault for fault in faults if fault.severity == "error"]
    wrong_places = {fault.place for fault in wrong}
    wrong.extend(fault for fault in _reference_faults(session, city, content) if fault.place not in wrong_places)
    if wrong:
        raise errors.ItemInvalid(fields={fault.place: fault.message for fault in reversed(wrong)})
    return [fault for fault in faults if fault.severity == "warning"]


def _code_faults(
    code: ItemCode, content: Mapping[str, Any], existing: ExistingItem | None, place: Place
) -> Iterator[Fault]:
    """Compare the agency in a code with the department."""
    if code.agency is None:
        return
    is_new = existing is None
    if code.agency != content.get("department"):
        yield Fault("code", rights.OTHER_AGENCY, rights.other_agency(place, new=is_new))
    if is_new and not codes.agency_checks(code.agency):
        yield Fault("code", "实施主体部分的校验位不正确，请核对编码")


def _reference_faults(session: Session, city: City, content: Mapping[str, Any]) -> Iterator[Fault]:
    """Find the departments, districts and topics that do not exist; what has no right type is named elsewhere."""
    department, district, topics = (content.get(name) for name in ("department", "district", "topics"))
    if isinstance(department, str) and session.get(Department, department) is None:
        yield Fault("department", "没有这个部门，请先登记部门")
    if isinstance(district, str) and district and district not in city.districts:
        yield Fault("district", "没有这个区划代码")
    unknown = _unknown_topics(session, topics) if isinstance(topics, list) else []
    if unknown:
        yield Fault("topics", f"没有这些主题：{'、'.join(unknown)}")


def _unknown_topics(session: Session, topics: Sequence[object]) -> list[str]:
    if not topics:
        return []
    slugs = [slug for slug in topics if isinstance(slug, str)]
    known = set(session.scalars(select(Topic.slug).where(Topic.slug.in_(slugs))))
    return [slug for slug in slugs if slug not in known]


def _check_times(
    starts_at: datetime | None, ends_at: datetime | Unset | None, existing: ExistingItem | None, now: datetime
) -> None:
    planned = existing.ends_at if existing is not None else None
    kept = planned if planned is not None and planned > now else None
    end_at = kept if isinstance(ends_at, Unset) else ends_at
    begin = starts_at
    if begin is None and existing is not None and existing.times.starts_at > now:
        begin = existing.times.starts_at
    faults = schedule.faults_of_times(begin, end_at, now)
    if faults:
        raise errors.ItemInvalid(fields=dict(faults))


def _before(session: Session, existing: ExistingItem | None, now: datetime) -> list[Mapping[str, Any]]:
    """Return what an item says now and what it will say last: both must be the caller's to change."""
    if existing is None:
        return []
    numbers = [existing.times.at(now).number, existing.latest]
    said = queries.contents(session, existing.id, set(numbers))
    return [said[number] for number in numbers]


def _tag(existing: ExistingItem | None, now: datetime) -> str | None:
    return catalogue.tag_of(existing.revision, existing.times.at(now).number) if existing is not None else None


def _is_over(existing: ExistingItem, now: datetime) -> bool:
    return existing.ends_at is not None and existing.ends_at <= now


def _replaced(session: Session, existing: ExistingItem | None, now: datetime) -> list[Fault]:
    """Warn of scheduled versions whose place the new one has taken."""
    if existing is None or existing.times.next(now) is None:
        return []
    kept = writing.look(session, [existing.code])[existing.code].times.marks
    return [Fault("starts_at", mark.replaced, "warning") for mark in existing.times.marks if mark not in kept]


def _record_put(
    session: Session, change: audit.Change, draft: Draft, existing: ExistingItem | None, before: Mapping[str, Any]
) -> None:
    """Record the fields that differ from what was in force; of tables the rows."""
    was: dict[str, Any] = {}
    now: dict[str, Any] = {}
    for one in contents.changes(before, draft.content) if existing else ():
        if one.field in _TABLES:
            was.setdefault(one.field, []).append(one.before)
            now.setdefault(one.field, []).append(one.after)
        else:
            was[one.field], now[one.field] = one.before, one.after
    if not isinstance(draft.ends_at, Unset):
        was |= _end_details(existing.ends_at if existing else None)
        now |= _end_details(draft.ends_at)
    if existing is None:
        audit.record_change(
            session, change, "items.create", draft.code, before=None, after=now | contents.canonical(draft.content)
        )
        return
    starts_at = rfc3339(draft.starts_at) if draft.starts_at else None
    audit.record_change(session, change, "items.change", draft.code, before=was, after=now, starts_at=starts_at)


def _end_details(moment: datetime | None) -> dict[str, str | None]:
    return {"ends_at": rfc3339(moment) if moment else None}
