"""Whoever thinks a level wrong says so, and somebody who had no part in it answers by a deadline."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import text

from qe_ban.audit import service as audit
from qe_ban.health.service import detectors
from tests.factories.health import INBOX, MINE


def inbox(ward, by=None, **query):
    page_rows, cursor = [], None
    while True:
        page = query | {"limit": 100} | ({"cursor": cursor} if cursor else {})
        body = ward.client.get(INBOX, headers=by or ward.third, query_string=page).get_json()
        page_rows += body["items"]
        cursor = body["next"]
        if cursor is None:
            return page_rows


def age(town, correction, days):
    with town.parts.database.transaction() as session:
        shift = "UPDATE health_corrections SET due_at = due_at - make_interval(days => :days) WHERE id = :id"
        session.execute(text(shift), {"days": days, "id": correction["id"]})


def test_a_request_lifts_a_wrong_level_by_one_person_who_had_no_part_in_it(town, ward, level_of):
    person = town.resident()
    ward.set(person)
    response = ward.request(person)
    assert response.status_code == 201
    correction = response.get_json()
    assert (correction["level"], correction["set_by"], correction["state"]) == ("red", "person", "open")
    opened_at, due = (datetime.fromisoformat(correction[name]) for name in ("opened_at", "due_at"))
    assert due - opened_at == timedelta(days=3)
    assert ward.mine(person)["correction"]["open"]
    for by in (ward.officer, ward.reviewer):
        answer = ward.answer(correction, by=by)
        assert (answer.status_code, answer.get_json()["code"]) == (403, "health.not_independent")
    answer = ward.answer(correction)
    assert (answer.status_code, answer.get_json()["state"]) == (200, "corrected")
    assert level_of(person) == "green"
    assert ward.templates(person)[1:] == ["health_level_changed", "health_correction_answered"]
    rows = ward.client.get(f"{MINE}/corrections", headers=person.headers).get_json()["items"]
    assert [(one["state_name"], one["text"], one["answer"]) for one in rows] == [
        ("已更正", "我从未去过该场所", "经核实，已更正")
    ]
    end_events = [event for event in ward.events(person.id) if event.action == "health.end_level"]
    assert [event.details["after"] for event in end_events] == [{"level": "green"}]
    assert ward.answer(correction).get_json()["code"] == "health.correction_answered"


def test_upheld_the_level_stands_and_another_request_may_follow(town, ward, level_of):
    person = town.resident()
    ward.set(person)
    correction = ward.request(person).get_json()
    assert ward.request(person).get_json()["code"] == "health.correction_exists"
    assert ward.answer(correction, ends_level=False).get_json()["state"] == "upheld"
    assert level_of(person) == "red"
    assert ward.request(person).status_code == 201


def test_a_level_by_rule_is_corrected_only_after_two_persons_changed_it(town, ward, level_of):
    person = town.resident()
    town.record(person, "health", detail={"level": "yellow"}, expires_at=town.now + timedelta(days=14))
    correction = ward.request(person).get_json()
    assert (correction["set_by"], correction["level"]) == ("rule", "yellow")
    assert ward.answer(correction).get_json()["code"] == "health.level_stands"
    ward.set(person, level="green", basis="release")
    assert level_of(person) == "green"
    # whoever approved the level of now answers nothing about it either
    assert ward.answer(correction, by=ward.reviewer).get_json()["code"] == "health.not_independent"
    assert ward.answer(correction).get_json()["state"] == "corrected"
    assert level_of(person) == "green"


def test_one_person_lifts_and_never_imposes(town, ward, level_of):
    person = town.resident()
    town.record(person, "health", detail={"level": "red"}, expires_at=town.now + timedelta(days=14))
    ward.set(person, level="green", basis="release")
    correction = ward.request(person).get_json()
    assert ward.answer(correction).get_json()["code"] == "health.level_stands"
    assert level_of(person) == "green"


def test_the_inbox_has_the_earliest_deadline_first_and_no_words(town, ward):
    response = [ward.request(town.resident()).get_json() for _ in range(3)]
    age(town, response[2], 10)
    rows = [row for row in inbox(ward, state="open") if row["id"] in {one["id"] for one in response}]
    assert [row["id"] for row in rows] == [response[2]["id"], response[0]["id"], response[1]["id"]]
    assert [row["overdue"] for row in rows] == [True, False, False]
    assert not {"text", "answer", "resident"} & set(rows[0])
    late = {row["id"] for row in inbox(ward, overdue="true")}
    assert {response[2]["id"]} <= late
    assert not {response[0]["id"], response[1]["id"]} & late
    read = ward.client.get(f"{INBOX}/{response[0]['id']}", headers=ward.third).get_json()
    assert read["text"] == "我从未去过该场所"
    assert [event.action for event in ward.events(response[0]["id"])][-1] == "health.read_corrections"


def test_a_deadline_that_passes_raises_an_alarm(town, ward):
    correction = ward.request(town.resident()).get_json()
    [detector] = detectors()
    assert detector.kind is audit.AlarmKind.CORRECTION_OVERDUE

    def late():
        with town.parts.database.transaction() as session:
            return sum(tally.count for tally in detector.look(session, town.now - detector.window, town.now, None))

    before = late()
    age(town, correction, 4)
    assert late() == before + 1
    ward.answer(correction, ends_level=False)
    assert late() == before


def test_a_guardian_asks_for_a_ward_and_reads_no_words_of_the_ward_s_own(town, ward):
    guardian, child = town.resident(), town.resident(born="20120530")
    for_ = {"for": town.guard(guardian, child)}
    own = ward.request(child, "我自己写的").get_json()
    ward.answer(own, ends_level=False)
    assert ward.request(guardian, "监护人写的", **for_).get_json()["by_guardian"]
    items = ward.client.get(f"{MINE}/corrections", headers=guardian.headers, query_string=for_).get_json()["items"]
    assert [one["text"] for one in items] == ["监护人写的", None]
    whole = ward.client.get(f"{MINE}/corrections", headers=child.headers).get_json()["items"]
    assert [one["text"] for one in whole] == ["监护人写的", "我自己写的"]
    stranger = town.resident()
    assert ward.client.get(MINE, headers=stranger.headers, query_string=for_).status_code == 404


@pytest.mark.parametrize("role", ["city_admin", "clerk", "district_admin", "security_admin", "auditor"])
def test_others_do_not_read_the_inbox(town, ward, role):
    place = {"district": "370202"} if role == "district_admin" else {}
    headers = town.staff(role, **place)
    correction = ward.request(town.resident()).get_json()
    assert ward.client.get(INBOX, headers=headers).status_code == 403
    assert ward.client.get(f"{INBOX}/{correction['id']}", headers=headers).status_code == 403
    assert ward.answer(correction, by=headers).status_code == 403


def test_a_closed_account_leaves_no_request(town, ward):
    person = town.resident()
    correction = ward.request(person).get_json()
    ward.client.post("/api/v1/me/closing", json={"confirm": True}, headers=person.headers)
    assert ward.client.get(f"{INBOX}/{correction['id']}", headers=ward.third).status_code == 404
