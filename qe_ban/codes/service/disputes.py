"""Disputes of scans: a resident says what is wrong with one, and the venue's district answers within fifteen days."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from qe_ban.accounts import service as accounts
from qe_ban.accounts.errors import WardNotFound
from qe_ban.accounts.service import notices
from qe_ban.audit import service as audit
from qe_ban.codes.errors import DisputeAnswered, DisputeExists, DisputeNotFound
from qe_ban.codes.models import Dispute
from qe_ban.codes.queries import Entry
from qe_ban.codes.rules.disputes import ANSWER_WITHIN, DisputeState
from qe_ban.codes.service import ledger
from qe_ban.codes.service.wallet import holder_hash
from qe_ban.kernel.clock import rfc3339
from qe_ban.kernel.ids import new_id
from qe_ban.kernel.principal import Principal
from qe_ban.keys import vault
from qe_ban.keys.rings import KeyRings

TEXT, ANSWER, RESIDENT = "disputes.text", "disputes.answer", "disputes.resident"


@dataclass(frozen=True, slots=True)
class Opened:
    """A dispute with what is sealed of it, or without where the reader is not to see it."""

    dispute: Dispute
    text: str | None = field(repr=False)
    answer: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Wanted:
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
) -> Opened:
    """Dispute a scan of a resident, once; `ward` is the guardianship by which `change.by` does so for another.

    Raises ScanNotFound, DisputeExists, KeyMissing.
    """
    number, entry = ledger.entry(session, rings, resident, scan)
    made, now = new_id(), change.at
    parties = [resident] if ward is None else [resident, change.by.id, ward]
    row = {
        "id": made,
        "scan_id": entry.id,
        # under the newest key, whichever the scan stands under: a dispute outlives the scan
        "holder": holder_hash(rings, number),
        "resident_sealed": vault.seal(rings, RESIDENT, made, " ".join(map(str, parties)), now),
        "district": entry.district,
        "scan": _copy(entry),
        "text_sealed": vault.seal(rings, TEXT, made, text, now),
        "state": DisputeState.OPEN.value,
        "opened_at": now,
        "due_at": now + ANSWER_WITHIN,
    }
    added = insert(Dispute).values(row).on_conflict_do_nothing(index_elements=["scan_id"]).returning(Dispute.id)
    if session.scalar(added) is None:
        raise DisputeExists
    # not who: the audit would name the resident beside the scan
    details = {"before": None, "after": {"state": DisputeState.OPEN.value, "district": entry.district}}
    audit.record(
        session,
        at=now,
        actor=None,
        action="disputes.open",
        subject=str(made),
        details=details,
        # nor by the request, in which a guardian is named
        request_id=change.request_id if ward is None else None,
    )
    return opened(rings, session.get_one(Dispute, made))


def mine(
    session: Session,
    rings: KeyRings,
    *,
    resident: UUID,
    guardian: UUID | None = None,
    before: UUID | None,
    limit: int,
) -> list[Opened]:
    """Give at most `limit` disputes of a resident's scans, newest first, older than `before`.

    A `guardian` who reads sees the words of those that the same person opened: others may be about them.
    """
    holders = list(ledger.holders(session, rings, resident))
    wanted = select(Dispute).where(Dispute.holder.in_(holders)).order_by(Dispute.id.desc()).limit(limit)
    if before is not None:
        wanted = wanted.where(Dispute.id < before)
    return [
        opened(rings, dispute)
        if guardian is None or guardian in _parties(rings, dispute)[1:2]
        else Opened(dispute, None, None)
        for dispute in session.scalars(wanted)
    ]


def listed(session: Session, *, reader: Principal, wanted: Wanted, limit: int, now: datetime) -> Sequence[Dispute]:
    """Give at most `limit` disputes of the venues that staff answer for, newest first; nothing sealed is opened."""
    found = select(Dispute).order_by(Dispute.id.desc()).limit(limit)
    if not reader.place.is_city:
        found = found.where(Dispute.district == (reader.place.district or ""))
    if wanted.state is not None:
        found = found.where(Dispute.state == wanted.state.value)
    if wanted.overdue is not None:
        overdue = (Dispute.state == DisputeState.OPEN.value) & (Dispute.due_at <= now)
        found = found.where(overdue if wanted.overdue else ~overdue)
    if wanted.before is not None:
        found = found.where(Dispute.id < wanted.before)
    return session.scalars(found).all()


def read(session: Session, rings: KeyRings, *, dispute_id: UUID, change: audit.Change) -> Opened:
    """Give a dispute with its text; who read it is audited. Raises DisputeNotFound."""
    dispute = _covered(session, dispute_id, change.by)
    _record(session, change, "disputes.read", dispute, {"state": dispute.state, "district": dispute.district})
    return opened(rings, dispute)


def answer(
    session: Session, rings: KeyRings, *, dispute_id: UUID, text: str, upheld: bool, change: audit.Change
) -> Opened:
    """Answer a dispute, once: the resident is told, and a guardian who opened it and still acts for the resident.

    Raises DisputeNotFound, DisputeAnswered.
    """
    dispute = _covered(session, dispute_id, change.by, lock=True)
    if dispute.state != DisputeState.OPEN:
        raise DisputeAnswered
    dispute.state = (DisputeState.UPHELD if upheld else DisputeState.DISMISSED).value
    dispute.answer_sealed = vault.seal(rings, ANSWER, dispute.id, text, change.at)
    dispute.answered_by, dispute.answered_at = change.by.id, change.at
    session.flush()
    details = {"before": {"state": DisputeState.OPEN.value}, "after": {"state": dispute.state}}
    _record(session, change, "disputes.answer", dispute, details)
    for concerned in _to_tell(session, rings, dispute, change.at):
        notices.tell(session, rings, resident_id=concerned, template="dispute_answered", now=change.at)
    return opened(rings, dispute)


def opened(rings: KeyRings, dispute: Dispute) -> Opened:
    """Open what is sealed of a dispute."""
    sealed = dispute.answer_sealed
    return Opened(
        dispute,
        vault.unseal(rings, TEXT, dispute.id, dispute.text_sealed),
        vault.unseal(rings, ANSWER, dispute.id, sealed) if sealed is not None else None,
    )


def _parties(rings: KeyRings, dispute: Dispute) -> list[UUID]:
    """Open whose scan it is, and who disputes it by which guardianship, where that is another."""
    sealed = dispute.resident_sealed
    return [UUID(one) for one in vault.unseal(rings, RESIDENT, dispute.id, sealed).split()] if sealed else []


def _to_tell(session: Session, rings: KeyRings, dispute: Dispute, now: datetime) -> list[UUID]:
    parties = _parties(rings, dispute)
    if len(parties) == 1 or not parties:
        return parties
    resident, guardian, guardianship = parties
    try:
        accounts.acting_for(session, guardian=guardian, ward=guardianship, now=now)
    except WardNotFound:
        return [resident]
    return [resident, guardian]


def _covered(session: Session, dispute_id: UUID, by: Principal, *, lock: bool = False) -> Dispute:
    """Find a dispute of a venue that a member of staff answers for. Raises DisputeNotFound."""
    dispute = session.get(Dispute, dispute_id, with_for_update=True if lock else None)
    if dispute is None or not by.place.covers_district(dispute.district):
        raise DisputeNotFound
    return dispute


def _record(session: Session, change: audit.Change, action: str, dispute: Dispute, details: dict[str, Any]) -> None:
    audit.record(
        session,
        at=change.at,
        actor=change.by,
        action=action,
        subject=str(dispute.id),
        details=details,
        request_id=change.request_id,
    )


def _copy(entry: Entry) -> dict[str, Any]:
    """Copy what is disputed, as JSON: the scan itself is forgotten sooner."""
    copied = asdict(entry)
    return copied | {"id": str(entry.id), "scan_id": str(entry.scan_id), "at": rfc3339(entry.at)}
