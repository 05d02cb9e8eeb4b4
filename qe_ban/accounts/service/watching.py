"""What is watched of sign-ins: one-time passwords and passwords of staff that somebody guesses at."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from sqlalchemy import func, literal, select
from sqlalchemy.orm import Session

from qe_ban.accounts import rules
from qe_ban.accounts.models import Attempt, OtpChallenge, Staff
from qe_ban.accounts.service.attempts import STAFF_PASSWORD
from qe_ban.audit import service as audit

WRONG: Final = 3
"""Of a one-time password, unused: once is a slip, three times is another thing."""
MANY_WRONG: Final = 50
"""Such passwords in five minutes: of four thousand sign-ins of a busy morning a dozen end so."""
MANY_STAFF: Final = 20
"""Members of staff with failures at the same time: a right password takes one's failures away."""

OTPS, STAFF = "one_time_passwords", "staff_passwords"


def _one_time_passwords(
    session: Session, since: datetime, until: datetime, subject: str | None
) -> Iterator[audit.Tally]:
    if subject not in (None, OTPS):
        return
    requested_at = OtpChallenge.expires_at - rules.OTP_LIFE
    span = (OtpChallenge.expires_at > since + rules.OTP_LIFE) & (OtpChallenge.expires_at <= until + rules.OTP_LIFE)
    wrong = select(func.count(), func.sum(OtpChallenge.tries), func.max(requested_at)).where(
        span, OtpChallenge.tries >= WRONG, OtpChallenge.used_at.is_(None)
    )
    number, tries, at = session.execute(wrong).one()
    if number:
        yield audit.Tally(OTPS, number, at, {"passwords": number, "tries": tries})


def _staff_passwords(session: Session, since: datetime, until: datetime, subject: str | None) -> Iterator[audit.Tally]:
    """Give each locked account by its id, and all with failures together.

    The moment is that of the try that counted last: tries at a locked account do not lengthen the lock.
    """
    spelled = literal(f"{STAFF_PASSWORD.name}\0".encode()).op("||")(func.convert_to(Staff.username, "UTF8"))
    failing = (
        select(Staff.id, Attempt.count, Attempt.until - STAFF_PASSWORD.window)
        .join(Attempt, Attempt.subject == func.sha256(spelled))
        .where(Attempt.until > since + STAFF_PASSWORD.window, Attempt.until <= until + STAFF_PASSWORD.window)
        .where(Attempt.count > 0)
    )
    rows = [(str(staff), count, at) for staff, count, at in session.execute(failing)]
    for staff, count, at in rows:
        if subject in (None, staff) and count >= STAFF_PASSWORD.tries:
            yield audit.Tally(staff, count, at, {"of": "account", "failures": count})
    if rows and subject in (None, STAFF):
        total = {"of": "all", "accounts": len(rows), "failures": sum(count for _, count, _ in rows)}
        yield audit.Tally(STAFF, len(rows), max(at for *_, at in rows), total)


def _are_many(tally: audit.Tally) -> bool:
    return tally.subject != STAFF or tally.count >= MANY_STAFF


WATCHES: Final = (
    audit.Watch(
        audit.AlarmKind.GUESSING,
        rules.OTP_LIFE,
        audit.one_by_one(_one_time_passwords),
        lambda tally: tally.count >= MANY_WRONG,
    ),
    audit.Watch(audit.AlarmKind.GUESSING, STAFF_PASSWORD.window, audit.one_by_one(_staff_passwords), _are_many),
)
"""What accounts tell."""
