"""What staff do with venues and scanners, for the audit."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from qe_ban.audit import service as audit


def record(
    session: Session,
    change: audit.Change,
    action: str,
    subject: UUID,
    *,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any],
) -> None:
    """Record a change of a venue, of an enrolment or of a scanner, with what was before and what is now."""
    details = {"before": before, "after": after}
    audit.record(
        session,
        at=change.at,
        actor=change.by,
        action=action,
        subject=str(subject),
        details=details,
        request_id=change.request_id,
    )
