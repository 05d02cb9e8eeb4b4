"""Two at the same instant: the tables decide, one of them wins, and it is written down once."""

import pytest
from sqlalchemy import select

from qe_ban.health.models import HealthLevel
from tests.factories.accounts import together


def at_once(*works):
    """Run all at the same instant; returns their results in order."""
    return together(len(works), lambda number: works[number]())


@pytest.fixture
def clients(make_app):
    return [make_app().test_client() for _ in range(2)]


def assert_one_won(answers, status=200):
    """Assert that one was carried out; others are refused, or waited for it too long on a busy machine."""
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses[0] == status
    assert set(statuses[1:]) <= {409, 503}, statuses


def actions(ward, change):
    return [event.action for event in ward.events(change["id"]) if event.action != "health.read"]


def test_two_approvals_at_once_carry_it_out_once(town, ward, clients):
    person = town.resident()
    change = ward.propose(person).get_json()
    answers = at_once(
        *(
            lambda by=by, at=at: ward.approve(change, by=by, at=at)
            for by, at in zip((ward.reviewer, ward.third), clients, strict=True)
        )
    )
    assert_one_won(answers)
    assert actions(ward, change).count("health.approve") == 1
    assert ward.templates(person) == ["health_level_changed"]


def test_of_an_approval_and_a_withdrawal_at_once_one_happens(town, ward, clients, level_of):
    for _ in range(4):
        person = town.resident()
        change = ward.propose(person).get_json()
        approval, withdrawn = at_once(
            lambda change=change: ward.approve(change, at=clients[0]),
            lambda change=change: ward.decide(change, "withdraw", by=ward.officer, at=clients[1]),
        )
        assert_one_won((approval, withdrawn))
        assert level_of(person) == ("red" if approval.status_code == 200 else "green")


def test_of_two_proposals_for_overlapping_lists_one_stands(town, ward, clients):
    people = [town.resident() for _ in range(6)]
    first, second = at_once(
        lambda: ward.propose(*people, at=clients[0]),
        lambda: ward.propose(*reversed(people), at=clients[1]),
    )
    assert_one_won((first, second), 201)
    with town.parts.database.transaction() as session:
        ids = [person.id for person in people]
        rows = session.scalars(select(HealthLevel).where(HealthLevel.resident_id.in_(ids))).all()
    assert len(rows) == 6
    assert len({row.change_id for row in rows}) == 1


def test_a_correction_and_a_new_level_at_once_leave_one_level(town, ward, clients, level_of):
    person = town.resident()
    ward.set(person)
    correction = ward.request(person).get_json()
    change = ward.propose(person, level="yellow", basis="observation").get_json()
    approval, answer_ = at_once(
        lambda: ward.approve(change, at=clients[0]),
        lambda: ward.answer(correction, by=ward.third),
    )
    assert (approval.status_code, answer_.status_code) == (200, 200)
    assert level_of(person) in ("yellow", "green")
    assert ward.mine(person)["level"] == level_of(person)


def test_two_requests_at_once_are_one(town, ward):
    person = town.resident()
    answers = at_once(*(lambda: ward.request(person) for _ in range(3)))
    assert_one_won(answers, 201)


def test_two_answers_at_once_are_one(town, ward):
    person = town.resident()
    ward.set(person)
    correction = ward.request(person).get_json()
    other = ward.staff("health_reviewer")
    answers = at_once(
        lambda: ward.answer(correction, by=ward.third), lambda: ward.answer(correction, by=other, ends_level=False)
    )
    assert_one_won(answers)
    assert ward.templates(person).count("health_correction_answered") == 1
