"""What a zone's editors do with firms' demands: list, count, read, accept, answer, refuse, close."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from qe_ban.audit import service as audit
from qe_ban.kernel.city import City
from qe_ban.kernel.principal import Principal, PrincipalKind
from qe_ban.keys.rings import KeyRings
from qe_ban.zones import errors
from qe_ban.zones.models import Demand
from qe_ban.zones.rules import demands as rules
from qe_ban.zones.rules.demands import DemandState, Step
from qe_ban.zones.service import demand_history
from qe_ban.zones.service.demand_history import DemandDetails
from qe_ban.zones.service.screens import covers

ACTION_READ: Final = "demands.read"


@dataclass(frozen=True, slots=True)
class DemandFilter:
    """Which demands are looked for."""

    state: DemandState | None = None
    industry: str | None = None
    before: UUID | None = None


def list_demands(
    session: Session, city: City, *, zone: str, filter_: DemandFilter, limit: int, change: audit.Change
) -> Sequence[Demand]:
    """Return at most `limit` demands of a zone, newest first; of what is sealed only the title is read.

    Raises ZoneNotFound, OtherZone.
    """
    _check(city, zone, change.by)
    query = demand_history.standing(change.at).where(Demand.zone == zone).order_by(Demand.id.desc()).limit(limit)
    if filter_.state is not None:
        query = query.where(Demand.state == filter_.state.value)
    if filter_.industry is not None:
        query = query.where(Demand.industry == filter_.industry)
    if filter_.before is not None:
        query = query.where(Demand.id < filter_.before)
    return session.scalars(query).all()


def counts(session: Session, city: City, *, zone: str, change: audit.Change) -> dict[DemandState, int]:
    """Return how many demands of a zone stand in each state. Raises ZoneNotFound, OtherZone."""
    _check(city, zone, change.by)
    standing = demand_history.standing(change.at).where(Demand.zone == zone).subquery()
    query = select(standing.c.state, func.count()).group_by(standing.c.state)
    by_state: dict[str, int] = {row[0]: row[1] for row in session.execute(query)}
    return {state: by_state.get(state.value, 0) for state in DemandState}


def read(
    session: Session, rings: KeyRings, city: City, *, zone: str, demand_id: UUID, change: audit.Change
) -> DemandDetails:
    """Return a demand opened, with its course; who read it, and when, is audited.

    Raises ZoneNotFound, OtherZone, DemandNotFound.
    """
    _check(city, zone, change.by)
    demand = session.scalar(demand_history.standing(change.at).where(Demand.id == demand_id, Demand.zone == zone))
    if demand is None:
        raise errors.DemandNotFound
    audit.record(
        session,
        at=change.at,
        actor=change.by,
        action=ACTION_READ,
        subject=str(demand.id),
        details={"zone": zone, "state": demand.state},
        request_id=change.request_id,
    )
    return demand_history.open_demand(session, rings, demand)


def take(
    session: Session,
    rings: KeyRings,
    city: City,
    *,
    zone: str,
    demand_id: UUID,
    step: Step,
    note: str | None,
    precondition: audit.Precondition,
    change: audit.Change,
) -> Demand:
    """Take a step with a demand; `note` is the answer or the reason, which the firm reads.

    Raises ZoneNotFound, OtherZone, DemandNotFound, StepNotAllowed, and what the precondition raises.
    """
    _check(city, zone, change.by)
    demand = session.scalar(
        demand_history.standing(change.at).where(Demand.id == demand_id, Demand.zone == zone).with_for_update(of=Demand)
    )
    if demand is None:
        raise errors.DemandNotFound
    precondition(tag_of(demand))
    demand_history.step(session, rings, demand, step, note, change)
    if step is Step.ANSWER and note is not None:
        demand.answer_sealed = demand_history.seal(rings, "answer", demand, note, change.at)
    return demand


def tag_of(demand: Demand) -> str:
    """Return what a change must believe a demand to be."""
    return str(demand.revision)


def list_allowed_steps(demand: Demand) -> list[Step]:
    """Return what the editors may do with a demand."""
    return rules.steps_of(DemandState(demand.state), PrincipalKind.STAFF)


def _check(city: City, zone: str, by: Principal) -> None:
    if zone not in city.zones:
        raise errors.ZoneNotFound
    if not covers(by.place, zone):
        raise errors.OtherZone
