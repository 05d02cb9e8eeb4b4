"""Lets auditors read the log; the reading is recorded too.

The rows have residents' own ids. An answer has ids of the reader's instead, so that what an auditor reads, keeps or
passes on leads to nobody's row, token or line of an old log.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Protocol
from uuid import UUID

from sqlalchemy import ColumnElement, false, select
from sqlalchemy.orm import Session

from qe_ban.audit.models import AuditEvent
from qe_ban.audit.service.recording import record
from qe_ban.audit.service.words import open_words
from qe_ban.kernel.clock import rfc3339
from qe_ban.kernel.ids import parse_id
from qe_ban.kernel.principal import Principal
from qe_ban.keys.rings import KeyRings

NOBODY: Final = "unknown"
"""What the event of a reading keeps of a resident's own id, so that whoever reads the event learns nothing by it."""


class ResidentIds(Protocol):
    """What one auditor calls residents, now."""

    def ids_of(self, session: Session, candidates: Sequence[UUID]) -> Mapping[UUID, UUID]:
        """Return what the auditor calls those of these ids that are residents'. Raises KeyMissing."""

    def resident_of(self, session: Session, id_: UUID) -> UUID | None:
        """Return whom an id names that this auditor read. Raises KeyMissing."""


@dataclass(frozen=True, slots=True)
class IdsOfResidents:
    """What members of staff call residents at a moment: accounts make it, for the audit knows no residents."""

    of: Callable[[UUID, datetime], ResidentIds]


@dataclass(frozen=True, slots=True)
class ReadEvent:
    """An event as an auditor reads it: with the words that it was recorded with, and with the auditor's ids."""

    id: int
    at: datetime
    actor_kind: str | None
    actor_id: UUID | None
    action: str
    subject: str
    details: Mapping[str, Any]
    case_number: str | None
    request_id: str | None


@dataclass(frozen=True, slots=True)
class Criteria:
    """What an auditor asks for, residents by the auditor's ids; `since` is inclusive, `until` is not."""

    actor: UUID | None = None
    action: str | None = None
    subject: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def as_details(self) -> dict[str, str]:
        """Return the criteria that are set, as the audit event of the reading keeps them."""
        values = {
            "actor": str(self.actor) if self.actor else None,
            "action": self.action,
            "subject": self.subject,
            "since": rfc3339(self.since) if self.since else None,
            "until": rfc3339(self.until) if self.until else None,
        }
        return {name: value for name, value in values.items() if value is not None}


def read(
    session: Session,
    rings: KeyRings,
    *,
    reader: Principal,
    residents: ResidentIds,
    criteria: Criteria,
    before: int | None,
    limit: int,
    now: datetime,
    request_id: str | None = None,
) -> list[ReadEvent]:
    """Return at most `limit` events that meet the criteria, newest first, older than the event `before`, words opened.

    The reading is recorded too, as `audit.read`. Raises KeyMissing.
    """
    conditions, criteria = _resolve(session, residents, criteria)
    query = select(AuditEvent).where(*conditions).order_by(AuditEvent.id.desc()).limit(limit)
    if before is not None:
        query = query.where(AuditEvent.id < before)
    events = session.scalars(query).all()
    details = {"criteria": criteria.as_details(), "before": before}
    record(session, at=now, actor=reader, action="audit.read", subject="audit", details=details, request_id=request_id)
    details_of_events = open_words(session, rings, [event.details for event in events])
    read_events = [_to_read_event(event, details) for event, details in zip(events, details_of_events, strict=True)]
    ids = residents.ids_of(session, sorted({id_ for event in read_events for id_ in _ids_in(event)}))
    return [_rename(event, ids) for event in read_events]


def _to_read_event(event: AuditEvent, details: Mapping[str, Any]) -> ReadEvent:
    return ReadEvent(
        event.id,
        event.at,
        event.actor_kind,
        event.actor_id,
        event.action,
        event.subject,
        details,
        event.case_number,
        event.request_id,
    )


def _resolve(
    session: Session, residents: ResidentIds, criteria: Criteria
) -> tuple[list[ColumnElement[bool]], Criteria]:
    """Return the conditions, and the criteria as the event of the reading keeps them: with whom the ids name.

    A resident's own id finds nothing: who has it from elsewhere does not learn which of the auditor's ids it is.
    """
    conditions: list[ColumnElement[bool]] = []
    if criteria.actor is not None:
        criteria = replace(criteria, actor=_resolve_id(session, residents, criteria.actor))
        if criteria.actor is None:
            conditions.append(false())
    if criteria.subject is not None and (reader_id := parse_id(criteria.subject)) is not None:
        subject_id = _resolve_id(session, residents, reader_id)
        criteria = replace(criteria, subject=NOBODY if subject_id is None else str(subject_id))
        if subject_id is None:
            conditions.append(false())
    return conditions + _conditions(criteria), criteria


def _resolve_id(session: Session, residents: ResidentIds, id_: UUID) -> UUID | None:
    """Return the resident whom the auditor's id names, None for a resident's own id, and any other id as it is."""
    resident = residents.resident_of(session, id_)
    if resident is None and not residents.ids_of(session, [id_]):
        return id_
    return resident


def _ids_in(value: object) -> Iterator[UUID]:
    """Yield every id of an event or of its details."""
    if isinstance(value, ReadEvent):
        yield from _ids_in([value.actor_id, value.subject, value.details])
    elif isinstance(value, Mapping):
        yield from _ids_in(list(value.values()))
    elif isinstance(value, list):
        for one in value:
            yield from _ids_in(one)
    elif isinstance(value, UUID):
        yield value
    elif isinstance(value, str) and (id_ := parse_id(value)) is not None:
        yield id_


def _rename(event: ReadEvent, ids: Mapping[UUID, UUID]) -> ReadEvent:
    """Return the event with the auditor's ids in the place of residents' own."""
    actor = event.actor_id if event.actor_id is None else ids.get(event.actor_id, event.actor_id)
    subject, details = _with_ids(event.subject, ids), _with_ids(event.details, ids)
    return replace(event, actor_id=actor, subject=subject, details=details)


def _with_ids(value: Any, ids: Mapping[UUID, UUID]) -> Any:
    if isinstance(value, Mapping):
        return {name: _with_ids(one, ids) for name, one in value.items()}
    if isinstance(value, list):
        return [_with_ids(one, ids) for one in value]
    id_ = parse_id(value) if isinstance(value, str) else None
    return value if id_ is None else str(ids.get(id_, value))


def _conditions(criteria: Criteria) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if criteria.actor is not None:
        conditions.append(AuditEvent.actor_id == criteria.actor)
    if criteria.action is not None:
        conditions.append(AuditEvent.action == criteria.action)
    if criteria.subject is not None:
        conditions.append(AuditEvent.subject == criteria.subject)
    if criteria.since is not None:
        conditions.append(AuditEvent.at >= criteria.since)
    if criteria.until is not None:
        conditions.append(AuditEvent.at < criteria.until)
    return conditions
