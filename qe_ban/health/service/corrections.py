"""Corrections (纠错): a resident says what is wrong with the level, somebody who had no part in it answers in time."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Select, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from qe_ban.accounts.service import residents as people
from qe_ban.audit import service as audit
from qe_ban.codes.service import levels as codes
from qe_ban.health.errors import (
    CorrectionAnswered,
    CorrectionExists,
    CorrectionNotFound,
    LevelStands,
    LevelUnknown,
    NotIndependent,
)
from qe_ban.health.models import HealthCorrection
from qe_ban.health.rules import CorrectionState, End, SetBy, severity
from qe_ban.health.service.deciding import end_in_force
from qe_ban.health.service.levels import (
    NOTICE_OF_ANSWER,
    NOTICE_OF_CHANGE,
    Health,
    MyLevel,
    my_level,
    record_read,
    tell,
)
from qe_ban.kernel.ids import new_id
from qe_ban.keys import data_keys, vault
from qe_ban.keys.data_keys import Owner

TEXT, ANSWER = "health_corrections.text", "health_corrections.answer"


@dataclass(frozen=True, slots=True)
class CorrectionContent:
    """A request with what is sealed of it, or without where the reader is not to see it."""

    correction: HealthCorrection
    text: str | None = field(repr=False)
    answer: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class CorrectionFilter:
    """Which requests staff look for; `overdue`: those that are, or those that are not; `after`: the last one seen."""

    state: CorrectionState | None = None
    overdue: bool | None = None
    after: UUID | None = None


def request_correction(
    health: Health, session: Session, *, resident: UUID, by_guardian: bool, wording: str, change: audit.Change
) -> CorrectionContent:
    """Ask to have a resident's level corrected; one request at a time. Raises CorrectionExists, LevelUnknown."""
    people.lock_open(session, [resident])
    level, now, correction_id = my_level(health, session, resident, change.at), change.at, new_id()
    data_key = data_keys.number_for(session, Owner.RESIDENT, resident)
    if level.level is None:
        raise LevelUnknown
    row = {
        "id": correction_id,
        "resident_id": resident,
        "level": level.level,
        "set_by": level.set_by.value,
        "proposed_by": level.proposed_by,
        "approved_by": level.approved_by,
        "by_guardian": by_guardian,
        "text_sealed": vault.seal(health.rings, TEXT, correction_id, wording, now, data_key=data_key),
        "state": CorrectionState.OPEN.value,
        "opened_at": now,
        "due_at": now + timedelta(days=health.city.correction_days),
    }
    statement = insert(HealthCorrection).values(row).on_conflict_do_nothing().returning(HealthCorrection.id)
    if session.scalar(statement) is None:
        raise CorrectionExists
    after = {"state": CorrectionState.OPEN.value, "level": level.level, "set_by": level.set_by.value}
    audit.record_change(
        session,
        change,
        "health.request_correction",
        str(correction_id),
        before=None,
        after=after,
        resident=str(resident),
    )
    return _open(health, session.get_one(HealthCorrection, correction_id))


def has_open_request(session: Session, resident: UUID) -> bool:
    """Return whether a resident waits for an answer."""
    mine = (HealthCorrection.resident_id == resident) & (HealthCorrection.state == CorrectionState.OPEN.value)
    return session.scalar(select(HealthCorrection.id).where(mine)) is not None


def my_corrections(
    health: Health, session: Session, *, resident: UUID, guardian: bool, before: UUID | None, limit: int
) -> list[CorrectionContent]:
    """Return at most `limit` requests of a resident, newest first, older than `before`.

    A guardian reads the words of those that a guardian made: others are the ward's own.
    """
    query = select(HealthCorrection).where(HealthCorrection.resident_id == resident)
    if before is not None:
        query = query.where(HealthCorrection.id < before)
    rows = session.scalars(query.order_by(HealthCorrection.id.desc()).limit(limit))
    return [
        _open(health, row) if row.by_guardian or not guardian else CorrectionContent(row, None, None) for row in rows
    ]


def list_corrections(
    session: Session, *, filters: CorrectionFilter, limit: int, change: audit.Change
) -> Sequence[HealthCorrection]:
    """Return at most `limit` requests, the earliest deadline first, without anybody's words; the reading is audited."""
    rows = session.scalars(_query(filters, change.at).limit(limit)).all()
    details = {
        "state": filters.state.value if filters.state else None,
        "overdue": filters.overdue,
        "corrections": [str(row.id) for row in rows],
    }
    record_read(session, change, "health.read_corrections", "corrections", details)
    return rows


