"""What the worker does for accounts: delivers messages, and forgets what no longer decides anything."""

from collections.abc import Callable, Mapping
from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.orm import Session

from qe_ban.accounts import rules
from qe_ban.accounts.adapters.sms import Sms
from qe_ban.accounts.models import Attempt, OtpChallenge, RefreshFamily, Revocation, UsedJti


def message_handlers(sms: Sms) -> Mapping[str, Callable[[dict[str, str]], None]]:
    """Give the outbox's handlers of the topics `sms` and `notice`; they raise OutsideUnavailable to be tried again."""

    def deliver(payload: dict[str, str]) -> None:
        parameters = {name: text for name, text in payload.items() if name not in ("phone", "template")}
        sms.send(payload["phone"], payload["template"], parameters)

    return {"sms": deliver, "notice": deliver}


def sweep(session: Session, now: datetime) -> None:
    """Forget the challenges, ids, revocations, tries and sign-ins whose time is over."""
    # of one message there may be challenges that end later than its own
    session.execute(delete(OtpChallenge).where(OtpChallenge.expires_at <= now - rules.OTP_RETRY_AFTER))
    session.execute(delete(UsedJti).where(UsedJti.expires_at <= now))
    session.execute(delete(Revocation).where(Revocation.expires_at <= now))
    session.execute(delete(Attempt).where(Attempt.until <= now))
    session.execute(delete(RefreshFamily).where(RefreshFamily.expires_at <= now))
