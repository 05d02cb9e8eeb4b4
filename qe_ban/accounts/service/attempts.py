"""Counts tries at a secret in PostgreSQL, before the secret is looked at: nobody tries two at once for free."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import case, delete, or_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from qe_ban.accounts.models import Attempt
from qe_ban.kernel.errors import TooMany


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


def count(session: Session, allowance: Allowance, subject: str, now: datetime) -> None:
    """Take one try of a subject; commit it before the secret is compared. Raises TooMany when none is left."""
    row = insert(Attempt).values(subject=_key(allowance, subject), count=1, until=now + allowance.window)
    over = Attempt.until <= now
    renewed = or_(over, Attempt.count < allowance.tries) if allowance.sliding else over
    counted = row.on_conflict_do_update(
        index_elements=["subject"],
        set_={
            "count": case((over, 1), else_=Attempt.count + 1),
            "until": case((renewed, row.excluded.until), else_=Attempt.until),
        },
    ).returning(Attempt.count, Attempt.until)
    tries, until = session.execute(counted).one()
    if tries > allowance.tries:
        raise TooMany(max(1, int((until - now).total_seconds())), allowance.detail)


def forgive(session: Session, allowance: Allowance, subject: str) -> None:
    """Forget a subject's tries: the secret was right."""
    session.execute(delete(Attempt).where(Attempt.subject == _key(allowance, subject)))


def _key(allowance: Allowance, subject: str) -> bytes:
    return hashlib.sha256(f"{allowance.name}\0{subject}".encode()).digest()
