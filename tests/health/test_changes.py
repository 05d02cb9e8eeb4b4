"""A level changes by two persons with a basis, an end and a number that both state; the resident is told at once."""

import hashlib
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import exc, select, text, update

from qe_ban.accounts.models import Staff
from qe_ban.codes.rules import State
from qe_ban.codes.service import levels as codes
from qe_ban.config import Outside
from qe_ban.health.models import HealthChange, HealthLevel
from qe_ban.health.service.digests import digest_of
from qe_ban.kernel.ids import new_id
from tests.factories.health import CHANGES, SETTLED


def refused(answer, status, code):
    body = answer.get_json()
    assert (answer.status_code, body["code"]) == (status, code), answer.get_data(as_text=True)
    return body


def rows_of(town, person):
    with town.parts.database.transaction() as session:
        return list(session.scalars(select(HealthLevel).where(HealthLevel.resident_id == person.id)))


def test_two_persons_set_a_level_and_scanner_and_resident_read_it_at_once(town, ward, level_of):
    person = town.resident()
    proposal = ward.propose(person).get_json()
    assert (proposal["state"], proposal["state_name"], proposal["own"]) == ("proposed", "待审批", True)
    assert level_of(person) == "green"
    assert ward.templates(person) == []
    change_after = ward.approve(proposal).get_json()
    assert (change_after["state"], change_after["applied"], change_after["own"]) == ("approved", 1, False)
    assert change_after["residents"] == [
        {"id": ward.id_of(person, ward.reviewer, ""), "name": "测*甲", "state": "in_force", "before": "green"}
    ]
    assert level_of(person) == "red"
    mine = ward.mine(person)
    assert (mine["level"], mine["level_name"], mine["set_by"], mine["rule"]) == ("red", "红码", "person", None)
    assert mine["basis"] == {"code": "isolation", "name": "传染病防治法：病人与病原携带者隔离治疗"}
    assert mine["reason"] == "核酸检测阳性，隔离治疗"
    assert mine["until"] == change_after["ends_at"]
    assert mine["since"] == change_after["decided_at"]
    assert "纠错" in mine["correction"]["how"]
    assert (mine["correction"]["answered_within_days"], mine["correction"]["open"]) == (3, False)


def test_the_message_says_neither_colour_nor_illness(town, ward):
    person = town.resident()
    ward.set(person)
    assert ward.messages(person) == [{"phone": person.phone, "template": "health_level_changed"}]


def test_a_ward_without_a_phone_is_told_by_the_guardian(town, ward):
    guardian, child = town.resident(), town.resident(born="20180530")
    with town.parts.database.transaction() as session:
        wipe = "UPDATE residents SET phone_sealed = NULL, phone_index = NULL, phone_index_next = NULL WHERE id = :id"
        session.execute(text(wipe), {"id": child.id})
    guardianship = town.guard(guardian, child)
    ward.set(child)
    assert ward.templates(guardian) == ["health_level_changed"]
    assert ward.mine(guardian, **{"for": guardianship})["level"] == "red"


def test_every_change_is_audited_with_before_after_number_digest_and_case(town, ward):
    people = [town.resident() for _ in range(3)]
    change = ward.set(*people, level="yellow", basis="observation")
    digest = digest_of(town.parts.rings, UUID(change["id"]), [person.id for person in people]).hex()
    proposal, read = ward.events(change["id"])[0], ward.events(change["id"])[-1]
    assert (proposal.action, proposal.case_number) == ("health.propose", "WJ-2026-0001")
    assert (proposal.details["number"], proposal.details["digest"]) == (3, digest)
    assert (read.action, read.details["applied"], read.details["digest"]) == ("health.approve", 3, digest)
    for person in people:
        [event] = [one for one in ward.events(person.id) if one.action == "health.set_level"]
        assert event.details["before"] == {"level": "green"}
        assert event.details["after"]["level"] == "yellow"
        assert (event.details["basis"], event.details["by_change"]) == ("observation", change["id"])
        assert "reason" not in event.details


