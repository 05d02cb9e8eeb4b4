"""Disputes of scans: a resident says what is wrong with one, and the venue's district answers within fifteen days.

Not those of the district who made the venue or let its scanners in: the accused does not judge the complaint.

A transaction that opens a dispute writes nothing in clear that names a resident, and the audit has the event, and a
guardian's, when the day is over (`dispute_events`): a moment, a neighbouring row or a request would tell whose scan it
was.
"""

from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, false, func, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from qe_ban.accounts import service as accounts
from qe_ban.accounts.errors import WardNotFound
from qe_ban.accounts.service import notices
from qe_ban.audit import service as audit
from qe_ban.codes.errors import DisputeAnswered, DisputeExists, DisputeInvolved, DisputeNotFound
from qe_ban.codes.models import Dispute
from qe_ban.codes.queries import Entry
from qe_ban.codes.rules.disputes import DisputeState, answer_due, columns_of
from qe_ban.codes.service import dispute_seals, ledger
from qe_ban.codes.service.hashing import dispute_hash
from qe_ban.kernel.clock import rfc3339, start_of_day
from qe_ban.kernel.ids import secret_id
from qe_ban.kernel.principal import Principal
from qe_ban.keys import data_keys, vault
from qe_ban.keys.data_keys import Owner
from qe_ban.keys.rings import KeyRings
from qe_ban.venues import service as venues

TEXT, ANSWER = "disputes.text", "disputes.answer"
APPEAL, APPEAL_ANSWER = "disputes.appeal", "disputes.appeal_answer"


@dataclass(frozen=True, slots=True)
class DisputeContent:
    """A dispute with what is sealed of it, or without where the reader is not to see it.

    `exact` and `appellant` are for those whose scan it is: staff read the row's day and hour. `guardian`: a guardian
    showed the code, which the row does not say in clear.
    """

    dispute: Dispute
    text: str | None = field(repr=False)
    answer: str | None = field(repr=False)
    appeal: str | None = field(default=None, repr=False)
    appeal_answer: str | None = field(default=None, repr=False)
    exact: dispute_seals.ExactScan | None = field(default=None, repr=False)
    appellant: dispute_seals.Appellant | None = field(default=None, repr=False)
    guardian: bool = field(default=False, repr=False)


@dataclass(frozen=True, slots=True)
class DisputeFilter:
    """Which disputes staff look for; `overdue`: those that are, or those that are not."""

    state: DisputeState | None = None
    overdue: bool | None = None
    before: UUID | None = None


def open_dispute(
    session: Session,
    rings: KeyRings,
    *,
    resident: UUID,
    ward: UUID | None = None,
    scan: UUID,
    text: str,
    change: audit.Change,
) -> DisputeContent:
    """Dispute a scan of a resident, once; `ward` is the guardianship by which `change.by` does so for another.

    Raises ScanNotFound, DisputeExists, KeyMissing.
    """
    number, venue, entry = ledger.entry(session, rings, resident, scan)
    # random: an id of the seventh version is the moment itself
    dispute_id, now = secret_id(), change.at
    parties = [resident] if ward is None else [resident, change.by.id, ward]
    exact = dispute_seals.ExactScan(now, _copy(entry))
    data_key = data_keys.allocate(rings, session, Owner.DISPUTE, now)
    row = {
        "id": dispute_id,
        "scan_id": entry.id,
        "venue_id": venue,
        # under the newest key, whichever the scan stands under: a dispute outlives the scan
        "holder": dispute_hash(rings, number, now),
        "resident_sealed": dispute_seals.seal_parties(rings, dispute_id, parties, now, data_key=data_key),
        "district": entry.district,
        "scan": dispute_seals.coarse_scan(dispute_id, exact.scan),
        "scan_sealed": dispute_seals.seal_scan(rings, dispute_id, exact, now, data_key=data_key),
        "text_sealed": vault.seal(rings, TEXT, dispute_id, text, now, data_key=data_key),
        "data_key": data_key,
        "state": DisputeState.OPEN.value,
        "opened_at": start_of_day(now),
        "due_at": answer_due(now),
        "open_recorded": False,
    }
    statement = insert(Dispute).values(row).on_conflict_do_nothing(index_elements=["scan_id"]).returning(Dispute.id)
    if session.scalar(statement) is None:
        raise DisputeExists
    return open_exactly(rings, session.get_one(Dispute, dispute_id))


