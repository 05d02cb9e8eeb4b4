"""Residents sign in by phone and one-time password."""

import hmac
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from qe_ban.accounts import errors, rules
from qe_ban.accounts.models import OtpChallenge
from qe_ban.accounts.service import families, residents
from qe_ban.accounts.service.collaborators import Accounts
from qe_ban.accounts.service.tokens import Tokens
from qe_ban.jobs import service as jobs
from qe_ban.kernel.identifiers import IdentifierInvalid, normalise_phone
from qe_ban.kernel.ids import new_id, parse_id
from qe_ban.kernel.principal import PrincipalKind
from qe_ban.keys.models import Ring


@dataclass(frozen=True, slots=True)
class OtpSent:
    """What the client needs to redeem a one-time password; `otp` itself in the sandbox only. Times in seconds."""

    challenge: UUID
    expires_in: int
    retry_after: int
    otp: str | None = field(default=None, repr=False)


def limit_otp(accounts: Accounts, *, phone: str, address: str) -> None:
    """Count a wish for a one-time password, before any work. Raises TooMany."""
    accounts.limiter.hit_network("otp-address", address, limit=accounts.otp_per_address, window=accounts.window)
    accounts.limiter.hit("otp-phone", phone, limit=accounts.otp_per_phone, window=accounts.window)


def limit_tries(accounts: Accounts, *, address: str) -> None:
    """Count a try at a secret from one address, before any work. Raises TooMany."""
    accounts.limiter.hit_network("tries-address", address, limit=accounts.tries_per_address, window=accounts.window)


def request_otp(accounts: Accounts, session: Session, *, phone: str, now: datetime) -> OtpSent:
    """Make a one-time password for a phone (11 digits) and have it sent after the commit.

    Whether anybody has this phone is not looked at, so that the answer cannot tell.
    """
    challenge, otp = new_id(), f"{secrets.randbelow(1_000_000):06d}"
    expires_at = now + rules.OTP_LIFE
    mac = _macs(accounts, challenge, phone, otp)[0]
    session.add(OtpChallenge(id=challenge, code_mac=mac, tries=0, expires_at=expires_at))
    life = int(rules.OTP_LIFE.total_seconds())
    if not accounts.sandbox:
        payload = {"phone": phone, "template": "otp", "code": otp, "minutes": str(life // 60)}
        jobs.enqueue(session, accounts.rings, topic="sms", payload=payload, now=now, useful_until=expires_at)
    wait = int(rules.OTP_RETRY_AFTER.total_seconds())
    return OtpSent(challenge, life, wait, otp if accounts.sandbox else None)


def redeem_otp(
    accounts: Accounts, session: Session, *, phone: str, challenge: str, otp: str, now: datetime
) -> Tokens | errors.OtpRefused:
    """Sign a resident in; the first time makes the account. The challenge's row decides between two at once.

    A wrong try is given back and not raised, so that it is counted: the fifth ends the challenge.
    """
    challenge_id = parse_id(challenge)
    if challenge_id is None:
        return errors.OtpRefused()
    row = session.scalar(select(OtpChallenge).where(OtpChallenge.id == challenge_id).with_for_update())
    if row is None or row.used_at is not None or row.expires_at <= now or row.tries >= rules.OTP_TRIES:
        return errors.OtpRefused()
    try:
        number = normalise_phone(phone)
    except IdentifierInvalid:
        number = ""
    if not any(hmac.compare_digest(row.code_mac, mac) for mac in _macs(accounts, challenge_id, number, otp)):
        row.tries += 1
        return errors.OtpRefused()
    row.used_at = now
    resident_id = residents.of_phone(accounts.rings, session, phone=number, now=now)
    return families.start(accounts, session, kind=PrincipalKind.RESIDENT, principal_id=resident_id, now=now)


def _macs(accounts: Accounts, challenge: UUID, phone: str, otp: str) -> list[bytes]:
    return accounts.rings.macs(Ring.DERIVE, "otp", b"\0".join((challenge.bytes, phone.encode(), otp.encode())))