def test_two_changes_of_one_resident_have_nothing_in_common_in_the_audit_that_a_thief_can_make(town, ward):
    person = town.resident()
    first, second = ward.set(person), ward.set(person)
    assert len({change["digest"] for change in (first, second)}) == 2
    plain = hashlib.sha256(str(person.id).encode()).hexdigest()
    assert plain not in {change["digest"] for change in (first, second)}


def test_nothing_of_the_reason_stands_in_the_database_in_the_clear(town, ward):
    person = town.resident()
    change = ward.set(person, reason="与某某同住")
    with town.parts.database.transaction() as session:
        ciphertext = session.get_one(HealthChange, change["id"]).reason_sealed
    assert "与某某同住".encode() not in ciphertext


def test_who_proposed_does_not_decide_and_the_table_refuses_it_too(town, ward):
    both = ward.staff("health_officer", "health_reviewer")
    change = ward.propose(town.resident(), by=both).get_json()
    refused(ward.approve(change, by=both), 403, "health.own_change")
    refused(ward.decide(change, "reject", by=both), 403, "health.own_change")
    for state in ("approved", "rejected"):
        values = {"state": state, "decided_by": HealthChange.proposed_by, "decided_at": town.now}
        values |= {"applied": 1} if state == "approved" else {}
        with pytest.raises(exc.IntegrityError, match="two_persons"), town.parts.database.transaction() as session:
            session.execute(update(HealthChange).where(HealthChange.id == change["id"]).values(values))


@pytest.fixture
def officer_of_before(town, ward):
    """Return a security officer who is no newcomer, while the test lasts."""
    ward.staff("security_admin", age=SETTLED)
    yield
    officers = Staff.roles.contains(["security_admin"]) & (Staff.created_at < town.now - timedelta(days=1))
    with town.parts.database.transaction() as session:
        session.execute(update(Staff).where(officers).values(disabled_at=town.now))


@pytest.mark.usefixtures("officer_of_before")
def test_an_account_that_was_made_for_it_just_now_approves_nothing(town, ward):
    change = ward.propose(town.resident()).get_json()
    newcomer = ward.staff("health_reviewer", age=timedelta(hours=1))
    refused(ward.approve(change, by=newcomer), 409, "accounts.newcomer_refused")
    assert ward.approve(change).status_code == 200


@pytest.mark.parametrize(
    "role", ["city_admin", "clerk", "security_admin", "system_admin", "auditor", "health_reviewer"]
)
def test_nobody_but_an_officer_proposes(town, ward, role):
    assert ward.propose(town.resident(), by=ward.staff(role)).status_code == 403


@pytest.mark.parametrize("role", ["city_admin", "clerk", "security_admin", "system_admin", "auditor", "health_officer"])
def test_nobody_but_a_reviewer_approves(town, ward, role):
    change = ward.propose(town.resident()).get_json()
    assert ward.approve(change, by=ward.staff(role)).status_code == 403
    assert ward.decide(change, "reject", by=ward.staff(role)).status_code == 403


def test_a_list_with_a_duplicate_or_an_unknown_id_is_refused_whole_and_names_them(town, ward):
    person, visitor, nobody = town.resident(), town.resident(has_real_name=False), str(new_id())
    twice = refused(ward.propose(person, person), 422, "health.change_invalid")
    assert twice["duplicates"] == [ward.id_of(person)]
    # read with something, and looked up for the case: two ids, one resident
    two_ids = [ward.id_of(person), ward.id_of(person, case_number="")]
    assert refused(ward.propose(residents=two_ids, expected_count=2), 422, "health.change_invalid")["duplicates"]
    unknown = refused(
        ward.propose(residents=[ward.id_of(person), nobody, ward.id_of(visitor)], expected_count=3),
        422,
        "health.change_invalid",
    )
    assert unknown["unknown"] == sorted([nobody, ward.id_of(visitor)])
    assert rows_of(town, person) == []


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"expected_count": 2}, "expected_count"),
        ({"basis": "rumour"}, "basis"),
        ({"level": "green"}, "level"),
        ({"level": "yellow"}, "level"),
        ({"ends_at": "2020-01-01T00:00:00+08:00"}, "ends_at"),
        ({"ends_at": "2096-01-01T00:00:00+08:00"}, "ends_at"),
        ({"ends_at": None}, "ends_at"),
        ({"level": 2}, "level"),
        ({"level": "purple"}, "level"),
        ({"reason": ""}, "reason"),
        ({"residents": []}, "residents"),
        ({"residents": ["x"]}, "residents"),
    ],
    ids=str,
)
def test_what_the_city_does_not_allow_is_refused_at_its_place(town, ward, fields, field):
    person = town.resident()
    answer = ward.propose(person, **fields)
    assert answer.status_code == 422
    assert {name.split(".")[0] for name in answer.get_json()["errors"]} == {field}
    assert rows_of(town, person) == []


