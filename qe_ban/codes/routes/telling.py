"""How scans and disputes are told: with the city's names for the words in them."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from qe_ban.codes import service
from qe_ban.codes.models import Dispute
from qe_ban.codes.rules.disputes import STATE_NAMES, appeal_until, hour_of, is_overdue, state_of
from qe_ban.kernel.city import City
from qe_ban.web.parts import part


def entry(told: service.Entry) -> dict[str, Any]:
    """Give a scan as the ledger shows it."""
    return _scan(asdict(told))


def dispute(opened: service.OpenedDispute, now: datetime) -> dict[str, Any]:
    """Return a dispute as staff read it in lists: the day and the hour, and no words."""
    told = opened.dispute
    state = state_of(told.state, told.appeal_state)
    at = hour_of(datetime.fromisoformat(told.scan["at"]))
    return {
        "id": told.id,
        "scan": _scan(told.scan | {"at": at, "guardian": opened.guardian}),
        "state": state,
        "state_name": STATE_NAMES[state],
        "opened_at": told.opened_at,
        "due_at": told.due_at,
        "overdue": is_overdue(state, told.appeal_due_at or told.due_at, now),
        "answered_at": told.answered_at,
        "appeal_until": appeal_until(state, told.answered_at),
        "appeal": _appeal(told),
    }


def handled(told: service.OpenedDispute, now: datetime) -> dict[str, Any]:
    """Return a dispute whole, as staff read it."""
    row = dispute(told, now) | {"text": told.text, "answer": told.answer}
    if row["appeal"] is not None:
        row["appeal"] |= {"text": told.appeal, "answer": told.appeal_answer}
    return row


def opened(told: service.OpenedDispute, now: datetime) -> dict[str, Any]:
    """Return a dispute whole as whom it concerns reads it: with the scan's ids and every moment to the second."""
    row = handled(told, now)
    if told.exact is not None:
        scan = told.exact.scan
        row |= {"opened_at": told.exact.opened_at}
        row |= {"scan": _scan(scan | {"at": datetime.fromisoformat(scan["at"])})}
    if row["appeal"] is not None and told.appellant is not None:
        row["appeal"] |= {"opened_at": told.appellant.appealed_at}
    return row


def _appeal(told: Dispute) -> dict[str, Any] | None:
    if told.appeal_state is None:
        return None
    return {
        "opened_at": told.appealed_at,
        "due_at": told.appeal_due_at,
        "answered_at": told.appeal_answered_at,
    }


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
