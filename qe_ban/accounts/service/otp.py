"""Residents sign in by phone and one-time password."""

import hmac
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from qe_ban.accounts import errors, rules
from qe_ban.accounts.models import OtpChallenge
from qe_ban.accounts.service import attempts, families, residents
from qe_ban.accounts.service.collaborators import Accounts
from qe_ban.accounts.service.tokens import Tokens
from qe_ban.db.engine import Database
from qe_ban.jobs import service as jobs
from qe_ban.kernel.clock import start_of_day
from qe_ban.kernel.identifiers import IdentifierInvalid, normalise_phone
from qe_ban.kernel.ids import new_id, parse_id
from qe_ban.kernel.principal import PrincipalKind
from qe_ban.keys.models import Ring


class AccountMissing(Exception):
    """Nobody has an account with this phone yet."""


@dataclass(frozen=True, slots=True)
class OtpSent:
    """What the client needs to redeem a one-time password; `otp` itself in the sandbox only. Times in seconds."""

    challenge: UUID
    expires_in: int
    retry_after: int
    otp: str | None = field(default=None, repr=False)


def limit_otp(accounts: Accounts, *, phone: str, address: str) -> None:
    """Count a wish for a one-time password, before any work: a phone by network, so that strangers use up nothing.

    Raises TooMany.
    """
    limiter, window = accounts.limiter, accounts.window
    limiter.hit_network("otp-address", address, limit=accounts.otp_per_address, window=window)
    limiter.hit_network("otp-phone", address, subject=phone, limit=accounts.otp_per_phone, window=window)


def limit_tries(accounts: Accounts, *, address: str) -> None:
    """Count a try at a secret from one address, before any work. Raises TooMany."""
    accounts.limiter.hit_network("tries-address", address, limit=accounts.tries_per_address, window=accounts.window)


