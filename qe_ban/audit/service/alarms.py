"""Alarms: raised by watchers, one for a kind and a subject, read and closed by people, forgotten like the log."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from qe_ban.audit import errors
from qe_ban.audit.models import Alarm
from qe_ban.audit.rules.alarms import HASH, HOLDER, AlarmKind, AlarmState, about, names_somebody
from qe_ban.audit.service.recording import record, record_change
from qe_ban.kernel.ids import new_id
from qe_ban.kernel.principal import Change
from qe_ban.keys import words
from qe_ban.keys.rings import KeyRings


@dataclass(frozen=True, slots=True)
class AlarmFilter:
    """Which alarms somebody asks for."""

    state: AlarmState = AlarmState.OPEN
    kind: AlarmKind | None = None
    before: UUID | None = None


def raise_(
    session: Session,
    kind: AlarmKind,
    subject: str,
    *,
    facts: Mapping[str, Any],
    at: datetime,
    count: int,
    now: datetime,
) -> UUID | None:
    """Open an alarm, or add to the open one; return the id of one that was opened.

    `count` facts, the newest at `at`, none of which was counted before. What is no newer than what is counted, in an
    open alarm or in one that was closed, changes nothing. The table decides between any number of watchers.
    """
    last = newest(session, kind, subject, lock=True)
    if last is not None and last.last_at >= at:
        return None
    alarm_id = new_id()
    new = insert(Alarm).values(
        id=alarm_id, kind=kind.value, subject=subject, opened_at=now, last_at=at, count=count, facts=dict(facts)
    )
    upsert = new.on_conflict_do_update(
        index_elements=["kind", "subject"],
        index_where=Alarm.closed_at.is_(None),
        set_={
            "count": Alarm.count + new.excluded["count"],
            "last_at": new.excluded.last_at,
            "facts": new.excluded.facts,
        },
        where=new.excluded.last_at > Alarm.last_at,
    ).returning(Alarm.id)
    if session.scalar(upsert) != alarm_id:
        return None
    # sealed with the log: whoever deletes the row does not delete that there was an alarm
    details = {"kind": kind.value, "about": about(subject)}
    record(session, at=now, actor=None, action="alarms.open", subject=str(alarm_id), details=details)
    return alarm_id


def newest(session: Session, kind: AlarmKind, subject: str, *, lock: bool = False) -> Alarm | None:
    """Return the open alarm of a kind and a subject, else the one that was closed last; `lock`: it stays as it is."""
    query = select(Alarm).where(Alarm.kind == kind.value, Alarm.subject == subject)
    query = query.order_by(Alarm.last_at.desc(), Alarm.closed_at.desc().nulls_first()).limit(1)
    if lock:
        query = query.with_for_update()
    return session.scalars(query.execution_options(populate_existing=True)).first()


def read_alarms(session: Session, *, alarm_filter: AlarmFilter, limit: int, change: Change) -> Sequence[Alarm]:
    """Return at most `limit` alarms, newest first, older than `alarm_filter.before`; the reading is recorded."""
    is_open = Alarm.closed_at.is_(None)
    query = select(Alarm).where(is_open if alarm_filter.state is AlarmState.OPEN else ~is_open)
    if alarm_filter.kind is not None:
        query = query.where(Alarm.kind == alarm_filter.kind.value)
    if alarm_filter.before is not None:
        query = query.where(Alarm.id < alarm_filter.before)
    alarms = session.scalars(query.order_by(Alarm.id.desc()).limit(limit)).all()
    details = {
        "state": alarm_filter.state.value,
        "kind": alarm_filter.kind.value if alarm_filter.kind else None,
        "before": str(alarm_filter.before) if alarm_filter.before else None,
    }
    record(
        session,
        at=change.at,
        actor=change.by,
        action="alarms.read",
        subject="alarms",
        details=details,
        request_id=change.request_id,
    )
    return alarms


def close_alarm(session: Session, rings: KeyRings, *, alarm_id: UUID, note: str, change: Change) -> Alarm:
    """Close an alarm, once, with what was found and done; by nobody whom it is about.

    Raises AlarmNotFound, AlarmClosed, AlarmAboutCaller, NoteRefused, KeyMissing.
    """
    if names_somebody(note):
        raise errors.NoteRefused(fields={"note": errors.NoteRefused.detail})
    alarm = session.get(Alarm, alarm_id, with_for_update=True)
    if alarm is None:
        raise errors.AlarmNotFound
    if alarm.closed_at is not None:
        raise errors.AlarmClosed
    if alarm.subject == str(change.by.id):
        raise errors.AlarmAboutCaller
    alarm.closed_at, alarm.closed_by, alarm.closing_note = change.at, change.by.id, words.PLACEHOLDER
    alarm.closing_note_sealed = words.seal(rings, words.CLOSING_NOTE, alarm.id, note, change.at)
    session.flush()
    before = {"state": AlarmState.OPEN.value, "count": alarm.count}
    after = {"state": AlarmState.CLOSED.value}
    details = {"kind": alarm.kind, "about": about(alarm.subject)}
    record_change(session, change, "alarms.close", str(alarm.id), before=before, after=after, **details)
    return alarm


def subjects_since(session: Session, kinds: Collection[AlarmKind], since: datetime) -> set[str]:
    """Return the subjects of alarms of these kinds with facts after a moment: what they did then is no habit."""
    of_kinds = Alarm.kind.in_([kind.value for kind in kinds])
    return set(session.scalars(select(Alarm.subject).where(of_kinds, Alarm.last_at > since)))


def count_open(session: Session) -> dict[AlarmKind, int]:
    """Return how many alarms of each kind are open; every kind is there."""
    query = select(Alarm.kind, func.count()).where(Alarm.closed_at.is_(None)).group_by(Alarm.kind)
    counts = {row[0]: row[1] for row in session.execute(query)}
    return {kind: counts.get(kind.value, 0) for kind in AlarmKind}


def forget_holders(session: Session, before: datetime) -> int:
    """Take holders' hashes from alarms whose facts all lie before a moment, when scans end; return from how many."""
    old = Alarm.subject.regexp_match(f"^{HASH}$") & (Alarm.last_at < before)
    replacement = func.concat(HOLDER, "/", Alarm.id)
    return len(session.scalars(update(Alarm).where(old).values(subject=replacement).returning(Alarm.id)).all())
