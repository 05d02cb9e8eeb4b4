"""How long accounts keep what no longer decides anything, and what proves who decided what."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, and_, exists, not_, or_
from sqlalchemy.orm import aliased

from qe_ban.accounts import rules
from qe_ban.accounts.models import (
    Attempt,
    Closing,
    Consent,
    ConsentEvent,
    Guardianship,
    OtpChallenge,
    Proposal,
    RecoveryCase,
    RefreshFamily,
    RefreshToken,
    Resident,
    Revocation,
    UsedJti,
)
from qe_ban.accounts.rules import CaseKind, CaseState, ConsentState, GuardianshipState
from qe_ban.db.base import Base
from qe_ban.db.retention import Ending, Over, Period, Schedule, delete_rows, empty_columns, is_unreferenced

NOW: Final = timedelta(0)
"""For rows that say themselves until when they are of use."""
WORDS_OF_CASES: Final = ("basis", "decision_basis", "basis_sealed", "decision_basis_sealed")


def _is_unanswered(before: datetime) -> ColumnElement[bool]:
    return (Consent.state == ConsentState.REQUESTED.value) & (Consent.requested_at < before)


def _is_left_by_guardian(before: datetime) -> ColumnElement[bool]:
    """Return the condition that a guardian decided a consent and has long ceased to be one: nothing is granted by it.

    Who is asked again decides anew.
    """
    has_ended = exists().where(
        Guardianship.id == Consent.guardianship_id,
        Guardianship.state == GuardianshipState.ENDED.value,
        Guardianship.ended_at < before,
    )
    return Consent.guardianship_id.is_not(None) & has_ended


def _is_superseded(before: datetime) -> ColumnElement[bool]:
    """Return the condition that an event is old and does not say how a consent came to stand as it does.

    The newest one stays as long as the consent: it proves that it was given or taken back.
    """
    newer = aliased(ConsentEvent)
    later = exists().where(
        newer.resident_id == ConsentEvent.resident_id,
        newer.purpose == ConsentEvent.purpose,
        newer.id > ConsentEvent.id,
    )
    consent = exists().where(Consent.resident_id == ConsentEvent.resident_id, Consent.purpose == ConsentEvent.purpose)
    return (ConsentEvent.at < before) & or_(later, ~consent)


def _is_settled(before: datetime) -> ColumnElement[bool]:
    """Return the condition that a case is long over and decides nothing any more.

    One by which an account lost its phone says, until it has one again, that only two persons give it another.
    """
    without_phone = exists().where(
        Resident.id == RecoveryCase.holder_id, Resident.phone_sealed.is_(None), Resident.closed_at.is_(None)
    )
    is_lost = and_(
        RecoveryCase.kind == CaseKind.RECYCLED.value, RecoveryCase.state == CaseState.SETTLED.value, without_phone
    )
    return (RecoveryCase.closed_at < before) & not_(is_lost)


def _is_ended(before: datetime) -> ColumnElement[bool]:
    has_ended = (Guardianship.state == GuardianshipState.ENDED.value) & (Guardianship.ended_at < before)
    return has_ended & is_unreferenced(Guardianship)


def _is_closed(before: datetime) -> ColumnElement[bool]:
    return (Resident.closed_at < before) & is_unreferenced(Resident)


def _moment(model: type[Base], over: Over, kept: timedelta = NOW) -> Ending:
    return Ending(model, kept, delete_rows(model, over))


def _days(model: type[Base], kept: Period, over: Over) -> Ending:
    return Ending(model, kept, delete_rows(model, over), Schedule.DAYS)


ENDINGS: Final = (
    # of one message there may be challenges that end later than its own
    _moment(OtpChallenge, lambda before: OtpChallenge.expires_at <= before, rules.OTP_RETRY_AFTER),
    _moment(UsedJti, lambda before: UsedJti.expires_at <= before),
    _moment(Revocation, lambda before: Revocation.expires_at <= before),
    _moment(Attempt, lambda before: Attempt.until <= before),
    Ending(
        RefreshFamily,
        NOW,
        delete_rows(RefreshFamily, lambda before: RefreshFamily.expires_at <= before),
        also=(RefreshToken,),
    ),
    # who was asked, and when, is no longer told than the scan that asked
    _days(Consent, Period.SCANS, _is_unanswered),
    _days(Consent, Period.RECORDS, _is_left_by_guardian),
    _days(ConsentEvent, Period.RECORDS, _is_superseded),
    Ending(
        RecoveryCase,
        Period.DISPUTES,
        empty_columns(RecoveryCase, lambda before: RecoveryCase.closed_at < before, WORDS_OF_CASES),
        Schedule.DAYS,
        columns=WORDS_OF_CASES,
    ),
    _days(RecoveryCase, Period.RECORDS, _is_settled),
    _days(Guardianship, Period.RECORDS, _is_ended),
    _days(Closing, Period.RECORDS, lambda before: (Closing.closed_at < before) & Closing.checked_at.is_not(None)),
    _days(Proposal, Period.AUDIT, lambda before: (Proposal.expires_at < before) & is_unreferenced(Proposal)),
    _days(Resident, Period.RECORDS, _is_closed),
)
"""What ends here; a closed account at last, when nothing refers to it any more."""