def request_otp(accounts: Accounts, session: Session, *, phone: str, now: datetime, network: str = "") -> OtpSent:
    """Make a challenge for a phone (11 digits), and have a message with its one-time password sent after the commit.

    Within OTP_RETRY_AFTER of a message none is sent, whoever asks: the new challenge is for the password of that one.
    So a lost answer costs nothing, nobody's challenge ends by another's asking, and the answer tells nobody whether a
    message was sent. Whether anybody has this phone is not looked at either. Raises TooMany: the day's messages.
    """
    challenge, phone_mac = new_id(), _phone_macs(accounts, phone)[0]
    message = None
    if not attempts.take(session, attempts.OTP_MESSAGE, phone_mac.hex(), now):
        message = _last_message(accounts, session, phone, now)
    if message is None:
        _count_message(accounts, session, phone, phone_mac, network, now)
    otp = next(_otps(accounts, challenge, phone)) if message is None else _otp_of(accounts, message, phone)
    row = OtpChallenge(id=challenge, code_mac=_macs(accounts, challenge, phone, otp)[0], tries=0)
    row.expires_at = now + rules.OTP_LIFE
    row.message_id, row.phone_mac = (message.id, None) if message is not None else (challenge, phone_mac)
    session.add(row)
    life = int(rules.OTP_LIFE.total_seconds())
    if message is None and not accounts.sandbox:
        payload = {"phone": phone, "template": "otp", "code": otp, "minutes": str(life // 60)}
        jobs.enqueue(session, accounts.rings, topic="sms", payload=payload, now=now, useful_until=row.expires_at)
    wait = int(rules.OTP_RETRY_AFTER.total_seconds())
    return OtpSent(challenge, life, wait, otp if accounts.sandbox else None)


def sign_in_by_otp(
    accounts: Accounts, database: Database, *, phone: str, challenge: str, otp: str, now: datetime, network: str = ""
) -> Tokens | errors.OtpRefused:
    """Sign a resident in; the first time makes the account, as a transaction of its own.

    Else the transaction's number would stand on the account and on its sign-in, for whoever reads the database's files.
    Gives what `redeem_otp` gives. Raises PhoneUnsettled.
    """
    for _ in range(residents.ATTEMPTS):
        with suppress(AccountMissing), database.transaction() as session:
            return redeem_otp(accounts, session, phone=phone, challenge=challenge, otp=otp, now=now, network=network)
        with database.transaction() as session:
            residents.of_phone(accounts.rings, session, phone=normalise_phone(phone), now=now)
    raise errors.PhoneUnsettled


def redeem_otp(
    accounts: Accounts, session: Session, *, phone: str, challenge: str, otp: str, now: datetime, network: str = ""
) -> Tokens | errors.OtpRefused:
    """Sign a resident in who has an account. The rows of challenge and message decide between several.

    A wrong try is returned and not raised, so that it is counted: the fifth ends the challenge. A password that was
    used opens nothing more, whatever the challenge, and the next wish has a message again. Raises AccountMissing where
    the password is right; then nothing is used.
    """
    unused = _unused(session, challenge, now)
    if unused is None:
        return errors.OtpRefused()
    row, message = unused
    try:
        number = normalise_phone(phone)
    except IdentifierInvalid:
        number = ""
    macs = _network_macs(accounts, number, network)
    is_known = attempts.is_spent(session, attempts.OTP_KNOWN, [mac.hex() for mac in macs], now)
    allowances = _allowances(row, message, network, known=is_known)
    # before the secret is looked at: nobody tries two at one instant for one
    if not all(attempts.take(session, allowance, subject, now) for allowance, subject in allowances):
        return errors.OtpRefused()
    if not any(hmac.compare_digest(row.code_mac, mac) for mac in _macs(accounts, row.id, number, otp)):
        row.tries += 1
        return errors.OtpRefused()
    for allowance, subject in allowances:
        attempts.give_back(session, allowance, subject)
    row.used_at = message.used_at = now
    _trust(accounts, session, number, macs[0], now)
    resident_id = residents.hold_by_phone(accounts.rings, session, number, now)
    if resident_id is None:
        raise AccountMissing
    return families.start(accounts, session, kind=PrincipalKind.RESIDENT, principal_id=resident_id, now=now)


def _unused(session: Session, challenge: str, now: datetime) -> tuple[OtpChallenge, OtpChallenge] | None:
    """Lock and return a challenge that may still be redeemed, and that of its message; None where either may not."""
    row = _locked(session, parse_id(challenge))
    if row is None or row.used_at is not None or row.expires_at <= now or row.tries >= rules.OTP_TRIES:
        return None
    message = row if row.message_id in (None, row.id) else _locked(session, row.message_id)
    return None if message is None or message.used_at is not None else (row, message)


def _trust(accounts: Accounts, session: Session, number: str, network_mac: bytes, now: datetime) -> None:
    """Note that a phone signed in from a network, and let it have its next message without a wait."""
    # who holds the phone has shown it: a second device within the minute is no stranger's wish
    for mac in _phone_macs(accounts, number):
        attempts.forgive(session, attempts.OTP_MESSAGE, mac.hex())
    # by the day: the row lies for 90, and its exact end would tell the moment of the sign-in that long
    attempts.take(session, attempts.OTP_KNOWN, network_mac.hex(), start_of_day(now))


def _locked(session: Session, challenge_id: UUID | None) -> OtpChallenge | None:
    return session.scalar(select(OtpChallenge).where(OtpChallenge.id == challenge_id).with_for_update())


def _allowances(
    row: OtpChallenge, message: OtpChallenge, network: str, *, known: bool
) -> list[tuple[attempts.Allowance, str]]:
    """Return what a try is counted against, beside its challenge's five.

    Whoever caused the message has those five alone, so that no stranger uses them up; a network that the phone signed
    in from has its own; all others share what one message stands.
    """
    if row is message:
        return []
    of_network = (attempts.OTP_NETWORK, f"{message.id}/{network}")
    return [of_network] if known else [of_network, (attempts.OTP_STRANGERS, str(message.id))]


def _count_message(
    accounts: Accounts, session: Session, phone: str, phone_mac: bytes, network: str, now: datetime
) -> None:
    """Take one of the day's messages to a phone. Raises TooMany."""
    networks = [mac.hex() for mac in _network_macs(accounts, phone, network)]
    asker = "known" if attempts.is_spent(session, attempts.OTP_KNOWN, networks, now) else "strangers"
    of_day = replace(attempts.OTP_DAY, tries=accounts.otp_per_day)
    attempts.count(session, of_day, f"{phone_mac.hex()}/{asker}", now)


def _last_message(accounts: Accounts, session: Session, phone: str, now: datetime) -> OtpChallenge | None:
    """Find the challenge for which the last message was sent to a phone; its password is that of further ones."""
    of_phone = OtpChallenge.phone_mac.in_(_phone_macs(accounts, phone)) & (OtpChallenge.expires_at > now)
    return session.scalar(select(OtpChallenge).where(of_phone).order_by(OtpChallenge.expires_at.desc()).limit(1))


def _otp_of(accounts: Accounts, message: OtpChallenge, phone: str) -> str:
    """Return the password that was sent: a key may have become the newest since."""
    otps = list(_otps(accounts, message.id, phone))
    return next((otp for otp in otps if message.code_mac in _macs(accounts, message.id, phone, otp)), otps[0])


def _otps(accounts: Accounts, message_id: UUID, phone: str) -> Iterator[str]:
    """Derive a message's password: six digits that nobody keeps and only our keys give again; by the newest key first.

    A remainder of 256 bits: no password is likelier than another by more than 2**-236.
    """
    for mac in accounts.rings.macs(Ring.DERIVE, "otp-password", message_id.bytes + phone.encode()):
        yield f"{int.from_bytes(mac, 'big') % 1_000_000:06d}"


def _phone_macs(accounts: Accounts, phone: str) -> list[bytes]:
    return accounts.rings.macs(Ring.DERIVE, "otp-phone", phone.encode())


def _network_macs(accounts: Accounts, phone: str, network: str) -> list[bytes]:
    return accounts.rings.macs(Ring.DERIVE, "otp-network", f"{phone}\0{network}".encode())


def _macs(accounts: Accounts, challenge: UUID, phone: str, otp: str) -> list[bytes]:
    return accounts.rings.macs(Ring.DERIVE, "otp", b"\0".join((challenge.bytes, phone.encode(), otp.encode())))
