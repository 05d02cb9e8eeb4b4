"""Changes of level as they are proposed, and as staff read them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from qe_ban.accounts.service import proposals
from qe_ban.accounts.service import residents as people
from qe_ban.accounts.service.look_ups import LookUpIds
from qe_ban.audit import service as audit
from qe_ban.codes.service import levels as codes
from qe_ban.health.errors import ChangeInvalid, ChangeNotFound, ChangePending, SourceDecides
from qe_ban.health.models import HealthChange, HealthLevel
from qe_ban.health.rules import ChangeState, LevelState, check_change, check_list
from qe_ban.health.service.digests import digest_of
from qe_ban.health.service.levels import REASON, Health, reason_of, record_read
from qe_ban.kernel.clock import rfc3339
from qe_ban.kernel.ids import new_id
from qe_ban.keys import vault

ACTION = "health.set_level"
"""The action of the proposals; they are approved in `deciding` and nowhere else, where the change is carried out."""


@dataclass(frozen=True, slots=True)
class ChangeRequest:
    """What is proposed: a level for residents until a moment, on a basis of the city's list and for a reason.

    `residents` are the ids that the proposer's look-ups gave for the case.
    `expected_count` is the number that the proposer states: it must be the list's.
    """

    residents: Sequence[UUID]
    expected_count: int
    level: str
    basis: str
    reason: str = field(repr=False)
    ends_at: datetime
    case_number: str


@dataclass(frozen=True, slots=True)
class ChangeResident:
    """A resident of a change as staff see one: the name masked, the level before it came into force, its state."""

    id: UUID
    name: str | None
    state: LevelState
    before: str | None


@dataclass(frozen=True, slots=True)
class ChangeContent:
    """A change with its reason and, where it is read alone, those whom it concerns now."""

    change: HealthChange
    state: ChangeState
    reason: str | None = field(repr=False)
    residents: Sequence[ChangeResident] = ()


def propose_change(health: Health, session: Session, *, request: ChangeRequest, change: audit.Change) -> ChangeContent:
    """Propose a change of level; another person approves it within a day. All residents or none.

    Raises SourceDecides, ChangeInvalid, ChangePending.
    """
    if codes.has_source(health.sources):
        raise SourceDecides
    now = change.at
    check_change(health.city, level=request.level, basis=request.basis, ends_at=request.ends_at, now=now)
    if len(request.residents) > health.city.max_residents:
        raise ChangeInvalid(fields={"residents": f"一次最多 {health.city.max_residents} 人"})
    by_id = LookUpIds(health.rings, change.by.id, now).resolve(session, request.residents, request.case_number)
    id_of = {resident: id_ for id_, resident in by_id.items()}
    ids = sorted(id_of)
    # residents before changes, as whoever closes an account locks them
    people.lock_open(session, ids)
    answers = codes.health_answers(session, health.sources, ids, now)
    # two ids of one resident are one, and what is refused is named as it was sent
    as_sent = [id_of[by_id[id_]] if id_ in by_id else id_ for id_ in request.residents]
    check_list(as_sent, request.expected_count, {id_of[resident] for resident in answers})
    drop_lapsed(session, now)
    row = _add_change(health, session, request, ids, change)
    _add_residents(session, row, id_of)
    audit.record(
        session,
        at=now,
        actor=change.by,
        action="health.propose",
        subject=str(row.id),
        details=_details(row) | {"residents": [str(resident) for resident in ids]},
        case_number=request.case_number,
        request_id=change.request_id,
    )
    return show_change(health, session, row, now)


def _add_change(
    health: Health, session: Session, request: ChangeRequest, ids: Sequence[UUID], change: audit.Change
) -> HealthChange:
    change_id = new_id()
    row = HealthChange(
        id=change_id,
        level=request.level,
        basis=request.basis,
        reason_sealed=vault.seal(health.rings, REASON, change_id, request.reason, change.at),
        ends_at=request.ends_at,
        number=len(ids),
        digest=digest_of(health.rings, change_id, ids),
        state=ChangeState.PROPOSED.value,
        proposed_by=change.by.id,
        proposed_at=change.at,
    )
    proposal = proposals.Wanted(ACTION, str(change_id), _details(row))
    row.proposal_id = proposals.propose(session, proposal, by=change.by, now=change.at).id
    session.add(row)
    session.flush()
    return row


def _details(row: HealthChange) -> dict[str, object]:
    """Return what is proposed as proposals and audit events keep it: nothing of the reason, nobody's id."""
    return {
        "level": row.level,
        "basis": row.basis,
        "ends_at": rfc3339(row.ends_at),
        "number": row.number,
        "digest": row.digest.hex(),
    }