def list_own(
    session: Session,
    rings: KeyRings,
    *,
    resident: UUID,
    guardian: UUID | None = None,
    before: UUID | None,
    limit: int,
) -> list[DisputeContent]:
    """Return at most `limit` disputes of a resident's scans, newest first, those after `before` in that order.

    A `guardian` who reads sees the words of those that the same person opened: others may be about them.
    """
    holders = ledger.dispute_holders(session, rings, resident)
    # all of them, for the order within a day is sealed; a person has few
    disputes = session.scalars(select(Dispute).where(Dispute.holder.in_(holders))).all()
    order = {dispute.id: (dispute_seals.open_scan(rings, dispute).opened_at, dispute.id) for dispute in disputes}
    newest = sorted(disputes, key=lambda dispute: order[dispute.id], reverse=True)
    if before is not None:
        newest = [dispute for dispute in newest if before in order and order[dispute.id] < order[before]]
    return [open_for(rings, dispute, guardian) for dispute in newest[:limit]]


def open_for(rings: KeyRings, dispute: Dispute, guardian: UUID | None) -> DisputeContent:
    """Open a dispute for the resident, or for a guardian what the same person wrote and was answered."""
    content = open_exactly(rings, dispute)
    if guardian is None:
        return content
    if guardian not in dispute_seals.open_parties(rings, dispute)[1:2]:
        return replace(content, text=None, answer=None, appeal=None, appeal_answer=None)
    if content.appellant is not None and content.appellant.is_guardian:
        return content
    return replace(content, appeal=None, appeal_answer=None)


def list_disputes(
    session: Session, rings: KeyRings, *, reader: Principal, filters: DisputeFilter, limit: int, now: datetime
) -> list[DisputeContent]:
    """Return at most `limit` disputes of the venues that staff answer for, the newest day first.

    Of what is sealed it is opened whether a guardian showed the code, and no words.
    """
    query = _by_day(filters.before).limit(limit)
    if not reader.place.is_city:
        query = query.where(Dispute.district == (reader.place.district or ""))
    if filters.state is not None:
        answer_state, appeal_state = columns_of(filters.state)
        query = query.where(Dispute.state == answer_state, Dispute.appeal_state.is_not_distinct_from(appeal_state))
    if filters.overdue is not None:
        is_open_too_long = (Dispute.state == DisputeState.OPEN.value) & (Dispute.due_at <= now)
        overdue = is_open_too_long | func.coalesce(
            (Dispute.appeal_state == "open") & (Dispute.appeal_due_at <= now), false()
        )
        query = query.where(overdue if filters.overdue else ~overdue)
    return [
        DisputeContent(dispute, None, None, guardian=dispute_seals.shown_by_guardian(rings, dispute))
        for dispute in session.scalars(query)
    ]


def read_dispute(session: Session, rings: KeyRings, *, dispute_id: UUID, change: audit.Change) -> DisputeContent:
    """Return a dispute with its text; who read it is audited. Raises DisputeNotFound."""
    dispute = find_covered(session, dispute_id, change.by)
    record(session, change, "disputes.read", dispute, {"state": dispute.state, "district": dispute.district})
    return open_for_staff(rings, dispute)


def answer_dispute(
    session: Session, rings: KeyRings, *, dispute_id: UUID, text: str, upheld: bool, change: audit.Change
) -> DisputeContent:
    """Answer a dispute, once: the resident is told, and a guardian who opened it and still acts for the resident.

    Raises DisputeNotFound, DisputeInvolved, DisputeAnswered.
    """
    dispute = find_covered(session, dispute_id, change.by, lock=True)
    require_uninvolved(session, dispute, change.by)
    if dispute.state != DisputeState.OPEN:
        raise DisputeAnswered
    dispute.state = (DisputeState.UPHELD if upheld else DisputeState.DISMISSED).value
    dispute.answer_sealed = seal(rings, ANSWER, dispute, text, change.at)
    dispute.answered_by, dispute.answered_at = change.by.id, change.at
    session.flush()
    details = {"before": {"state": DisputeState.OPEN.value}, "after": {"state": dispute.state}}
    record(session, change, "disputes.answer", dispute, details)
    for recipient in list_recipients(session, rings, dispute, change.at):
        notices.tell(session, rings, resident_id=recipient, template="dispute_answered", now=change.at)
    return open_for_staff(rings, dispute)


