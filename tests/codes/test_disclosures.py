"""What is told is on record, and what is on record was told."""

import uuid

import pytest
from sqlalchemy import text

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