def _add_residents(session: Session, row: HealthChange, id_of: Mapping[UUID, UUID]) -> None:
    """Put the residents under a change, in the order of their ids: two lists that overlap never wait in a ring.

    `id_of` has the proposer's id for each. Raises ChangePending where one of them waits in another change.
    """
    rows = [
        {
            "id": new_id(),
            "change_id": row.id,
            "resident_id": resident,
            "state": LevelState.WAITING.value,
            "ends_at": row.ends_at,
        }
        for resident in sorted(id_of)
    ]
    statement = insert(HealthLevel).values(rows).on_conflict_do_nothing().returning(HealthLevel.resident_id)
    pending = id_of.keys() - set(session.scalars(statement))
    if pending:
        raise ChangePending(residents=sorted(str(id_of[resident]) for resident in pending))


def drop_lapsed(session: Session, now: datetime) -> int:
    """Let go of what nobody approved within a day, so that it can be proposed anew; returns how many changes."""
    waiting = HealthChange.state == ChangeState.PROPOSED.value
    due = select(HealthChange).where(waiting, HealthChange.proposed_at <= now - proposals.LASTS)
    rows = session.scalars(due.order_by(HealthChange.id).with_for_update(skip_locked=True)).all()
    for row in rows:
        row.state, row.decided_at = ChangeState.LAPSED.value, now
        drop_waiting(session, row)
        details = {"before": {"state": ChangeState.PROPOSED.value}, "after": {"state": row.state}, "number": row.number}
        audit.record(session, at=now, actor=None, action="health.lapse", subject=str(row.id), details=details)
    session.flush()
    return len(rows)


def drop_waiting(session: Session, change: HealthChange) -> None:
    """End the waiting of all residents of a change that comes to nothing."""
    mine = (HealthLevel.change_id == change.id) & (HealthLevel.state == LevelState.WAITING.value)
    session.execute(update(HealthLevel).where(mine).values(state=LevelState.DROPPED.value))


def list_changes(
    health: Health, session: Session, *, state: ChangeState, after: UUID | None, limit: int, change: audit.Change
) -> list[ChangeContent]:
    """Return at most `limit` changes of a state, oldest first, those after `after`, without their residents."""
    query = select(HealthChange).where(HealthChange.state == state.value).order_by(HealthChange.id).limit(limit)
    if after is not None:
        query = query.where(HealthChange.id > after)
    rows = session.scalars(query).all()
    details = {"state": state.value, "changes": [str(row.id) for row in rows]}
    record_read(session, change, "health.read", "changes", details)
    return [ChangeContent(row, state_at(row, change.at), reason_of(health.rings, row)) for row in rows]


def read_change(health: Health, session: Session, *, change_id: UUID, change: audit.Change) -> ChangeContent:
    """Return a change with those whom it concerns, masked; the reading is audited. Raises ChangeNotFound."""
    row = session.get(HealthChange, change_id)
    if row is None:
        raise ChangeNotFound
    record_read(session, change, "health.read", str(row.id), {"state": row.state, "number": row.number})
    return show_change(health, session, row, change.at)


def show_change(health: Health, session: Session, row: HealthChange, now: datetime) -> ChangeContent:
    """Return a change whole."""
    mine = select(HealthLevel).where(HealthLevel.change_id == row.id).order_by(HealthLevel.resident_id)
    rows = session.scalars(mine.execution_options(populate_existing=True)).all()
    names = people.masked_names(health.rings, session, [level.resident_id for level in rows])
    residents = [
        ChangeResident(level.resident_id, names.get(level.resident_id), LevelState(level.state), level.before)
        for level in rows
    ]
    return ChangeContent(row, state_at(row, now), reason_of(health.rings, row), residents)


def state_at(row: HealthChange, now: datetime) -> ChangeState:
    """Return where a change stands: past its day it has lapsed, whether or not that is written already."""
    state = ChangeState(row.state)
    is_over = state is ChangeState.PROPOSED and row.proposed_at <= now - proposals.LASTS
    return ChangeState.LAPSED if is_over else state
