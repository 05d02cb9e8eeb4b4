"""The course of a demand: its steps, each kept and audited, and the opening of what is sealed in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, or_, select, update
from sqlalchemy.orm import Session

from qe_ban.audit import service as audit
from qe_ban.keys import data_keys, vault, words
from qe_ban.keys.data_files import DataKeyDestroyed
from qe_ban.keys.rings import KeyRings
from qe_ban.zones import errors
from qe_ban.zones.models import Demand, DemandStep, Sunset
from qe_ban.zones.rules import demands as rules
from qe_ban.zones.rules.demands import DemandState, Step

_NOTE: Final = "demand_steps.note"


@dataclass(frozen=True, slots=True)
class StepTaken:
    """A step of the course as people read it; `note` is an answer, a reason or a reply."""

    at: datetime
    by_kind: str
    state: DemandState
    note: str | None


@dataclass(frozen=True, slots=True)
class DemandDetails:
    """A demand with what is sealed in it (of one that was withdrawn nothing), and its course, oldest step first."""

    demand: Demand
    text: str | None
    contact: str | None
    phone: str | None
    answer: str | None
    steps: Sequence[StepTaken]


def standing(now: datetime) -> Select[Demand]:
    """Select demands but those of zones whose deletion is due: they are gone, also while the worker is at it."""
    due = select(Sunset.zone).where(Sunset.zone == Demand.zone, _going(now))
    return select(Demand).where(~due.exists())


def is_going(session: Session, zone: str, now: datetime) -> bool:
    """Return whether the deletion of a zone's demands is due, begun or done."""
    return session.scalar(select(Sunset.zone).where(Sunset.zone == zone, _going(now)).limit(1)) is not None


def step(session: Session, rings: KeyRings, demand: Demand, step: Step, note: str | None, change: audit.Change) -> None:
    """Take a step with a demand that is locked; one that is withdrawn forgets who sent it and what was said.

    The audit event tells the states and no text. Raises StepNotAllowed.
    """
    before = DemandState(demand.state)
    after = rules.after(before, step)
    if after is None:
        raise errors.StepNotAllowed(f"需求{rules.STATE_NAMES[before]}，不能进行此操作", state=before.value)
    demand.state, demand.updated_at = after.value, change.at
    demand.revision += 1
    if after is DemandState.WITHDRAWN:
        _forget(rings, session, demand)
    note_step(session, rings, demand, change, note=note)
    details = ({"state": before.value}, {"state": after.value})
    audit.record_change(
        session, change, f"demands.{step}", str(demand.id), before=details[0], after=details[1], zone=demand.zone
    )


def note_step(session: Session, rings: KeyRings, demand: Demand, change: audit.Change, *, note: str | None) -> None:
    """Keep a step: who, when, to which state, and what was said, sealed."""
    step_row = DemandStep(
        demand_id=demand.id, at=change.at, by_kind=change.by.kind.value, by=change.by.id, state=demand.state
    )
    session.add(step_row)
    if note is not None:
        # the seal is bound to the row, whose number the database gives
        session.flush()
        step_row.note_sealed = vault.seal(rings, _NOTE, step_row.id, note, change.at, data_key=demand.data_key)


def open_demand(session: Session, rings: KeyRings, demand: Demand) -> DemandDetails:
    """Open what is sealed in a demand. Raises DemandNotFound, DataKeyDestroyed."""
    try:
        return _open_demand(session, rings, demand)
    except DataKeyDestroyed:
        # it was withdrawn, or erased, after its row was read: what stands now tells that
        demand_id = demand.id
        session.expire(demand)
        if session.scalar(select(Demand.id).where(Demand.id == demand_id)) is None:
            raise errors.DemandNotFound from None
        return _open_demand(session, rings, demand)


def title_of(rings: KeyRings, demand: Demand) -> str | None:
    """Return a demand's title, or the words in its place where it was withdrawn. Raises KeyMissing."""
    try:
        return words.read(rings, words.DEMAND_TITLE, demand.id, demand.title_sealed, demand.title)
    except DataKeyDestroyed:
        # a list that was read just before
        return rules.WITHDRAWN_TITLE


def seal(rings: KeyRings, column: str, demand: Demand, text: str, now: datetime) -> bytes:
    """Seal a text for a column of a demand. Raises KeyMissing."""
    return vault.seal(rings, f"demands.{column}", demand.id, text, now, data_key=demand.data_key)


def _open_demand(session: Session, rings: KeyRings, demand: Demand) -> DemandDetails:
    steps = select(DemandStep).where(DemandStep.demand_id == demand.id).order_by(DemandStep.id)
    rows = session.scalars(steps.execution_options(populate_existing=True)).all()
    return DemandDetails(
        demand=demand,
        text=_unseal(rings, "text", demand.id, demand.text_sealed),
        contact=_unseal(rings, "contact", demand.id, demand.contact_sealed),
        phone=_unseal(rings, "phone", demand.id, demand.phone_sealed),
        answer=_unseal(rings, "answer", demand.id, demand.answer_sealed),
        steps=[_open_step(rings, one) for one in rows],
    )


def _unseal(rings: KeyRings, column: str, demand_id: UUID, ciphertext: bytes | None) -> str | None:
    return vault.unseal(rings, f"demands.{column}", demand_id, ciphertext) if ciphertext is not None else None


def _forget(rings: KeyRings, session: Session, demand: Demand) -> None:
    """Erase what a firm takes back with its consent: title, text, contact, and all that was written about it."""
    data_keys.discard(session, [demand.data_key])
    data_keys.destroy_on_commit(rings, session)
    demand.data_key = None
    demand.title, demand.title_sealed = rules.WITHDRAWN_TITLE, None
    demand.text_sealed = demand.contact_sealed = demand.phone_sealed = demand.answer_sealed = None
    session.execute(update(DemandStep).where(DemandStep.demand_id == demand.id).values(note_sealed=None))


def _open_step(rings: KeyRings, one: DemandStep) -> StepTaken:
    note = vault.unseal(rings, _NOTE, one.id, one.note_sealed) if one.note_sealed is not None else None
    return StepTaken(one.at, one.by_kind, DemandState(one.state), note)


def _going(now: datetime) -> ColumnElement[bool]:
    return or_(Sunset.due_at <= now, Sunset.progress.is_not(None))
