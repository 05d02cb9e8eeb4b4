"""What becomes of all codes of a resident whose account is closed."""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from qe_ban.accounts import service as accounts
from qe_ban.accounts.service import PersonalDataEraser
from qe_ban.codes.models import AnswerOfSource, Dispute, Entitlement, SourceAnswer
from qe_ban.codes.service import dispute_events, dispute_seals, ledger
from qe_ban.codes.service.hashing import answer_hashes
from qe_ban.kernel.clock import system_clock
from qe_ban.keys import data_keys
from qe_ban.keys.rings import KeyRings


def eraser(rings: KeyRings) -> PersonalDataEraser:
    """Return what the wallet keeps of a resident: what sources said, disputes, and who opened those of wards.

    Entitlements stay, so that a code that was shown before is told from a forged one; scans stand under keyed hashes.
    """
    return PersonalDataEraser(count=partial(_count, rings), erase=partial(_erase, rings))


def _count(rings: KeyRings, session: Session, resident: UUID) -> Mapping[str, int]:
    numbers = select(Entitlement.number).where(Entitlement.resident_id == resident)
    answers = select(func.count()).where(SourceAnswer.entitlement.in_(numbers))
    outside_answers = select(func.count()).where(AnswerOfSource.holder.in_(_answer_hashes(rings, session, resident)))
    disputes = select(func.count()).where(Dispute.holder.in_(ledger.dispute_holders(session, rings, resident)))
    return {
        "source_answers": (session.scalar(answers) or 0) + (session.scalar(outside_answers) or 0),
        "disputes": session.scalar(disputes) or 0,
        "disputes_for_wards": len(_disputes_for_wards(rings, session, resident)),
    }


def _answer_hashes(rings: KeyRings, session: Session, resident: UUID) -> list[bytes]:
    """Return the hashes under which answers of outside sources stand: those of before are gone by now."""
    numbers, now = select(Entitlement.number).where(Entitlement.resident_id == resident), system_clock()
    return [holder for number in session.scalars(numbers) for holder in answer_hashes(rings, number, now)]


def _disputes_for_wards(rings: KeyRings, session: Session, guardian: UUID) -> list[Dispute]:
    """Return the disputes of others that say who opened them as a guardian: this resident. It stands there sealed.

    They are disputes of whom the resident acts or acted for, so only these are opened.
    """
    wards = accounts.wards_ever(session, guardian)
    holders = [holder for ward in wards for holder in ledger.dispute_holders(session, rings, ward)]
    disputes = session.scalars(select(Dispute).where(Dispute.holder.in_(holders)).order_by(Dispute.id)).all()
    return [dispute for dispute in disputes if guardian in dispute_seals.open_parties(rings, dispute)[1:]]


def _erase(rings: KeyRings, session: Session, resident: UUID, now: datetime) -> None:
    numbers = select(Entitlement.number).where(Entitlement.resident_id == resident)
    session.execute(
        delete(SourceAnswer).where(SourceAnswer.entitlement.in_(numbers)).execution_options(synchronize_session=False)
    )
    outside_answers = delete(AnswerOfSource).where(AnswerOfSource.holder.in_(_answer_hashes(rings, session, resident)))
    session.execute(outside_answers.execution_options(synchronize_session=False))
    of_resident = Dispute.holder.in_(ledger.dispute_holders(session, rings, resident))
    own = session.scalars(select(Dispute).where(of_resident).order_by(Dispute.id).with_for_update()).all()
    dispute_events.record_acts(session, rings, own, now)
    disputes = delete(Dispute).where(of_resident)
    key_numbers = disputes.returning(Dispute.data_key).execution_options(synchronize_session=False)
    data_keys.discard(session, session.scalars(key_numbers).all())
    # the dispute is the ward's and goes on: only who opened it is forgotten
    for dispute in _disputes_for_wards(rings, session, resident):
        session.refresh(dispute, with_for_update=True)
        dispute_events.record_acts(session, rings, [dispute], now)
        parties = dispute_seals.open_parties(rings, dispute)
        dispute.resident_sealed = dispute_seals.seal_parties(
            rings, dispute.id, parties[:1], now, data_key=dispute.data_key
        )
    session.flush()
