"""Records who did what, in the transaction in which it is done."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from qe_ban.audit.models import AuditEvent
from qe_ban.kernel.principal import Actor, Change, Principal, PrincipalKind


def record(
    session: Session,
    *,
    at: datetime,
    actor: Principal | Actor | None,
    action: str,
    subject: str,
    details: Mapping[str, Any] | None = None,
    case_number: str | None = None,
    request_id: str | None = None,
) -> None:
    """Add one event; it stands or falls with the caller's transaction.

    `action` is `slice.verb` (`venues.create`), `subject` an opaque id or a slug, `details` JSON without any personal
    number; `actor` is None where nobody was signed in. What residents do themselves keeps no `request_id`: it leads to
    the log's line, and so from the log's name of that day to the resident.
    """
    by_resident = actor is not None and actor.kind is PrincipalKind.RESIDENT
    session.add(
        AuditEvent(
            at=at,
            actor_kind=actor.kind.value if actor else None,
            actor_id=actor.id if actor else None,
            action=action,
            subject=subject,
            details=dict(details or {}),
            case_number=case_number,
            request_id=None if by_resident else request_id,
        )
    )


Precondition = Callable[[str | None], None]
"""Called with the state of what is locked, None where there is none; raises unless it is what the caller believes."""


@dataclass(frozen=True, slots=True)
class AtShell:
    """A change by the operator at a shell, where nobody is signed in."""

    at: datetime
    by: None = None
    request_id: None = None


def record_change(
    session: Session,
    change: Change | AtShell,
    action: str,
    subject: str,
    *,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
    **more: Any,
) -> None:
    """Record a change (`items.end`); `before` and `after` hold what differs, None where there is none."""
    record(
        session,
        at=change.at,
        actor=change.by,
        action=action,
        subject=subject,
        details={"before": before, "after": after} | more,
        request_id=change.request_id,
    )


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what differs between two rows: as it was, and as it is."""
    names = [name for name in after if before.get(name) != after[name]]
    return {name: before.get(name) for name in names}, {name: after[name] for name in names}
