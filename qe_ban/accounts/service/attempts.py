"""Counts tries at a secret in PostgreSQL, before the secret is looked at: nobody tries two at once for free."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, case, delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from qe_ban.accounts import rules
from qe_ban.accounts.models import Attempt
from qe_ban.kernel.errors import TooMany
from qe_ban.keys.models import Ring
from qe_ban.keys.rings import KeyRings


@dataclass(frozen=True, slots=True)
class Allowance:
    """How many tries in how long. `sliding`: the wait begins with the last try, else with the first."""

    name: str
    tries: int
    window: timedelta
    sliding: bool
    detail: str


STAFF_PASSWORD = Allowance("staff", 5, timedelta(minutes=15), True, "登录失败次数过多，账号暂时锁定，请15分钟后再试")
STEP_UP = Allowance("step-up", 5, timedelta(minutes=10), True, "人脸核验失败次数过多，请10分钟后再试")
REAL_NAME = Allowance("real-name", 5, timedelta(days=1), False, "今日实名认证次数已用完，请明天再试")

OTP_MESSAGE = Allowance("otp-message", 1, rules.OTP_RETRY_AFTER, False, "")
"""One message to a phone within this time, whoever asks: the row decides between many at one instant."""
OTP_DAY = Allowance("otp-day", 10, timedelta(days=1), False, "该手机号码今日获取验证码次数已用完，请明天再试")
"""Messages a day to a phone; those for networks that it signed in from count apart from all others'."""
OTP_KNOWN = Allowance("otp-known", 1, timedelta(days=90), False, "")
"""How long a network is known that a phone signed in from."""
OTP_NETWORK = Allowance("otp-network", 10, timedelta(minutes=10), False, "")
"""Wrong tries at one message's password from one network, on whatever challenges."""
OTP_STRANGERS = Allowance("otp-strangers", 20, timedelta(minutes=10), False, "")
"""Wrong tries at one message's password of all who neither caused the message nor are known."""

WARD = Allowance("ward", 5, timedelta(days=1), False, "今日核验未通过的次数过多，请明天再试")
WARD_WISHES = Allowance("ward-wishes", 20, timedelta(days=1), False, "今日提出的申请过多，请明天再试")
WARD_TOLD = Allowance("ward-told", 1, timedelta(days=7), False, "")
"""How often a guardian's wish is told to the same person."""
WARD_DECLINED = Allowance("ward-declined", 1, timedelta(days=30), False, "")
"""How long a wish that the person declined is not taken again."""

OF_RESIDENTS = (STEP_UP, REAL_NAME, WARD, WARD_WISHES)
"""What is counted by a resident: found by the id, and forgotten when the account is closed."""
OF_PHONES = (OTP_MESSAGE, OTP_DAY, OTP_KNOWN, OTP_NETWORK, OTP_STRANGERS, WARD_TOLD, WARD_DECLINED)
"""What is counted by a phone, a message or a wish: it outlives an account, and nobody finds it by the account."""


def subjects_of(rings: KeyRings, resident_id: UUID) -> list[str]:
    """Return what a resident's tries are counted by, under each secret in use, the newest first. Raises KeyMissing.

    A hash without a key is of no use against somebody who has all ids: it would say when each resident failed a check.
    """
    return [mac.hex() for mac in rings.macs(Ring.HOLDER, "attempts", resident_id.bytes)]


def subject_of(rings: KeyRings, resident_id: UUID) -> str:
    """Return what a resident's tries are counted by now. Raises KeyMissing."""
    return subjects_of(rings, resident_id)[0]


def count(session: Session, allowance: Allowance, subject: str, now: datetime) -> None:
    """Take one try of a subject; commit it before the secret is compared. Raises TooMany when none is left."""
    tries, until = _taken(session, allowance, subject, now)
    if tries > allowance.tries:
        raise TooMany(max(1, int((until - now).total_seconds())), allowance.detail)


def take(session: Session, allowance: Allowance, subject: str, now: datetime) -> bool:
    """Take one of what a subject may do; tells whether there was one left."""
    return _taken(session, allowance, subject, now)[0] <= allowance.tries


def is_spent(session: Session, allowance: Allowance, subjects: Iterable[str], now: datetime) -> bool:
    """Tell whether one of these has nothing left."""
    keys = [_key(allowance, subject) for subject in subjects]
    condition = Attempt.subject.in_(keys) & (Attempt.count >= allowance.tries) & (Attempt.until > now)
    return session.scalar(select(Attempt.subject).where(condition).limit(1)) is not None


def _taken(session: Session, allowance: Allowance, subject: str, now: datetime) -> tuple[int, datetime]:
    """Count one more; gives how many there are, and until when they count."""
    row = insert(Attempt).values(subject=_key(allowance, subject), count=1, until=now + allowance.window)
    over = Attempt.until <= now
    starts_anew = or_(over, Attempt.count < allowance.tries) if allowance.sliding else over
    upsert = row.on_conflict_do_update(
        index_elements=["subject"],
        set_={
            "count": case((over, 1), else_=Attempt.count + 1),
            "until": case((starts_anew, row.excluded.until), else_=Attempt.until),
        },
    ).returning(Attempt.count, Attempt.until)
    tries, until = session.execute(upsert).one()
    return tries, until


def give_back(session: Session, allowance: Allowance, subject: str) -> None:
    """Take one try back that was no failure."""
    one = update(Attempt).where(Attempt.subject == _key(allowance, subject), Attempt.count > 0)
    session.execute(one.values(count=Attempt.count - 1))


def forgive(session: Session, allowance: Allowance, subject: str) -> None:
    """Forget a subject's tries: the secret was right."""
    session.execute(delete(Attempt).where(Attempt.subject == _key(allowance, subject)))


def counted_by(rings: KeyRings, resident_id: UUID) -> ColumnElement[bool]:
    """Return the condition that tries are counted by a resident, under any secret in use. Raises KeyMissing."""
    subjects = subjects_of(rings, resident_id)
    return Attempt.subject.in_([_key(allowance, subject) for allowance in OF_RESIDENTS for subject in subjects])


def _key(allowance: Allowance, subject: str) -> bytes:
    return hashlib.sha256(f"{allowance.name}\0{subject}".encode()).digest()