def test_more_people_than_the_city_allows_are_refused(town, ward, settings, make_app):
    ids = [str(new_id()) for _ in range(201)]
    answer = ward.propose(residents=ids, expected_count=201)
    assert answer.get_json()["errors"] == {"residents": ["一次最多 200 人"]}


def test_the_approver_states_the_number_too(town, ward, level_of):
    people = [town.resident() for _ in range(2)]
    change = ward.propose(*people).get_json()
    assert refused(ward.approve(change, count=1), 409, "health.count_mismatch")["number"] == 2
    assert level_of(people[0]) == "green"
    assert ward.approve(change, count=2).status_code == 200


def test_one_change_waits_for_a_resident_until_it_is_rejected_withdrawn_or_lapsed(town, ward, make_app):
    person, other = town.resident(), town.resident()
    change = ward.propose(person).get_json()
    pending = refused(ward.propose(other, person), 409, "health.change_pending")
    assert pending["residents"] == [ward.id_of(person)]
    assert rows_of(town, other) == []
    refused(ward.decide(change, "withdraw", by=ward.staff("health_officer")), 403, "health.not_own_change")
    assert ward.decide(change, "withdraw", by=ward.officer).get_json()["state"] == "withdrawn"
    again = ward.propose(person).get_json()
    assert ward.decide(again, "reject", by=ward.reviewer).get_json()["state"] == "rejected"
    for verb, by in (("approve", ward.reviewer), ("reject", ward.reviewer), ("withdraw", ward.officer)):
        options = {"json": {"expected_count": 1}} if verb == "approve" else {}
        refused(ward.decide(again, verb, by=by, **options), 409, "health.change_decided")


def test_what_nobody_approves_within_a_day_has_lapsed_and_may_be_proposed_anew(town, ward):
    person = town.resident()
    change = ward.propose(person).get_json()
    with town.parts.database.transaction() as session:
        for table in ("health_changes", "proposals"):
            key = "id" if table == "health_changes" else "subject"
            session.execute(
                text(f"UPDATE {table} SET proposed_at = proposed_at - interval '25 hours' WHERE {key} = :id"),
                {"id": change["id"]},
            )
    refused(ward.approve(change), 409, "health.change_decided")
    read = ward.client.get(f"{CHANGES}/{change['id']}", headers=ward.reviewer).get_json()
    assert read["state"] == "lapsed"
    assert ward.propose(person).status_code == 201


def test_a_level_ends_by_itself_and_then_the_register_s_is_shown(town, ward, level_of, make_app):
    person = town.resident()
    town.record(person, "health", detail={"level": "yellow"}, expires_at=town.now + timedelta(days=14))
    ends = town.now.replace(microsecond=0) + timedelta(minutes=5)
    change = ward.set(person, ends_at=ends.isoformat())
    assert change["residents"][0]["before"] == "yellow"
    for at, level, by in (
        (ends - timedelta(microseconds=1), "red", "person"),
        (ends, "yellow", "rule"),
        (ends + timedelta(seconds=1), "yellow", "rule"),
    ):
        with make_app(lambda at=at: at).test_client() as client:
            assert level_of(person, client) == level
            assert (ward.mine(person, client)["level"], ward.mine(person, client)["set_by"]) == (level, by)


