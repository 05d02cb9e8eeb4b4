"""Residents show more than a one-time password proves: the face check, once or again in a sign-in."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from qe_ban.accounts import errors
from qe_ban.accounts.adapters.face import Person
from qe_ban.accounts.models import Resident
from qe_ban.accounts.service import attempts, families, residents
from qe_ban.accounts.service.collaborators import Accounts
from qe_ban.accounts.service.tokens import Tokens
from qe_ban.kernel.principal import Principal


def begin_step_up(accounts: Accounts, session: Session, *, resident_id: UUID, now: datetime) -> Person:
    """Take one of the five tries and return whose face it should be; commit, then ask the check.

    Raises RealNameRequired, which costs no try, TooMany, SessionEnded.
    """
    resident = session.get(Resident, resident_id)
    if resident is None:
        raise errors.SessionEnded
    name, number = residents.name_of(accounts.rings, resident), residents.id_number_of(accounts.rings, resident)
    if name is None or number is None or resident.id_type is None:
        raise errors.RealNameRequired
    attempts.count(session, attempts.STEP_UP, attempts.subject_of(accounts.rings, resident_id), now)
    return Person(name, resident.id_type, number)


def confirm_face(accounts: Accounts, *, person: Person, proof: str) -> None:
    """Ask the face check, outside of any transaction. Raises FaceRefused, OutsideUnavailable."""
    if not accounts.face.confirms(person, proof):
        raise errors.FaceRefused(fields={"proof": errors.FaceRefused.detail})


def finish_step_up(accounts: Accounts, session: Session, *, principal: Principal, now: datetime) -> Tokens:
    """Keep the step-up with the sign-in and give an access token that has it. Raises SessionEnded."""
    attempts.forgive(session, attempts.STEP_UP, attempts.subject_of(accounts.rings, principal.id))
    return families.stepped_up(accounts, session, family_id=principal.session, now=now)
