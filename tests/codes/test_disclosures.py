"""What is told is on record, and what is on record was told."""

import uuid

import pytest
from sqlalchemy import text

from tests.factories.codes import INSURANCE

LEDGER = "/api/v1/codes/ledger"


@pytest.fixture
def damage(town):
    """Change a byte of one sealed column of a resident."""

    def do(person, column):
        query = text(
            f"UPDATE residents SET {column} = set_byte({column}, 20, get_byte({column}, 20) # 1) WHERE id = :id"
        )
        with town.parts.database.transaction() as session:
            assert session.execute(query, {"id": person.id}).rowcount == 1

    return do


@pytest.mark.parametrize("column", ["name_sealed", "id_number_sealed"])
def test_a_column_that_does_not_open_leaves_no_disclosure_on_record(town, scan, issue, damage, client, column):
    person, window, scan_id = town.resident(), town.terminal("window-acceptance"), str(uuid.uuid4())
    code = issue(person)
    damage(person, column)
    answer = scan(window, code, "window-acceptance", scan_id=scan_id, status=500)
    assert "holder" not in answer
    assert client.get(LEDGER, headers=person.headers).get_json()["items"] == []
    with town.parts.database.transaction() as session:
        events = text("SELECT count(*) FROM audit_events WHERE details ->> 'scan_id' = :id")
        uses = text("SELECT count(*) FROM uses WHERE scanner_id = :id")
        assert session.scalar(events, {"id": scan_id}) == 0
        assert session.scalar(uses, {"id": window.id}) == 0
    damage(person, column)
    again = scan(window, code, "window-acceptance", scan_id=scan_id)
    assert (again["reason"], again["repeat"]) == ("ok", False), "nothing was used up"


def test_a_scan_that_tells_nothing_opens_no_column(town, scan, issue, damage):
    person = town.resident()
    code = issue(person)
    for column in ("name_sealed", "id_number_sealed", "phone_sealed"):
        damage(person, column)
    assert scan(town.terminal("gate-entry"), code, "gate-entry")["reason"] == "ok"


@pytest.mark.parametrize(
    ("purpose", "kind", "fields"),
    [
        ("identity-check", "identity", {"masked_name"}),
        ("window-acceptance", "identity", {"name", "id_number"}),
        ("social-enquiry", "social", {"name", "social_number", "card_state"}),
        ("senior-discount", "identity", {"age_60_or_over"}),
        ("settlement", "medical", {"name", "id_number", "insured_type", "insured_place"}),
        ("visitor-registration", "identity", {"name", "masked_phone"}),
        ("gate-entry", "identity", set()),
    ],
)
def test_a_purpose_is_told_its_fields_and_nothing_else(town, scan, issue, client, purpose, kind, fields):
    person = town.resident()
    for consent in ("social-enquiry", "senior-discount", "visitor-registration"):
        client.put(f"/api/v1/me/consents/{consent}", headers=person.headers)
    holders = {
        "masked_name": "测*甲",
        "name": "测试甲",
        "id_number": person.id_number,
        "social_number": person.id_number,
        "card_state": "正常",
        "age_60_or_over": False,
        "masked_phone": f"{person.phone[:3]}****{person.phone[7:]}",
        "insured_type": INSURANCE["insured_type"],
        "insured_place": INSURANCE["insured_place"],
    }
    verdict = scan(town.terminal(purpose), issue(person, kind), purpose)
    assert verdict["reason"] == "ok", verdict
    assert verdict["holder"] == {field: holders[field] for field in fields}


def test_a_disclosure_and_its_repeat_are_audited_each_with_its_own_request(town, issue, client):
    window, scan_id, names = (
        town.terminal("window-acceptance"),
        str(uuid.uuid4()),
        [f"r-{n}-{uuid.uuid4()}" for n in "12"],
    )
    body = {"scan_id": scan_id, "code": issue(town.resident()), "purpose": "window-acceptance"}
    details = [
        client.post("/api/v1/codes/verify", json=body, headers=window.headers | {"X-Request-Id": name}).get_json()
        for name in names
    ]
    assert [(one["reason"], one["repeat"]) for one in details] == [("ok", False), ("ok", True)]
    assert details[0]["holder"] == details[1]["holder"]
    query = text("SELECT action, subject, request_id FROM audit_events WHERE request_id = ANY (:names) ORDER BY id")
    with town.parts.database.transaction() as session:
        first, again = session.execute(query, {"names": names}).all()
    assert [first.request_id, again.request_id] == names
    assert (first.action, first.subject) == (again.action, again.subject)
    assert first.action == "codes.disclose"
