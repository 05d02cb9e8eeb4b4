"""How a proposed change ends: approved by another person and carried out in that transaction, rejected, withdrawn."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import case, select, update
from sqlalchemy.orm import Session

from qe_ban.accounts.service import proposals
from qe_ban.accounts.service import residents as people
from qe_ban.audit import service as audit
from qe_ban.codes.service import levels as codes
from qe_ban.health.errors import (
    ChangeDecided,
    ChangeNotFound,
    ChangeOver,
    CountMismatch,
    NotOwnChange,
    OwnChange,
    SourceDecides,
)
from qe_ban.health.models import HealthChange, HealthLevel
from qe_ban.health.rules import ChangeState, End, LevelState
from qe_ban.health.service.changes import ChangeContent, drop_waiting, show_change, state_at
from qe_ban.health.service.digests import digest_of
from qe_ban.health.service.levels import NOTICE_OF_CHANGE, Health, tell
from qe_ban.kernel.clock import rfc3339


def approve_change(
    health: Health, session: Session, *, change_id: UUID, expected_count: int, change: audit.Change
) -> ChangeContent:
    """Approve what another person proposed, and carry it out for all of its residents.

    `expected_count` is the number that the approver has read: an account may have been closed since it was proposed.
    Raises ChangeNotFound, ChangeDecided, OwnChange, CountMismatch, ChangeOver, SourceDecides, and what
    `proposals.approve` raises.
    """
    if codes.has_source(health.sources):
        raise SourceDecides
    # residents before changes before proposals: whoever closes an account, or corrects a level, holds the resident
    waiting = select(HealthLevel.resident_id).where(
        HealthLevel.change_id == change_id, HealthLevel.state == LevelState.WAITING.value
    )
    people.lock_open(session, session.scalars(waiting).all())
    row = _lock_pending(session, change_id, change)
    if row.proposed_by == change.by.id:
        raise OwnChange
    ids = sorted(session.scalars(waiting))
    if not ids or len(ids) != expected_count:
        raise CountMismatch(number=len(ids))
    if row.ends_at <= change.at:
        raise ChangeOver
    proposals.approve(session, row.proposal_id, by=change.by, now=change.at)
    _carry_out(health, session, row, ids, change)
    return show_change(health, session, row, change.at)


def reject_change(health: Health, session: Session, *, change_id: UUID, change: audit.Change) -> ChangeContent:
    """Reject what another person proposed. Raises ChangeNotFound, ChangeDecided, OwnChange."""
    row = _lock_pending(session, change_id, change)
    if row.proposed_by == change.by.id:
        raise OwnChange
    return _drop(health, session, row, ChangeState.REJECTED, "health.reject", change)


def withdraw_change(health: Health, session: Session, *, change_id: UUID, change: audit.Change) -> ChangeContent:
    """Withdraw what the caller proposed. Raises ChangeNotFound, ChangeDecided, NotOwnChange."""
    row = _lock_pending(session, change_id, change)
    if row.proposed_by != change.by.id:
        raise NotOwnChange
    return _drop(health, session, row, ChangeState.WITHDRAWN, "health.withdraw", change)


def _carry_out(health: Health, session: Session, row: HealthChange, ids: Sequence[UUID], change: audit.Change) -> None:
    now = change.at
    before = {
        resident: answer.visible_level
        for resident, answer in codes.health_answers(session, health.sources, ids, now).items()
    }
    end_in_force(session, ids, End.REPLACED, change)
    mine = (HealthLevel.change_id == row.id) & (HealthLevel.state == LevelState.WAITING.value)
    levels_before = case(before, value=HealthLevel.resident_id) if before else None
    session.execute(
        update(HealthLevel).where(mine).values(state=LevelState.IN_FORCE.value, since=now, before=levels_before),
        execution_options={"synchronize_session": False},
    )
    codes.set_levels(session, ids, row.level, row.ends_at, now)
    row.state, row.decided_by, row.decided_at, row.applied = ChangeState.APPROVED.value, change.by.id, now, len(ids)
    session.flush()
    details = {"number": row.number, "applied": len(ids), "digest": digest_of(health.rings, row.id, ids).hex()}
    _record(session, change, "health.approve", row, {"state": ChangeState.PROPOSED.value}, details)
    for resident in ids:
        audit.record_change(
            session,
            change,
            "health.set_level",
            str(resident),
            before={"level": before.get(resident)},
            after={"level": row.level, "until": rfc3339(row.ends_at)},
            basis=row.basis,
            by_change=str(row.id),
            proposed_by=str(row.proposed_by),
        )
        tell(health, session, resident, NOTICE_OF_CHANGE, now)


def end_in_force(session: Session, residents: Sequence[UUID], why: End, change: audit.Change) -> None:
    """Write down that the levels in force of these residents end now; those over by the clock have expired before."""
    mine = HealthLevel.resident_id.in_(list(residents)) & (HealthLevel.state == LevelState.IN_FORCE.value)
    is_over = HealthLevel.ends_at <= change.at
    session.execute(
        update(HealthLevel)
        .where(mine)
        .values(
            state=LevelState.ENDED.value,
            ended_at=case((is_over, HealthLevel.ends_at), else_=change.at),
            end_reason=case((is_over, End.EXPIRED.value), else_=why.value),
        ),
        execution_options={"synchronize_session": False},
    )


def _drop(
    health: Health, session: Session, row: HealthChange, state: ChangeState, action: str, change: audit.Change
) -> ChangeContent:
    proposals.withdraw(session, row.proposal_id, by=change.by, now=change.at)
    row.state, row.decided_by, row.decided_at = state.value, change.by.id, change.at
    session.flush()
    drop_waiting(session, row)
    _record(session, change, action, row, {"state": ChangeState.PROPOSED.value}, {"number": row.number})
    return show_change(health, session, row, change.at)


def _lock_pending(session: Session, change_id: UUID, change: audit.Change) -> HealthChange:
    """Lock a change that waits for a decision. Raises ChangeNotFound, ChangeDecided."""
    row = session.get(HealthChange, change_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise ChangeNotFound
    if state_at(row, change.at) is not ChangeState.PROPOSED:
        raise ChangeDecided
    return row


def _record(
    session: Session,
    change: audit.Change,
    action: str,
    row: HealthChange,
    before: Mapping[str, Any],
    more: Mapping[str, Any],
) -> None:
    audit.record_change(
        session, change, action, str(row.id), before=before, after={"state": row.state}, level=row.level, **more
    )