def _query(filters: CorrectionFilter, now: datetime) -> Select[HealthCorrection]:
    row = HealthCorrection
    query = select(HealthCorrection).order_by(row.due_at, row.id)
    if filters.state is not None:
        query = query.where(row.state == filters.state.value)
    if filters.overdue is not None:
        overdue = (row.state == CorrectionState.OPEN.value) & (row.due_at <= now)
        query = query.where(overdue if filters.overdue else ~overdue)
    if filters.after is not None:
        last = select(row.due_at, row.id).where(row.id == filters.after)
        query = query.where(tuple_(row.due_at, row.id) > last.scalar_subquery())
    return query


def read_correction(
    health: Health, session: Session, *, correction_id: UUID, change: audit.Change
) -> CorrectionContent:
    """Return a request with its words; the reading is audited. Raises CorrectionNotFound."""
    row = session.get(HealthCorrection, correction_id)
    if row is None:
        raise CorrectionNotFound
    record_read(session, change, "health.read_corrections", str(row.id), {"state": row.state})
    return _open(health, row)


def answer_correction(
    health: Health, session: Session, *, correction_id: UUID, ends_level: bool, wording: str, change: audit.Change
) -> CorrectionContent:
    """Answer a request, once, by somebody who neither proposed nor approved the level.

    `ends_level` ends a level that two persons set where the register's is milder: to lift a restriction takes one
    person who had no part in it, to impose one always takes two. Raises CorrectionNotFound, CorrectionAnswered,
    NotIndependent, and LevelStands where the level that is shown afterwards is still the contested one.
    """
    resident = session.scalar(select(HealthCorrection.resident_id).where(HealthCorrection.id == correction_id))
    if resident is None:
        raise CorrectionNotFound
    people.lock_open(session, [resident])
    row = session.get(HealthCorrection, correction_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise CorrectionNotFound
    if row.state != CorrectionState.OPEN:
        raise CorrectionAnswered
    level = my_level(health, session, resident, change.at)
    if change.by.id in (row.proposed_by, row.approved_by, level.proposed_by, level.approved_by):
        raise NotIndependent
    if ends_level:
        _lift(health, session, resident, level, change)
        if my_level(health, session, resident, change.at).level == row.level:
            raise LevelStands
    row.state = (CorrectionState.CORRECTED if ends_level else CorrectionState.UPHELD).value
    data_key = data_keys.number_for(session, Owner.RESIDENT, resident)
    row.answer_sealed = vault.seal(health.rings, ANSWER, row.id, wording, change.at, data_key=data_key)
    row.answered_by, row.answered_at = change.by.id, change.at
    session.flush()
    before, after = {"state": CorrectionState.OPEN.value}, {"state": row.state}
    audit.record_change(
        session, change, "health.answer_correction", str(row.id), before=before, after=after, resident=str(resident)
    )
    tell(health, session, resident, NOTICE_OF_ANSWER, change.at)
    return _open(health, row)


def _lift(health: Health, session: Session, resident: UUID, level: MyLevel, change: audit.Change) -> None:
    """End a level that two persons set, where what is shown then is milder."""
    beneath = codes.health_answers(session, health.sources, [resident], change.at)[resident].level
    if level.set_by is not SetBy.PERSON or level.level is None or beneath is None:
        return
    if severity(beneath) >= severity(level.level):
        return
    end_in_force(session, [resident], End.CORRECTED, change)
    codes.end_levels(session, [resident], change.at, only_expired=False)
    before = {"level": level.level}
    audit.record_change(
        session, change, "health.end_level", str(resident), before=before, after={"level": beneath}, why="corrected"
    )
    tell(health, session, resident, NOTICE_OF_CHANGE, change.at)


def _open(health: Health, row: HealthCorrection) -> CorrectionContent:
    ciphertext = row.answer_sealed
    return CorrectionContent(
        row,
        vault.unseal(health.rings, TEXT, row.id, row.text_sealed),
        vault.unseal(health.rings, ANSWER, row.id, ciphertext) if ciphertext is not None else None,
    )
