"""The audit's events of disputes and appeals, recorded when the day is over: none tells when a resident acted.

An event at its moment would name the dispute beside what the resident did at that moment: the access log, a guardian's
own event, the row that the same transaction wrote. So the audit has the day: of disputes in the order of their random
ids, and after them, in an order of lot, which guardians acted for whom. Until then a guardian's act is sealed in the
dispute's row.
"""

import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from qe_ban.audit import service as audit
from qe_ban.codes.models import Dispute
from qe_ban.codes.rules.disputes import DisputeState
from qe_ban.codes.service import dispute_seals
from qe_ban.kernel.clock import CITY_TIME, start_of_day
from qe_ban.kernel.principal import Actor, PrincipalKind
from qe_ban.keys.data_files import DataKeyDestroyed
from qe_ban.keys.rings import KeyRings

STEP: Final = 500


@dataclass(frozen=True, slots=True)
class GuardiansAct:
    """That a guardian disputed or appealed for a ward on a day, by a guardianship: not which dispute it was."""

    action: str
    guardian: UUID
    guardianship: UUID
    day: datetime


def record_step(session: Session, rings: KeyRings, now: datetime) -> int:
    """Record what residents and guardians opened and appealed of before today, at most 500 disputes; return how many.

    The events bear the moment of the recording, and the day in their details. Raises KeyMissing, DataKeysAway.
    """
    today = start_of_day(now)
    is_due = or_(
        ~Dispute.open_recorded & (Dispute.opened_at < today), ~Dispute.appeal_recorded & (Dispute.appealed_at < today)
    )
    query = select(Dispute).where(is_due).order_by(Dispute.id).limit(STEP).with_for_update(skip_locked=True)
    disputes = session.scalars(query).all()
    acts = [act for dispute in disputes for act in _acts(rings, dispute) if act.day < today]
    for dispute in disputes:
        if not dispute.open_recorded:
            after = {"state": DisputeState.OPEN.value, "district": dispute.district}
            _record(session, dispute, "disputes.open", dispute.opened_at, now, before=None, after=after)
            dispute.open_recorded = True
        if dispute.appealed_at is not None and not dispute.appeal_recorded and dispute.appealed_at < today:
            before, after = {"state": DisputeState.DISMISSED.value}, {"state": DisputeState.APPEALED.value}
            _record(session, dispute, "disputes.appeal", dispute.appealed_at, now, before=before, after=after)
            dispute.appeal_recorded = True
    _record_acts(session, acts, now)
    return len(disputes)


def record_acts(session: Session, rings: KeyRings, disputes: Iterable[Dispute], now: datetime) -> None:
    """Record what guardians did with disputes that are about to lose it, before their day is over. Raises KeyMissing.

    A closed account's disputes are deleted, and of a guardian's the disputes of wards forget who opened them.
    """
    _record_acts(session, [act for dispute in disputes for act in _acts(rings, dispute)], now)


def conceal_step(session: Session, rings: KeyRings, now: datetime) -> int:
    """Seal what rows that the previous release wrote say in clear, at most 500 of them; return how many.

    Raises KeyMissing.
    """
    in_clear = or_(
        Dispute.scan_sealed.is_(None),
        Dispute.appealed_at.is_not(None) & Dispute.appellant_sealed.is_(None),
        Dispute.scan["guardian"].as_boolean(),
    )
    query = select(Dispute).where(in_clear).order_by(Dispute.id).limit(STEP).with_for_update(skip_locked=True)
    disputes = session.scalars(query).all()
    for dispute in disputes:
        dispute_seals.conceal(rings, dispute, now)
    return len(disputes)


def _acts(rings: KeyRings, dispute: Dispute) -> Iterator[GuardiansAct]:
    """Yield what a guardian did with a dispute and the audit does not have yet."""
    try:
        parties, appellant = dispute_seals.open_parties(rings, dispute), dispute_seals.open_appellant(rings, dispute)
    except DataKeyDestroyed:
        return
    if len(parties) < 3:
        return
    _, guardian, guardianship = parties
    if not dispute.open_recorded:
        yield GuardiansAct("disputes.dispute", guardian, guardianship, dispute.opened_at)
    if dispute.appealed_at is not None and not dispute.appeal_recorded and appellant and appellant.is_guardian:
        by = appellant.guardianship or guardianship
        yield GuardiansAct("disputes.appeal", guardian, by, dispute.appealed_at)


def _record_acts(session: Session, acts: list[GuardiansAct], now: datetime) -> None:
    secrets.SystemRandom().shuffle(acts)
    for act in acts:
        audit.record(
            session,
            at=now,
            actor=Actor(PrincipalKind.RESIDENT, act.guardian),
            action=act.action,
            subject=str(act.guardianship),
            details={"day": _date(act.day)},
        )


def _record(
    session: Session,
    dispute: Dispute,
    action: str,
    day: datetime,
    now: datetime,
    *,
    before: dict[str, str] | None,
    after: dict[str, str],
) -> None:
    details = {"before": before, "after": after, "day": _date(day)}
    audit.record(session, at=now, actor=None, action=action, subject=str(dispute.id), details=details)


def _date(day: datetime) -> str:
    return day.astimezone(CITY_TIME).date().isoformat()
