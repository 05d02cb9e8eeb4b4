"""What residents do with their firms' demands: send, read, withdraw, and say whether the answer has helped."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from qe_ban.audit import service as audit
from qe_ban.kernel.city import City
from qe_ban.kernel.clock import Clock
from qe_ban.kernel.identifiers import normalise_uscc
from qe_ban.kernel.ids import new_id
from qe_ban.kernel.principal import Principal, PrincipalKind
from qe_ban.keys import data_keys, words
from qe_ban.keys.data_keys import Owner
from qe_ban.keys.rings import KeyRings
from qe_ban.publishing.rules.states import PageKind
from qe_ban.publishing.service import contents, page_end, pages
from qe_ban.zones import errors
from qe_ban.zones.models import Demand
from qe_ban.zones.rules import demands as rules
from qe_ban.zones.rules import forms
from qe_ban.zones.rules.demands import DemandState, Step
from qe_ban.zones.rules.forms import Form, Submission
from qe_ban.zones.service import demand_history
from qe_ban.zones.service.demand_history import DemandDetails

ACTION_SENT: Final = "demands.send"


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends, and in which request; when is looked up once the page is held."""

    by: Principal
    clock: Clock
    request_id: str | None = None


def send(session: Session, rings: KeyRings, city: City, *, zone: str, submission: Submission, sender: Sender) -> Demand:
    """Take a firm's demand, while the zone and its form are shown; with it the version that says the text of consent.

    The page is held against its end: a demand is taken before it and deleted with the zone, or refused. Raises
    ZoneNotFound, FormClosed, ConsentChanged, DemandInvalid, TooManyDemands.
    """
    if zone not in city.zones:
        raise errors.ZoneNotFound
    page_end.read_end_shared(session, PageKind.ZONE, zone)
    now = sender.clock()
    form, version = _form(session, zone, submission, now)
    faults = forms.faults(form, submission)
    if faults:
        raise errors.DemandInvalid(fields=faults)
    _check_day(session, sender.by.id, now)
    demand = _new_demand(zone, submission, version, sender.by.id, now)
    _seal(rings, demand, submission, data_keys.allocate(rings, session, Owner.DEMAND, now))
    session.add(demand)
    session.flush()
    change = audit.Change(sender.by, now, sender.request_id)
    demand_history.note_step(session, rings, demand, change, note=None)
    after = {"state": demand.state, "zone": zone, "block": demand.block, "version": version}
    audit.record_change(session, change, ACTION_SENT, str(demand.id), before=None, after=after)
    return demand


def mine(session: Session, *, reader: Principal, before: UUID | None, limit: int, now: datetime) -> Sequence[Demand]:
    """Return at most `limit` demands that a resident has sent, newest first, whatever the zone."""
    query = demand_history.standing(now).where(Demand.resident_id == reader.id).order_by(Demand.id.desc()).limit(limit)
    if before is not None:
        query = query.where(Demand.id < before)
    return session.scalars(query).all()


def one_of_mine(
    session: Session, rings: KeyRings, *, reader: Principal, demand_id: UUID, now: datetime
) -> DemandDetails:
    """Return a demand that a resident has sent, opened, with its course. Raises DemandNotFound."""
    demand = session.scalar(demand_history.standing(now).where(Demand.id == demand_id, Demand.resident_id == reader.id))
    if demand is None:
        raise errors.DemandNotFound
    return demand_history.open_demand(session, rings, demand)


def withdraw(session: Session, rings: KeyRings, *, demand_id: UUID, change: audit.Change) -> Demand:
    """Take a demand back, and the consent with it: contact and texts are erased.

    Raises DemandNotFound, StepNotAllowed.
    """
    return _step(session, rings, demand_id, Step.WITHDRAW, None, change)


def reply(
    session: Session, rings: KeyRings, *, demand_id: UUID, is_solved: bool, text: str | None, change: audit.Change
) -> Demand:
    """Record whether an answer has helped: that closes the demand, or gives it back to the editors.

    Raises DemandNotFound, StepNotAllowed.
    """
    return _step(session, rings, demand_id, Step.SETTLE if is_solved else Step.REOPEN, text, change)


def _step(
    session: Session, rings: KeyRings, demand_id: UUID, step: Step, note: str | None, change: audit.Change
) -> Demand:
    demand = session.scalar(
        demand_history.standing(change.at)
        .where(Demand.id == demand_id, Demand.resident_id == change.by.id)
        .with_for_update(of=Demand)
    )
    if demand is None:
        raise errors.DemandNotFound
    demand_history.step(session, rings, demand, step, note, change)
    return demand


def _form(session: Session, zone: str, submission: Submission, now: datetime) -> tuple[Form, int]:
    """Return the form and the version of the page in force."""
    version = pages.in_force(session, PageKind.ZONE, zone, now)
    if version is None:
        raise errors.ZoneNotFound
    form = forms.form_of(version.content, submission.block, now)
    # the worker's clock may be ahead of ours: what it has begun to delete grows no more
    if form is None or demand_history.is_going(session, zone, now):
        raise errors.FormClosed
    if submission.version is not None and submission.version != version.number:
        content = contents.content_of(session, PageKind.ZONE, zone, submission.version)
        old_form = forms.form_of(content, submission.block, now) if content is not None else None
        if old_form is None or old_form.consent != form.consent:
            raise errors.ConsentChanged
    return form, version.number


def _check_day(session: Session, resident: UUID, now: datetime) -> None:
    """Count what a resident has sent today; one who sends twice at once is counted one after the other."""
    digest = hashlib.sha256(f"demands\0{resident}".encode()).digest()
    session.execute(select(func.pg_advisory_xact_lock(int.from_bytes(digest[:8], signed=True))))
    begin, end = rules.day_of(now)
    today = (Demand.resident_id == resident) & (Demand.created_at >= begin) & (Demand.created_at < end)
    if (session.scalar(select(func.count()).where(today)) or 0) >= rules.MOST_A_DAY:
        raise errors.TooManyDemands(int((end - now).total_seconds()) + 1)


def _new_demand(zone: str, submission: Submission, version: int, resident: UUID, now: datetime) -> Demand:
    return Demand(
        id=new_id(),
        zone=zone,
        resident_id=resident,
        state=DemandState.RECEIVED.value,
        revision=1,
        firm=submission.firm,
        uscc=normalise_uscc(submission.uscc),
        industry=submission.industry,
        size=submission.size,
        solution=submission.solution,
        title=words.PLACEHOLDER,
        block=submission.block,
        version=version,
        consented_at=now,
        created_at=now,
        updated_at=now,
    )


def _seal(rings: KeyRings, demand: Demand, submission: Submission, data_key: int | None) -> None:
    now, demand.data_key = demand.created_at, data_key
    demand.title_sealed = words.seal(rings, words.DEMAND_TITLE, demand.id, submission.title, now, data_key=data_key)
    demand.text_sealed = demand_history.seal(rings, "text", demand, submission.text, now)
    demand.contact_sealed = demand_history.seal(rings, "contact", demand, submission.contact, now)
    demand.phone_sealed = demand_history.seal(rings, "phone", demand, forms.phone(submission.phone), now)


def list_allowed_steps(demand: Demand) -> list[Step]:
    """Return what a resident may do with a demand of theirs."""
    return rules.steps_of(DemandState(demand.state), PrincipalKind.RESIDENT)
