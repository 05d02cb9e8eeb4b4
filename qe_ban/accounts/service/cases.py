"""Ends a recovery case that nobody decides any more: what it rests on is gone."""

from contextlib import suppress
from datetime import datetime

from sqlalchemy.orm import Session

from qe_ban.accounts import errors
from qe_ban.accounts.models import RecoveryCase
from qe_ban.accounts.rules import CaseState
from qe_ban.accounts.service import proposals
from qe_ban.kernel.principal import Actor, Principal


def drop(session: Session, case: RecoveryCase, *, by: Principal | Actor, now: datetime) -> None:
    """Reject a locked open case, and withdraw what waits in it for a second person."""
    case.state, case.closed_at, case.phone_sealed = CaseState.REJECTED.value, now, None
    withdraw_proposal(session, case, by=by, now=now)


def withdraw_proposal(session: Session, case: RecoveryCase, *, by: Principal | Actor, now: datetime) -> None:
    """Withdraw what waits in a locked case for a second person, if anything does."""
    if case.proposal_id is not None:
        # decided or too old by now: then nothing waits
        with suppress(errors.ProposalOver):
            proposals.withdraw(session, case.proposal_id, by=by, now=now)