def require_uninvolved(session: Session, dispute: Dispute, by: Principal) -> None:
    """Raise DisputeInvolved for who had a part in the venue or in a scanner of it."""
    if venues.is_involved(
        session,
        staff_id=by.id,
        venue_id=dispute.venue_id,
        name=dispute.scan["venue"],
        district=dispute.district,
    ):
        raise DisputeInvolved


def seal(rings: KeyRings, column: str, dispute: Dispute, text: str, now: datetime) -> bytes:
    """Seal words of a dispute. Raises KeyMissing."""
    return vault.seal(rings, column, dispute.id, text, now, data_key=dispute.data_key)


def open_for_staff(rings: KeyRings, dispute: Dispute) -> DisputeContent:
    """Open what is sealed of a dispute."""

    def text_of(column: str, ciphertext: bytes | None) -> str | None:
        return vault.unseal(rings, column, dispute.id, ciphertext) if ciphertext is not None else None

    return DisputeContent(
        dispute,
        text_of(TEXT, dispute.text_sealed),
        text_of(ANSWER, dispute.answer_sealed),
        text_of(APPEAL, dispute.appeal_sealed),
        text_of(APPEAL_ANSWER, dispute.appeal_answer_sealed),
        guardian=dispute_seals.shown_by_guardian(rings, dispute),
    )


def open_exactly(rings: KeyRings, dispute: Dispute) -> DisputeContent:
    """Open a dispute for whom it concerns, with the exact moments."""
    exact, appellant = dispute_seals.open_scan(rings, dispute), dispute_seals.open_appellant(rings, dispute)
    return replace(open_for_staff(rings, dispute), exact=exact, appellant=appellant)


def list_recipients(session: Session, rings: KeyRings, dispute: Dispute, now: datetime) -> list[UUID]:
    """Return who is told of an answer: the resident, and a guardian who asked for it and still acts."""
    parties, appellant = dispute_seals.open_parties(rings, dispute), dispute_seals.open_appellant(rings, dispute)
    # a ward may appeal alone, also of what a guardian disputed: the answer is the ward's
    if len(parties) < 2 or (appellant is not None and not appellant.is_guardian):
        return parties[:1]
    resident, guardian, guardianship = parties
    try:
        accounts.acting_for(session, guardian=guardian, ward=guardianship, now=now)
    except WardNotFound:
        return [resident]
    return [resident, guardian]


def find_covered(session: Session, dispute_id: UUID, by: Principal, *, lock: bool = False) -> Dispute:
    """Find a dispute of a venue that a member of staff answers for. Raises DisputeNotFound."""
    dispute = session.get(Dispute, dispute_id, with_for_update=True if lock else None)
    if dispute is None or not by.place.covers_district(dispute.district):
        raise DisputeNotFound
    return dispute


def record(session: Session, change: audit.Change, action: str, dispute: Dispute, details: dict[str, Any]) -> None:
    """Record what a member of staff did with a dispute."""
    audit.record(
        session,
        at=change.at,
        actor=change.by,
        action=action,
        subject=str(dispute.id),
        details=details,
        request_id=change.request_id,
    )


def _by_day(before: UUID | None) -> Select[Dispute]:
    """Return all disputes, the newest day first, those after `before` in that order where it is given."""
    order = tuple_(Dispute.opened_at, Dispute.id)
    query = select(Dispute).order_by(Dispute.opened_at.desc(), Dispute.id.desc())
    if before is None:
        return query
    last = select(Dispute.opened_at, Dispute.id).where(Dispute.id == before)
    return query.where(order < last.scalar_subquery())


def _copy(entry: Entry) -> dict[str, Any]:
    """Copy what is disputed, as JSON: the scan itself is forgotten sooner."""
    content = asdict(entry)
    return content | {"id": str(entry.id), "scan_id": str(entry.scan_id), "at": rfc3339(entry.at)}
