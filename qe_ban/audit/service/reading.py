"""Lets auditors read the log; the reading is recorded too."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from qe_ban.audit.models import AuditEvent
from qe_ban.audit.service.recording import record
from qe_ban.audit.service.words import open_words
from qe_ban.kernel.clock import rfc3339
from qe_ban.kernel.principal import Principal
from qe_ban.keys.rings import KeyRings


@dataclass(frozen=True, slots=True)
class ReadEvent:
    """An event as an auditor reads it: with the words that it was recorded with."""

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
    """What an auditor asks for; `since` is inclusive, `until` is not."""

    actor: UUID | None = None
    action: str | None = None
    subject: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def as_details(self) -> dict[str, str]:
        """Give the criteria that are set, as the audit event of the reading keeps them."""
        given = {
            "actor": str(self.actor) if self.actor else None,
            "action": self.action,
            "subject": self.subject,
            "since": rfc3339(self.since) if self.since else None,
            "until": rfc3339(self.until) if self.until else None,
        }
        return {name: value for name, value in given.items() if value is not None}


def read(
    session: Session,
    rings: KeyRings,
    *,
    reader: Principal,
    criteria: Criteria,
    before: int | None,
    limit: int,
    now: datetime,
    request_id: str | None = None,
) -> list[ReadEvent]:
    """Return at most `limit` events that meet the criteria, newest first, older than the event `before`, words opened.

    The reading is recorded too, as `audit.read`. Raises KeyMissing.
    """
    wanted = select(AuditEvent).where(*_conditions(criteria)).order_by(AuditEvent.id.desc()).limit(limit)
    if before is not None:
        wanted = wanted.where(AuditEvent.id < before)
    events = session.scalars(wanted).all()
    details = {"criteria": criteria.as_details(), "before": before}
    record(session, at=now, actor=reader, action="audit.read", subject="audit", details=details, request_id=request_id)
    details_of_events = open_words(session, rings, [event.details for event in events])
    return [_to_read_event(event, details) for event, details in zip(events, details_of_events, strict=True)]


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
