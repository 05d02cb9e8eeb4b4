"""Present scans and disputes on the wire, with the city's names for the words in them."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from qe_ban.codes import service
from qe_ban.codes.models import Dispute
from qe_ban.codes.rules.disputes import STATE_NAMES, appeal_until, hour_of, is_overdue, state_of
from qe_ban.kernel.city import City
from qe_ban.web.parts import part


def render_entry(scan: service.Entry) -> dict[str, Any]:
    """Return a scan as the ledger shows it."""
    return _scan(asdict(scan))


def render_listed(content: service.DisputeContent, now: datetime) -> dict[str, Any]:
    """Return a dispute as staff read it in lists: the day and the hour, and no words."""
    dispute_row = content.dispute
    state = state_of(dispute_row.state, dispute_row.appeal_state)
    at = hour_of(datetime.fromisoformat(dispute_row.scan["at"]))
    return {
        "id": dispute_row.id,
        "scan": _scan(dispute_row.scan | {"at": at, "guardian": content.guardian}),
        "state": state,
        "state_name": STATE_NAMES[state],
        "opened_at": dispute_row.opened_at,
        "due_at": dispute_row.due_at,
        "overdue": is_overdue(state, dispute_row.appeal_due_at or dispute_row.due_at, now),
        "answered_at": dispute_row.answered_at,
        "appeal_until": appeal_until(state, dispute_row.answered_at),
        "appeal": _appeal(dispute_row),
    }


def render_for_staff(content: service.DisputeContent, now: datetime) -> dict[str, Any]:
    """Return a dispute whole, as staff read it."""
    row = render_listed(content, now) | {"text": content.text, "answer": content.answer}
    if row["appeal"] is not None:
        row["appeal"] |= {"text": content.appeal, "answer": content.appeal_answer}
    return row


def render_for_owner(content: service.DisputeContent, now: datetime) -> dict[str, Any]:
    """Return a dispute whole as whom it concerns reads it: with the scan's ids and every moment to the second."""
    row = render_for_staff(content, now)
    if content.exact is not None:
        scan = content.exact.scan
        row |= {"opened_at": content.exact.opened_at}
        row |= {"scan": _scan(scan | {"at": datetime.fromisoformat(scan["at"])})}
    if row["appeal"] is not None and content.appellant is not None:
        row["appeal"] |= {"opened_at": content.appellant.appealed_at}
    return row


def _appeal(dispute: Dispute) -> dict[str, Any] | None:
    if dispute.appeal_state is None:
        return None
    return {
        "opened_at": dispute.appealed_at,
        "due_at": dispute.appeal_due_at,
        "answered_at": dispute.appeal_answered_at,
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
