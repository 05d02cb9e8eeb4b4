"""Seals rows of the log: in batches, chained and signed, by the worker alone (D-091)."""

import secrets
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

import structlog
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from qe_ban.audit import rules
from qe_ban.audit.models import Seal
from qe_ban.audit.queries import rows as queries
from qe_ban.audit.rules import merkle, statement
from qe_ban.audit.rules.alarms import AlarmKind
from qe_ban.audit.service import alarms, heads
from qe_ban.audit.service.heads import Head, HeadsDiffer
from qe_ban.db.engine import Database
from qe_ban.kernel.clock import Clock
from qe_ban.keys.models import Ring
from qe_ban.keys.rings import KeyRings

LOCK: Final = 0x71656153
LONGEST: Final = 20.0
"""Seconds that one run takes at most, but for its last seal; what is left is the next run's."""

PATIENT: Final = text("SET LOCAL statement_timeout = '60s'")
"""For statements that go over many rows, once in a while."""

_log = structlog.get_logger("qe_ban.audit")


class Sealer:
    """Makes seals, each in a transaction of its own, and tells their heads once they have committed."""

    def __init__(self, database: Database, rings: KeyRings, clock: Clock, file: Path | None = None) -> None:
        """`rings` must be allowed to seal; `file`: where heads are written to besides the log."""
        self._database, self._rings, self._clock, self._file = database, rings, clock, file

    def run(self) -> int:
        """Seal what there is; return how many seals were made. Raises KeyMissing, DatabaseUnavailable.

        Any number of workers may: one of them seals, the others find nothing to do.
        """
        count, more = 0, True
        until = time.monotonic() + LONGEST
        while more and time.monotonic() < until:
            with self._database.transaction() as session:
                seal = seal_next(session, self._rings, self._clock())
                head = None if seal is None else heads.head_of(seal)
            if seal is None or head is None:
                break
            _tell(head)
            count, more = count + 1, seal.more
        if self._file is not None:
            self._append(self._file)
        return count

    def _append(self, file: Path) -> None:
        """Write the file. What hinders it is told and hinders no sealing; the next run writes what is missing."""
        try:
            with self._database.transaction() as session:
                heads.append(session, file)
        except HeadsDiffer:
            _log.error("audit.heads_differ", file=str(file))
            now = self._clock()
            with self._database.transaction() as session:
                alarms.raise_(session, AlarmKind.AUDIT_HEADS, "audit", facts={}, at=now, count=1, now=now)
        except OSError as error:
            _log.error("audit.heads_unwritten", file=str(file), why=error.strerror or type(error).__name__)


def seal_next(session: Session, rings: KeyRings, now: datetime) -> Seal | None:
    """Seal the next rows, or None where there is nothing to seal or somebody else does so at this moment.

    Not a range of ids: whatever is not sealed, so that a transaction that commits late is taken by the next seal
    (D-092).
    Without rows, an empty seal is made once a minute. Raises KeyMissing.
    """
    session.execute(PATIENT)
    if not session.scalar(select(func.pg_try_advisory_xact_lock(LOCK))):
        return None
    last = session.scalar(select(Seal).order_by(Seal.n.desc()).limit(1))
    candidates = _next_rows(session, last, now)
    if not candidates and last is not None and now - last.at < rules.IDLE:
        return None
    rows, more = candidates[: rules.BATCH], len(candidates) > rules.BATCH
    salts = [secrets.token_bytes(merkle.SALT) for _ in rows]
    hashes = [merkle.leaf(salt, row.content) for salt, row in zip(salts, rows, strict=True)]
    key = rings.signing(Ring.AUDIT, now)
    seal = _unsigned_seal(last, rows, hashes, now)
    seal.more, seal.kid = more, key.kid.hex()
    seal.signature = heads.statement_of(seal).sign(seal.kid, key.private)
    session.add(seal)
    session.flush()
    queries.keep_leaves(session, seal.n, rows, salts)
    return seal


def _unsigned_seal(last: Seal | None, rows: Sequence[queries.Row], hashes: Sequence[bytes], now: datetime) -> Seal:
    """Return what a seal says of its rows, and of the one before it in the chain."""
    return Seal(
        n=last.n + 1 if last else 1,
        at=now,
        leaves=len(rows),
        top=max([last.top if last else 0, *(row.id for row in rows)]),
        root=merkle.root(hashes),
        previous=heads.statement_of(last).head(last.kid, last.signature) if last else statement.NONE_BEFORE,
        ids=statement.pack_ids([row.id for row in rows]),
        hashes=b"".join(hashes),
    )


def unsealed_ids(session: Session, now: datetime, *, limit: int = 1000) -> list[int]:
    """Return the ids of rows that stand unsealed for more than two minutes, of those that sealing still looks at."""
    before, since = now - rules.SEAL_OVERDUE_AFTER, now - rules.SETTLING_TIME
    return queries.overdue(session, start=_floor(session, now), since=since, before=before, limit=limit)


def seconds_since_seal(session: Session) -> float | None:
    """Return the age of the last seal by the database's clock, None where there is none."""
    age = func.extract("epoch", func.clock_timestamp() - Seal.at)
    seconds = session.scalar(select(age).order_by(Seal.n.desc()).limit(1))
    return None if seconds is None else float(seconds)


def _next_rows(session: Session, last: Seal | None, now: datetime) -> list[queries.Row]:
    """Return a batch and one row more, if there is: from where the last batch stopped, else from the floor.

    And what came since the last seal, whatever its id: a floor that somebody has lifted is to stop no sealing. A row
    beyond all ids that were given out is none of ours, and would lift it.
    """
    limit = rules.BATCH + 1
    since = (now if last is None else min(last.at, now)) - rules.IDLE
    rows: list[queries.Row] = []
    if last is not None and last.more:
        rows = queries.unsealed_rows(session, start=last.top, since=now, limit=limit)
    rows = rows or queries.unsealed_rows(session, start=_floor(session, now), since=since, limit=limit)
    # asked afterwards: what could be seen has its id from before
    last_id = queries.last_issued_id(session)
    return [row for row in rows if row.id <= last_id]


def _floor(session: Session, now: datetime) -> int:
    """Return the id up to which everything was sealed by a seal of ten minutes ago.

    What turns up below it has not come late but was slipped in: it stays unsealed, and the check names it.
    """
    query = select(Seal.top).where(Seal.at <= now - rules.SETTLING_TIME).order_by(Seal.n.desc()).limit(1)
    return session.scalar(query) or 0


def _tell(head: Head) -> None:
    _log.info("audit.sealed", n=head.n, leaves=head.leaves, head=head.head)
