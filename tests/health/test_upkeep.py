"""The worker writes down what the clock decided, tells what a rule or a source changed, and forgets in time."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text

from qe_ban.codes.models import SourceAnswer
from qe_ban.health.models import HealthChange, HealthCorrection, HealthLevel
from qe_ban.health.service import ENDINGS, Health, Upkeep
from tests.factories.endings import end as end_rows


@pytest.fixture
def upkeep(town):
    def run(after=timedelta(0)):
        with town.parts.database.transaction() as session:
            Upkeep(town.parts.get(Health)).run(session, town.now + after)

    return run


@pytest.fixture
def forget(town):
    def run(now):
        with town.parts.database.transaction() as session:
            end_rows(session, ENDINGS, now)

    return run


def test_an_end_by_the_clock_is_written_told_and_audited_once(town, ward, upkeep):
    person = town.resident()
    ward.set(person, ends_at=(town.now + timedelta(minutes=5)).isoformat())
    for _ in range(2):
        upkeep(timedelta(minutes=6))
    with town.parts.database.transaction() as session:
        [row] = session.scalars(select(HealthLevel).where(HealthLevel.resident_id == person.id))
        answer = session.get_one(SourceAnswer, person.numbers["health"])
        assert (row.state, row.end_reason, row.ended_at) == ("ended", "expired", row.ends_at)
        assert answer.set_level is None
    assert ward.templates(person) == ["health_level_changed", "health_level_ended"]
    [event] = [one for one in ward.events(person.id) if one.action == "health.end_level"]
    assert event.details["before"] == {"level": "red"}
    assert event.details["after"] == {"level": "green"}


def test_a_level_by_a_rule_is_told_once_with_the_rule_on_record(town, ward, upkeep):
    person = town.resident()
    town.record(person, "health", detail={"level": "yellow"}, expires_at=town.now + timedelta(days=1))
    for _ in range(2):
        upkeep()
    assert ward.templates(person) == ["health_level_changed"]
    [event] = [one for one in ward.events(person.id) if one.action == "health.level_by_rule"]
    assert (event.details["before"], event.details["after"]) == ({"level": "green"}, {"level": "yellow"})
    assert ward.mine(person)["rule"] == "register.default/1"


def test_a_rule_beneath_a_level_that_two_persons_set_is_recorded_and_not_told(town, ward, upkeep):
    person = town.resident()
    ward.set(person)
    town.record(person, "health", detail={"level": "yellow"})
    upkeep()
    assert ward.templates(person) == ["health_level_changed"]
    assert "health.level_by_rule" in [event.action for event in ward.events(person.id)]


def test_other_kinds_are_no_news(town, ward, upkeep):
    person = town.resident()
    upkeep()
    assert ward.templates(person) == []


def test_what_has_been_over_for_long_is_forgotten(town, ward, upkeep, forget):
    person, other = town.resident(), town.resident()
    change = ward.set(person, ends_at=(town.now + timedelta(minutes=5)).isoformat())
    other_change = ward.propose(other).get_json()
    ward.decide(other_change, "reject", by=ward.reviewer)
    correction = ward.request(person).get_json()
    assert ward.answer(correction, ends_level=False).status_code == 200
    upkeep(timedelta(minutes=6))
    forget(town.now + timedelta(days=398))
    with town.parts.database.transaction() as session:
        assert session.get(HealthChange, change["id"]) is not None
        for table, column in (
            ("health_levels", "ended_at"),
            ("health_changes", "decided_at"),
            ("health_corrections", "answered_at"),
        ):
            session.execute(text(f"UPDATE {table} SET {column} = {column} - interval '401 days'"))
    forget(town.now)
    with town.parts.database.transaction() as session:
        assert session.get(HealthChange, change["id"]) is None
        assert session.get(HealthChange, other_change["id"]) is None
        assert session.get(HealthCorrection, correction["id"]) is None