def test_a_change_that_is_over_is_not_approved(town, ward, make_app):
    person = town.resident()
    ends = town.now.replace(microsecond=0) + timedelta(minutes=5)
    change = ward.propose(person, ends_at=ends.isoformat()).get_json()
    refused(ward.approve(change, at=make_app(lambda: ends).test_client()), 409, "health.change_over")
    assert rows_of(town, person)[0].state == "waiting"


def test_a_newer_change_replaces_the_one_in_force(town, ward, level_of):
    person = town.resident()
    ward.set(person)
    ward.set(person, level="green", basis="release")
    assert level_of(person) == "green"
    states = sorted((row.state, row.end_reason) for row in rows_of(town, person))
    assert states == [("ended", "replaced"), ("in_force", None)]
    assert ward.templates(person) == ["health_level_changed"] * 2


def test_a_level_does_not_lift_what_the_register_suspends(town, ward, scan, issue):
    person = town.resident()
    code = issue(person, "health")
    town.record(person, "health", State.SUSPENDED, detail={"level": "green"})
    ward.set(person)
    assert scan(town.terminal("health-check"), code, "health-check")["reason"] == "suspended"


def test_where_a_source_says_the_levels_nobody_else_does(town, ward, settings, make_app):
    outside = Outside(sources={"health": "http://127.0.0.1:1/"}, token=None)
    at = make_app(settings=replace(settings, outside=outside)).test_client()
    person = town.resident()
    refused(ward.propose(person, at=at), 409, "health.source_decides")
    change = ward.propose(person).get_json()
    refused(ward.approve(change, at=at), 409, "health.source_decides")
    town.record(person, "health", detail={"level": "yellow"}, age=timedelta(minutes=4))
    mine = ward.mine(person, at)
    assert (mine["level"], mine["set_by"], mine["rule"], mine["until"]) == ("yellow", "source", None, None)
    assert mine["as_of"] is not None


def test_a_closed_account_leaves_no_level_and_the_number_says_so(town, ward):
    person, other = town.resident(), town.resident()
    change = ward.propose(person, other).get_json()
    closing = ward.client.post("/api/v1/me/closing", json={"confirm": True}, headers=person.headers)
    assert closing.status_code < 300, closing.get_data(as_text=True)
    assert rows_of(town, person) == []
    assert refused(ward.approve(change), 409, "health.count_mismatch")["number"] == 1
    change_after = ward.approve(change, count=1).get_json()
    assert (change_after["number"], change_after["applied"]) == (2, 1)


def test_the_reason_goes_with_the_last_account(town, ward):
    person = town.resident()
    change = ward.set(person)
    ward.client.post("/api/v1/me/closing", json={"confirm": True}, headers=person.headers)
    read = ward.client.get(f"{CHANGES}/{change['id']}", headers=ward.reviewer).get_json()
    assert (read["reason"], read["residents"], read["number"]) == (None, [], 1)


def test_a_death_in_between_leaves_nothing_half_done(town, ward, level_of, monkeypatch):
    people = [town.resident() for _ in range(2)]
    change = ward.propose(*people).get_json()
    set_levels = codes.set_levels

    def dies(*args):
        set_levels(*args)
        raise RuntimeError("killed")

    monkeypatch.setattr(codes, "set_levels", dies)
    assert ward.approve(change).status_code == 500
    monkeypatch.undo()
    assert [level_of(person) for person in people] == ["green", "green"]
    assert [ward.templates(person) for person in people] == [[], []]
    assert ward.approve(change).status_code == 200


def test_lists_are_read_oldest_first_and_reading_is_audited(town, ward):
    change_ids = [ward.propose(town.resident()).get_json()["id"] for _ in range(2)]
    read_ids, cursor = [], None
    while True:
        query = {"limit": 50} | ({"cursor": cursor} if cursor else {})
        page = ward.client.get(CHANGES, headers=ward.reviewer, query_string=query).get_json()
        read_ids += [row["id"] for row in page["items"]]
        assert all("residents" not in row for row in page["items"])
        cursor = page["next"]
        if cursor is None:
            break
    assert [one for one in read_ids if one in change_ids] == change_ids
    assert any(change_ids[1] in event.details["changes"] for event in ward.events("changes"))
