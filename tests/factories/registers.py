"""What local apps and places are made of, as staff send them, and what their tests look at."""

import secrets

from sqlalchemy import select

from qe_ban.audit.models import AuditEvent
from qe_ban.publishing.service import stamps
from tests.factories.venues import SHINAN

APPS, PLACES = "/api/v1/apps", "/api/v1/places"
NEW = {"If-None-Match": "*"}
OFFICE = {day: [["09:00", "12:00"], ["13:30", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}


def slug():
    return f"r-{secrets.token_hex(6)}"


def app_content(**changes):
    """Give the body of an app, with changes; None leaves a field out."""
    body = {
        "name": "信用视界",
        "kind": "h5",
        "address": "https://credit.chengyang.gov.cn/view",
        "owner": "城阳区发展和改革局",
        "category": "信用",
        "state": "active",
    }
    return {name: value for name, value in (body | changes).items() if value is not None}


def place_content(**changes):
    """Give the body of a place in 市南区, with changes; None leaves a field out."""
    body = {
        "name": "市南区政务服务大厅",
        "kind": "hall",
        "district": SHINAN,
        "address": "宁夏路286号",
        "latitude": 36.0662,
        "longitude": 120.3826,
        "hours": OFFICE,
        "state": "open",
    }
    return {name: value for name, value in (body | changes).items() if value is not None}


def refused(answer, status, code, *fields):
    assert (answer.status_code, answer.json["code"]) == (status, code), answer.json
    assert any("\u4e00" <= char <= "\u9fff" for char in answer.json["detail"])
    assert set(answer.json.get("errors", {})) == set(fields), answer.json


def audit_trail(database, subject):
    """Give what the audit holds of a slug: action, before, after."""
    with database.transaction() as session:
        statement = select(AuditEvent).where(AuditEvent.subject == subject).order_by(AuditEvent.id)
        return [(event.action, event.details["before"], event.details["after"]) for event in session.scalars(statement)]


def stamp(database):
    with database.transaction() as session:
        return sum(stamps.current(session).numbers.values())


def names(answer):
    assert answer.status_code == 200, answer.json
    return [row["slug"] for row in answer.json["items"]]
