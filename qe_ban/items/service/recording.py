"""How every change to the catalogue is recorded: who, when, in which request, and what was before and after."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from qe_ban.audit import service as audit
from qe_ban.kernel.principal import Principal

Precondition = Callable[[str | None], None]
"""Called with the state of what is locked, None where there is none; raises unless it is what the caller believes."""


@dataclass(frozen=True, slots=True)
class Change:
    """Who changes something, when, and in which request: what every audited use case takes."""

    by: Principal
    at: datetime
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class AtShell:
    """A change by the operator at a shell, where nobody is signed in."""

    at: datetime
    by: None = None
    request_id: None = None


def record(
    session: Session,
    change: Change | AtShell,
    action: str,
    subject: str,
    *,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any] | None,
    **more: Any,
) -> None:
    """Record `items.{action}` of a code or slug; `before` and `after` hold what differs, None where there is none."""
    audit.record(
        session,
        at=change.at,
        actor=change.by,
        action=f"items.{action}",
        subject=subject,
        details={"before": before, "after": after} | more,
        request_id=change.request_id,
    )


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Give of two rows what differs: as it was, and as it is."""
    names = [name for name in after if before.get(name) != after[name]]
    return {name: before.get(name) for name in names}, {name: after[name] for name in names}
