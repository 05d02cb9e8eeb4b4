"""How scans and disputes are told: with the city's names for the words in them."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from qe_ban.codes import service
from qe_ban.codes.models import Dispute
from qe_ban.codes.rules.disputes import STATE_NAMES, DisputeState, is_overdue
from qe_ban.kernel.city import City
from qe_ban.web.parts import part


def entry(told: service.Entry) -> dict[str, Any]:
    """Give a scan as the ledger shows it."""
    return _scan(asdict(told))


def dispute(told: Dispute, now: datetime) -> dict[str, Any]:
    """Give a dispute as lists show it, with its copy of the scan and without what is sealed."""
    state = DisputeState(told.state)
    return {
        "id": told.id,
        "scan": _scan(told.scan | {"at": datetime.fromisoformat(told.scan["at"])}),
        "state": state,
        "state_name": STATE_NAMES[state],
        "opened_at": told.opened_at,
        "due_at": told.due_at,
        "overdue": is_overdue(state, told.due_at, now),
        "answered_at": told.answered_at,
    }


def opened(told: service.OpenedDispute, now: datetime) -> dict[str, Any]:
    """Give a dispute whole."""
    return dispute(told.dispute, now) | {"text": told.text, "answer": told.answer}


def _scan(scan: dict[str, Any]) -> dict[str, Any]:
    city = part(City)
    purpose = city.purposes.get(scan["purpose"])
    return scan | {
        "venue": {
            "name": scan["venue"],
            "district": city.districts.get(scan["district"], scan["district"]),
            "address": scan["address"],
            "scanner": scan["scanner"],
        },
        "scene_name": city.scenes.get(scan["scene"], scan["scene"]),
        "purpose_name": purpose.name if purpose else scan["purpose"],
        "fields_disclosed": scan["fields"],
    }
