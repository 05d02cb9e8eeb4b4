"""Sign-ins: their refresh tokens rotate at each use, a reuse ends them, and they can be ended at will."""

import base64
import binascii
import hashlib
import secrets
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from qe_ban.accounts import errors, rules
from qe_ban.accounts.models import RefreshFamily, RefreshToken, Resident, Revocation, Staff
from qe_ban.accounts.service import holding, sign_ins, tokens
from qe_ban.accounts.service.collaborators import Accounts
from qe_ban.accounts.service.sign_ins import SignIn
from qe_ban.accounts.service.tokens import Tokens
from qe_ban.kernel.clock import start_of_day
from qe_ban.kernel.principal import Place, Principal, PrincipalKind
from qe_ban.keys import moments
from qe_ban.keys.models import Ring
from qe_ban.keys.rings import KeyRings
from qe_ban.keys.wrapping import b64url

CLOCKS_APART = timedelta(minutes=5)
"""A revocation outlives the longest access token by this, so that no server's slow clock revives one."""


def start(accounts: Accounts, session: Session, *, kind: PrincipalKind, principal_id: UUID, now: datetime) -> Tokens:
    """Begin a sign-in: a new family with its first refresh token."""
    sign_in = SignIn(principal_id, now + rules.FAMILY_LIFE[kind])
    family = sign_ins.add(accounts.rings, session, kind, sign_in, now)
    return _tokens(accounts, session, family, sign_in, _add(session, family.id, secrets.token_bytes(32), now), now)


def refresh(accounts: Accounts, session: Session, *, text: str, now: datetime) -> Tokens | errors.RefreshRefused:
    """Rotate a refresh token (RFC 9700, 4.14.2): the old one is used up, its successor is given.

    While the successor is unused, the old one gives the same successor again, however late: an answer was lost, and a
    phone in a tunnel asks again after minutes. Once the successor was used, a second use of the old one ends the
    family; that refusal is given back and not raised, so that it commits.
    """
    token = _bytes(text)
    held = session.execute(
        select(RefreshToken, RefreshFamily)
        .join(RefreshFamily, RefreshFamily.id == RefreshToken.family_id)
        .where(RefreshToken.token_hash == _hash(token))
        .with_for_update()
    ).first()
    if held is None:
        return errors.RefreshRefused()
    row, family = held
    sign_in = sign_ins.read(accounts.rings, family)
    if not sign_in.runs_at(now):
        return errors.RefreshRefused()
    successors = accounts.rings.macs(Ring.DERIVE, "refresh", token)
    if row.used_at is None:
        # that it was used decides, and not when: the day is enough
        row.used_at = row.written_at = start_of_day(now)
        # its place in the table tells of this use
        row.turned_over = 0
        return _tokens(accounts, session, family, sign_in, _add(session, family.id, successors[0], now), now)
    for successor in successors:
        # the family's row is locked: nobody uses the successor meanwhile
        next_row = session.get(RefreshToken, _hash(successor))
        if next_row is not None and next_row.used_at is None:
            return _tokens(accounts, session, family, sign_in, b64url(successor), now)
    end(accounts.rings, session, family.id, now)
    return errors.RefreshReused()


def revoke(accounts: Accounts, session: Session, *, text: str, now: datetime) -> bool:
    """End what a token belongs to (RFC 7009): the sign-in of a refresh or access token, a scanner's single token.

    Tells whether there was anything: a token that is none of ours is no error, for it is of no use to anybody.
    """
    try:
        if "." not in text:
            token = session.get(RefreshToken, _hash(_bytes(text)))
            if token is not None:
                end(accounts.rings, session, token.family_id, now)
            return token is not None
        access = tokens.signed_by_us(accounts, text)
    except (errors.RefreshRefused, errors.TokenInvalid):
        return False
    if access.kind is PrincipalKind.SCANNER:
        refuse(session, access.jti, now)
    else:
        end(accounts.rings, session, access.session, now)
    return True


def end(rings: KeyRings, session: Session, family_id: UUID, now: datetime) -> None:
    """End a sign-in: nothing refreshes it, and its access tokens are refused on every worker within seconds."""
    running = (RefreshFamily.id == family_id) & RefreshFamily.ended_at.is_(None)
    _end_each(rings, session, running, now)
    refuse(session, family_id, now)


def end_all(rings: KeyRings, session: Session, principal_id: UUID, now: datetime) -> int:
    """End every sign-in of a resident whose row is locked; returns how many.

    Whoever signs in after this holds good tokens; who is just signing in has done so before.
    """
    holding.hold_alone(rings, session, principal_id)
    running = sign_ins.belong_to(rings, principal_id) & RefreshFamily.ended_at.is_(None)
    family_ids = _end_each(rings, session, running, now)
    for family_id in family_ids:
        refuse(session, family_id, now)
    return len(family_ids)


def _end_each(rings: KeyRings, session: Session, running: ColumnElement[bool], now: datetime) -> list[UUID]:
    rows = select(RefreshFamily).where(running).order_by(RefreshFamily.id).with_for_update()
    families = session.scalars(rows.execution_options(populate_existing=True)).all()
    for family in families:
        sign_ins.write(rings, family, replace(sign_ins.read(rings, family), ended_at=now), now)
    session.flush()
    return [family.id for family in families]


