"""When a recovery case can be settled: not while its account is signed in to and the holder may still object."""

from datetime import datetime

from sqlalchemy.orm import Session

from qe_ban.accounts.models import RecoveryCase
from qe_ban.accounts.rules import CaseKind
from qe_ban.accounts.rules.recovery import takes_a_phone
from qe_ban.accounts.service import families
from qe_ban.accounts.service.collaborators import Accounts
from qe_ban.accounts.service.wards import held


def earliest_settlement(accounts: Accounts, session: Session, case: RecoveryCase) -> datetime:
    """Return from when on an open case can be settled, as it stands now; a sign-in may still put that off.

    It waits where a sign-in of the account runs, or ran within the time of waiting before the case was opened: else a
    report of a lost phone, which ends all sign-ins, would spare the waiting. Of a number that was given out anew only
    those count in which a face was shown: whoever reports it has just signed in by it. The closing of an account waits
    as well where somebody acts for its holder, and is told.
    """
    kind = CaseKind(case.kind)
    if not takes_a_phone(kind, has_new_phone=case.phone_sealed is not None):
        return case.opened_at
    since, face_shown = case.opened_at - accounts.recovery_wait, kind is CaseKind.RECYCLED
    if kind is CaseKind.CLOSING and held.acting_guardians(session, case.holder_id, case.opened_at):
        return case.opened_at + accounts.recovery_wait
    recently = families.has_run_since(accounts.rings, session, case.holder_id, since, face_shown=face_shown)
    return case.opened_at + accounts.recovery_wait if recently else case.opened_at
