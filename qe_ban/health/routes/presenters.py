"""How changes, levels and requests for correction are rendered, with the city's names for the words in them."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from qe_ban.accounts.service.look_ups import NO_CASE, LookUpIds
from qe_ban.health import service
from qe_ban.health.models import HealthCorrection
from qe_ban.health.rules import (
    CHANGE_STATE_NAMES,
    CORRECT_HOW,
    CORRECTION_STATE_NAMES,
    LEVEL_NAMES,
    CorrectionState,
)
from qe_ban.kernel.city import City
from qe_ban.web import guard
from qe_ban.web.parts import now, part


def render_change(content: service.ChangeContent) -> dict[str, Any]:
    """Return a change as lists show it; a `residents` beside is left out by their shape."""
    row = content.change
    return {
        "id": row.id,
        "level": row.level,
        "level_name": LEVEL_NAMES[row.level],
        "basis": row.basis,
        "basis_name": _basis_name(row.basis),
        "reason": content.reason,
        "ends_at": row.ends_at,
        "number": row.number,
        "applied": row.applied,
        "digest": row.digest.hex(),
        "state": content.state,
        "state_name": CHANGE_STATE_NAMES[content.state],
        "proposed_by": row.proposed_by,
        "proposed_at": row.proposed_at,
        "decided_by": row.decided_by,
        "decided_at": row.decided_at,
        "own": row.proposed_by == guard.principal().id,
    }


def render_whole_change(content: service.ChangeContent, case_number: str = NO_CASE) -> dict[str, Any]:
    """Return a change with those whom it concerns, under the ids that the caller has for them in a case."""
    ids = _look_up_ids()
    residents = [replace(resident, id=ids.id_of(resident.id, case_number)) for resident in content.residents]
    return render_change(content) | {"residents": residents}


def render_level(level: service.MyLevel, *, has_open_request: bool) -> dict[str, Any]:
    """Return a level as its resident reads it; who of the staff set it is nobody's to know by name."""
    return {
        "level": level.level,
        "level_name": LEVEL_NAMES[level.level] if level.level else None,
        "set_by": level.set_by,
        "rule": level.rule,
        "basis": {"code": level.basis, "name": _basis_name(level.basis)} if level.basis else None,
        "reason": level.reason,
        "since": level.since,
        "until": level.until,
        "as_of": level.as_of,
        "correction": {
            "how": CORRECT_HOW,
            "answered_within_days": part(City).health.correction_days,
            "open": has_open_request,
        },
    }


def render_correction(row: HealthCorrection, now: datetime) -> dict[str, Any]:
    """Return a request as lists show it."""
    state = CorrectionState(row.state)
    return {
        "id": row.id,
        "level": row.level,
        "level_name": LEVEL_NAMES[row.level],
        "set_by": row.set_by,
        "by_guardian": row.by_guardian,
        "state": state,
        "state_name": CORRECTION_STATE_NAMES[state],
        "opened_at": row.opened_at,
        "due_at": row.due_at,
        "overdue": state is CorrectionState.OPEN and row.due_at <= now,
        "answered_at": row.answered_at,
    }


def render_whole_correction(content: service.CorrectionContent, now: datetime) -> dict[str, Any]:
    """Return a request with what people wrote."""
    row = content.correction
    words = {"text": content.text, "answer": content.answer}
    return render_correction(row, now) | words | {"resident": _look_up_ids().id_of(row.resident_id)}


def _basis_name(code: str) -> str:
    basis = part(City).health.bases.get(code)
    return basis.name if basis else code


def _look_up_ids() -> LookUpIds:
    return LookUpIds(part(service.Health).rings, guard.principal().id, now())