def has_run_since(
    rings: KeyRings, session: Session, principal_id: UUID, since: datetime, *, face_shown: bool = False
) -> bool:
    """Return whether a sign-in of a principal runs, or ran at some moment since; one with a face check if so wanted."""
    ran = (
        sign_ins.belong_to(rings, principal_id)
        & (RefreshFamily.expires_at > since)
        & or_(RefreshFamily.ended_at.is_(None), RefreshFamily.ended_at >= start_of_day(since))
    )
    # the columns say days: what they leave open the sealed moments decide
    families = [sign_ins.read(rings, family) for family in session.scalars(select(RefreshFamily).where(ran))]
    return any(
        sign_in.expires_at > since
        and (sign_in.ended_at is None or sign_in.ended_at >= since)
        and (sign_in.stepped_up_at is not None or not face_shown)
        for sign_in in families
    )


def refuse(session: Session, subject: UUID, now: datetime) -> None:
    """Refuse the access tokens of a family, client or principal, or the one of a `jti`, for as long as they live."""
    row = {"subject": subject, "revoked_at": now, "expires_at": now + rules.ACCESS_LIFE + CLOCKS_APART}
    statement = insert(Revocation).values(row)
    session.execute(
        statement.on_conflict_do_update(index_elements=["subject"], set_={"expires_at": statement.excluded.expires_at})
    )


def require_running(accounts: Accounts, session: Session, caller: Principal) -> None:
    """See that a resident's sign-in has not ended, and let none end it until the transaction does.

    Revocations are polled: for some seconds a worker takes a token of a sign-in that ended on another one, and what
    undoes a report of a lost phone must not be done with it. Raises SessionEnded.
    """
    # the account and not the sign-in, so that no transaction's number stands on both: all who end sign-ins of a
    # resident lock it first. One that ends by itself, because its holder signs out, ends after this
    session.execute(select(Resident.id).where(Resident.id == caller.id).with_for_update(key_share=True))
    running = (
        (RefreshFamily.id == caller.session)
        & sign_ins.belong_to(accounts.rings, caller.id)
        & RefreshFamily.ended_at.is_(None)
    )
    if session.scalar(select(RefreshFamily.id).where(running)) is None:
        raise errors.SessionEnded


def stepped_up(accounts: Accounts, session: Session, *, family_id: UUID, now: datetime) -> Tokens:
    """Keep with a sign-in that its holder's face was seen now. Raises SessionEnded.

    Not before the name, whose moment another server's clock has told: else the step-up would count for nothing.
    """
    family = session.get(RefreshFamily, family_id, with_for_update=True, populate_existing=True)
    sign_in = sign_ins.read(accounts.rings, family) if family is not None else None
    if family is None or sign_in is None or not sign_in.runs_at(now):
        raise errors.SessionEnded
    named_at = _named_at(accounts, session, sign_in)
    sign_in = replace(sign_in, stepped_up_at=max(now, named_at or now))
    sign_ins.write(accounts.rings, family, sign_in, now)
    return _tokens(accounts, session, family, sign_in, None, now)


def _tokens(
    accounts: Accounts, session: Session, family: RefreshFamily, sign_in: SignIn, refresh: str | None, now: datetime
) -> Tokens:
    """Sign an access token for what the sign-in's principal may do at this moment."""
    if family.kind == PrincipalKind.RESIDENT:
        stepped_up_at = _valid_step_up(accounts, session, sign_in)
        return tokens.access(
            accounts,
            kind=PrincipalKind.RESIDENT,
            subject=sign_in.principal_id,
            session=family.id,
            scopes=rules.resident_scopes(stepped_up=stepped_up_at is not None),
            stepped_up_at=stepped_up_at,
            refresh=refresh,
            now=now,
        )
    staff = session.get_one(Staff, sign_in.principal_id)
    if staff.disabled_at is not None:
        raise errors.RefreshRefused
    return tokens.access(
        accounts,
        kind=PrincipalKind.STAFF,
        subject=staff.id,
        session=family.id,
        scopes=rules.staff_scopes(staff.roles),
        roles=staff.roles,
        place=Place(staff.district, staff.hall, staff.zone, staff.department),
        refresh=refresh,
        now=now,
    )


def _valid_step_up(accounts: Accounts, session: Session, sign_in: SignIn) -> datetime | None:
    """Return when the face was seen; None where no name was known then, with which it could have been compared.

    Sandboxes of release 0.2.0 took a step-up before the name. It never counts after it.
    """
    if sign_in.stepped_up_at is None:
        return None
    named_at = _named_at(accounts, session, sign_in)
    return sign_in.stepped_up_at if named_at is not None and sign_in.stepped_up_at >= named_at else None


def _named_at(accounts: Accounts, session: Session, sign_in: SignIn) -> datetime | None:
    resident = session.get(Resident, sign_in.principal_id)
    return moments.read(accounts.rings, resident, "verified_at") if resident is not None else None


def _add(session: Session, family_id: UUID, token: bytes, now: datetime) -> str:
    session.add(RefreshToken(token_hash=_hash(token), family_id=family_id, written_at=start_of_day(now)))
    return b64url(token)


def _hash(token: bytes) -> bytes:
    return hashlib.sha256(token).digest()


def _bytes(text: str) -> bytes:
    """Read a refresh token: 32 bytes in base64url. Raises RefreshRefused."""
    try:
        token = base64.b64decode(text + "=", altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise errors.RefreshRefused from error
    if len(token) != 32 or b64url(token) != text:
        raise errors.RefreshRefused
    return token
