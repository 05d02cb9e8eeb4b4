"""How long the log is kept: old rows and their salts are erased, and the months that this empties are dropped."""

import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from qe_ban.audit import rules
from qe_ban.audit.models import Alarm, AuditEvent, AuditWords, Seal
from qe_ban.audit.queries import erasing
from qe_ban.audit.rules import statement
from qe_ban.audit.service.recording import record
from qe_ban.audit.service.sealing import PATIENT
from qe_ban.db import partitions
from qe_ban.db.engine import Database
from qe_ban.db.retention import Ending, Period, Schedule, delete_rows
from qe_ban.kernel.clock import Clock
from qe_ban.keys.models import Ring
from qe_ban.keys.rings import KeyRings

ACTION: Final = "audit.erase"
TABLES: Final = ("audit_events", "audit_leaves")
LOCK: Final = 0x71656145
STEP: Final = 4096
"""Rows that one step erases, about: whole seals."""

_SEALS = 500
_SECONDS = 20.0


class Retention:
    """Erases in steps of a transaction each; any number of workers may, one does."""

    def __init__(self, database: Database, rings: KeyRings, clock: Clock, days: int) -> None:
        """`days`: how long rows are kept after their seal, at least half a year; `rings` must be allowed to seal."""
        self._database, self._rings, self._clock, self._days = database, rings, clock, days

    def run(self) -> int:
        """Erase what is over, for at most twenty seconds; return how many rows.

        Raises DatabaseUnavailable, KeyMissing.
        """
        rows, until = 0, time.monotonic() + _SECONDS
        while time.monotonic() < until:
            with self._database.transaction() as session:
                step = erase_step(session, self._rings, self._clock(), self._days)
            if step is None:
                break
            rows += step
        return rows


def erase_step(session: Session, rings: KeyRings, now: datetime, days: int) -> int | None:
    """Erase the rows of the next seals that are old enough; None where there are none, or somebody else is at it.

    The step is recorded and signed: what a signed event says was erased is no finding of a check. Seals are ten minutes
    older than rows must be: a row may be dated a little later than its seal, and is not to be passed by.
    """
    session.execute(PATIENT)
    if not session.scalar(select(func.pg_try_advisory_xact_lock(LOCK))):
        return None
    before = now - timedelta(days=days)
    after = _through(session, rings)
    cutoff = before - rules.SETTLING_TIME
    old = select(Seal.n, Seal.leaves).where(Seal.n > after, Seal.at < cutoff).order_by(Seal.n).limit(_SEALS)
    last = _last_of_step([(n, leaves) for n, leaves in session.execute(old)])
    if last is None:
        return None
    rows = erasing.erase(session, first=after + 1, last=last, before=before)
    details = {"through": last, "rows": rows, "days": days} | _signature_details(rings, last, now)
    record(session, at=now, actor=None, action=ACTION, subject="audit", details=details)
    return rows


def make_months(session: Session, now: datetime) -> None:
    """Make the log's months three ahead. Raises DatabaseUnavailable where somebody holds the tables for long."""
    for table in TABLES:
        for part in partitions.make_ahead(session, table, now):
            session.execute(text(
                f"CREATE TRIGGER {table}_part_stands BEFORE TRUNCATE ON {part} "
                "FOR EACH STATEMENT EXECUTE FUNCTION audit_events_append_only()"
            ))  # fmt: skip


def drop_months(session: Session, now: datetime, days: int) -> list[str]:
    """Drop the log's months that are over and empty; return their names. Raises DatabaseUnavailable likewise."""
    before = now - timedelta(days=days)
    return [part for table in TABLES for part in partitions.drop_empty(session, table, before)]


def signed_through(details: object, at: str, keys: Mapping[str, ec.EllipticCurvePublicKey]) -> int | None:
    """Return up to which seal an erasure reaches, by its details and its moment; None where no key here signed it."""
    if not isinstance(details, dict):
        return None
    through, kid, signature = (details.get(name) for name in ("through", "kid", "signature"))
    key = keys.get(kid) if isinstance(kid, str) else None
    if key is None or type(through) is not int or not isinstance(signature, str):
        return None
    try:
        raw = bytes.fromhex(signature)
    except ValueError:
        return None
    return through if statement.holds(raw, statement.Erasure(through, at).signing_input(str(kid)), key) else None


def _signature_details(rings: KeyRings, through: int, at: datetime) -> dict[str, Any]:
    key = rings.signing(Ring.AUDIT, at)
    signing_input = statement.Erasure(through, statement.epoch_text(at)).signing_input(key.kid.hex())
    return {"kid": key.kid.hex(), "signature": statement.signature_of(signing_input, key.private).hex()}


def _through(session: Session, rings: KeyRings) -> int:
    """Return the last seal that was erased so far, as the newest erasure says that a worker of ours signed."""
    keys = {key.kid.hex(): key.public for key in rings.public(Ring.AUDIT) if not key.is_denied}
    newest = select(AuditEvent.at, AuditEvent.details).where(AuditEvent.action == ACTION, AuditEvent.subject == "audit")
    with closing(session.execute(newest.order_by(AuditEvent.id.desc()).execution_options(yield_per=100))) as rows:
        seals = (signed_through(details, statement.epoch_text(at), keys) for at, details in rows)
        return next((through for through in seals if through is not None), 0)


def _last_of_step(seals: Sequence[tuple[int, int]]) -> int | None:
    rows, last = 0, None
    for n, leaves in seals:
        if last is not None and rows + leaves > STEP:
            break
        rows, last = rows + leaves, n
    return last


ENDINGS: Final = (
    Ending(Alarm, Period.AUDIT, delete_rows(Alarm, lambda before: Alarm.closed_at < before), Schedule.AUDIT),
    Ending(
        AuditWords,
        Period.AUDIT,
        delete_rows(AuditWords, lambda before: AuditWords.day < before.astimezone(UTC).date()),
        Schedule.AUDIT,
    ),
)
"""What is forgotten beside the log: alarms that were closed and words that were typed as long ago."""
