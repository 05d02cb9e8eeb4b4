"""What guardians do for wards, kept sealed until the day is over, when the audit has it: none tells its moment.

A guardian shows a ward's code, and scans say exactly when a guardian showed one. An event of the audit at its moment,
with the guardianship, would name the ward whose scan came before it. So an act is sealed in a row that names nobody,
in the transaction of what was done; when its day is over the worker records it, with the day, in the order of random
ids, and deletes the row.
"""

import json
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from qe_ban.accounts.models import ActForWard
from qe_ban.audit import service as audit
from qe_ban.kernel.clock import CITY_TIME, start_of_day
from qe_ban.kernel.ids import secret_id
from qe_ban.kernel.principal import Actor, PrincipalKind
from qe_ban.keys import vault
from qe_ban.keys.rings import KeyMissing, KeyRings

log = structlog.get_logger(__name__)

COLUMN: Final = "acts_for_wards.content"
STEP: Final = 2000
_CHARACTERS: Final = 512
"""All rows are padded to it, or the length would tell what was done."""


def add(
    rings: KeyRings, session: Session, *, guardianship: UUID, change: audit.Change, action: str, details: dict[str, Any]
) -> None:
    """Keep what a guardian does, in the transaction that does it. Raises KeyMissing."""
    row = secret_id()
    content = {"guardian": str(change.by.id), "guardianship": str(guardianship), "action": action, "details": details}
    text = json.dumps(content).ljust(_CHARACTERS)
    sealed = vault.seal(rings, COLUMN, row, text, change.at)
    session.add(ActForWard(id=row, content_sealed=sealed, acted_at=start_of_day(change.at)))


def record(session: Session, rings: KeyRings, now: datetime) -> int:
    """Record what guardians did before today, at most 2,000 acts; return how many.

    The events bear the moment of the recording, and the day in their details. An act that does not open stays, and
    hinders no other.
    """
    due = select(ActForWard).where(ActForWard.acted_at < start_of_day(now))
    recorded_ids = []
    for act in session.scalars(due.order_by(ActForWard.id).limit(STEP).with_for_update(skip_locked=True)).all():
        content = _open(rings, act)
        if content is None:
            continue
        recorded_ids.append(act.id)
        audit.record(
            session,
            at=now,
            actor=Actor(PrincipalKind.RESIDENT, UUID(content["guardian"])),
            action=content["action"],
            subject=content["guardianship"],
            details=content["details"] | {"day": act.acted_at.astimezone(CITY_TIME).date().isoformat()},
        )
    session.execute(delete(ActForWard).where(ActForWard.id.in_(recorded_ids)))
    return len(recorded_ids)


def _open(rings: KeyRings, act: ActForWard) -> dict[str, Any] | None:
    try:
        content: dict[str, Any] = json.loads(vault.unseal(rings, COLUMN, act.id, act.content_sealed))
    except (vault.SealBroken, KeyMissing):
        log.warning("accounts.act_unreadable", act=str(act.id))
        return None
    return content
