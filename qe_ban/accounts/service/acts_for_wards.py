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

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from qe_ban.accounts.models import ActForWard
from qe_ban.audit import service as audit
from qe_ban.kernel.clock import CITY_TIME, start_of_day
from qe_ban.kernel.ids import secret_id
from qe_ban.kernel.principal import Actor, PrincipalKind
from qe_ban.keys import vault
from qe_ban.keys.rings import KeyRings

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

    The events bear the moment of the recording, and the day in their details. Raises SealBroken, KeyMissing.
    """
    due = select(ActForWard).where(ActForWard.acted_at < start_of_day(now))
    acts = session.scalars(due.order_by(ActForWard.id).limit(STEP).with_for_update(skip_locked=True)).all()
    for act in acts:
        content = json.loads(vault.unseal(rings, COLUMN, act.id, act.content_sealed))
        audit.record(
            session,
            at=now,
            actor=Actor(PrincipalKind.RESIDENT, UUID(content["guardian"])),
            action=content["action"],
            subject=content["guardianship"],
            details=content["details"] | {"day": act.acted_at.astimezone(CITY_TIME).date().isoformat()},
        )
    session.execute(delete(ActForWard).where(ActForWard.id.in_([act.id for act in acts])))
    return len(acts)
