"""What level a resident has, who says so, since when and until when; and how it is told."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from qe_ban.accounts.service import notices
from qe_ban.audit import service as audit
from qe_ban.codes.service import levels
from qe_ban.health.models import HealthChange, HealthLevel
from qe_ban.health.rules import LevelState, SetBy
from qe_ban.kernel.city import HealthRules
from qe_ban.keys import vault
from qe_ban.keys.rings import KeyRings

REASON = "health_changes.reason"
NOTICE_OF_CHANGE, NOTICE_OF_END, NOTICE_OF_ANSWER = (
    "health_level_changed",
    "health_level_ended",
    "health_correction_answered",
)
"""Templates of messages; none says a colour or an illness: a phone lies open on a table."""


@dataclass(frozen=True, slots=True)
class Health:
    """The collaborators: `sources` are the kinds that an outside source answers for."""

    rings: KeyRings
    city: HealthRules
    sources: Collection[str]


@dataclass(frozen=True, slots=True)
class MyLevel:
    """A resident's level. `level` is None where an outside source never told one.

    Of a level by two persons: `basis` (its code), the reason, since and until when, who proposed and approved it. Of
    one by a rule: the rule with its version. Of a source's: `as_of`, its own moment.
    """

    level: str | None
    set_by: SetBy
    as_of: datetime | None
    rule: str | None = None
    basis: str | None = None
    reason: str | None = field(default=None, repr=False)
    since: datetime | None = None
    until: datetime | None = None
    proposed_by: UUID | None = None
    approved_by: UUID | None = None


def my_level(health: Health, session: Session, resident: UUID, now: datetime) -> MyLevel:
    """Return a resident's level as it is shown now; asks no source."""
    answer = levels.health_answers(session, health.sources, [resident], now).get(resident)
    if answer is None:
        return MyLevel(None, SetBy.SOURCE if levels.has_source(health.sources) else SetBy.RULE, None)
    if levels.has_source(health.sources):
        return MyLevel(answer.level, SetBy.SOURCE, answer.as_of)
    row = session.execute(
        select(HealthLevel, HealthChange)
        .join(HealthChange, HealthChange.id == HealthLevel.change_id)
        .where(HealthLevel.resident_id == resident, HealthLevel.state == LevelState.IN_FORCE.value)
    ).one_or_none()
    if answer.set_level is None or row is None:
        return MyLevel(answer.visible_level, SetBy.RULE, answer.as_of, rule=answer.rule, until=answer.ends_at)
    level, change = row
    return MyLevel(
        level=answer.set_level,
        set_by=SetBy.PERSON,
        as_of=now,
        basis=change.basis,
        reason=reason_of(health.rings, change),
        since=level.since,
        until=level.ends_at,
        proposed_by=change.proposed_by,
        approved_by=change.decided_by,
    )


def reason_of(rings: KeyRings, change: HealthChange) -> str | None:
    """Open the reason of a change; None where it went with the last account."""
    ciphertext = change.reason_sealed
    return vault.unseal(rings, REASON, change.id, ciphertext) if ciphertext is not None else None


def tell(health: Health, session: Session, resident: UUID, template: str, now: datetime) -> None:
    """Send a message that something of the level changed, when the caller's transaction has committed."""
    notices.tell_or_guardians(session, health.rings, resident_id=resident, template=template, now=now)


def record_read(session: Session, change: audit.Change, action: str, subject: str, details: Mapping[str, Any]) -> None:
    """Record that a member of staff read changes or requests."""
    audit.record(
        session,
        at=change.at,
        actor=change.by,
        action=action,
        subject=subject,
        details=details,
        request_id=change.request_id,
    )
