"""Edges of the city's day and of clocks that differ: breakfast spans midnight in UTC, a birthday begins at 00:00."""

from datetime import UTC, datetime, time, timedelta

import pytest
from sqlalchemy import select, text

from qe_ban.codes import service as codes
from qe_ban.codes.models import Dispute
from qe_ban.kernel.clock import CITY_TIME
from qe_ban.kernel.principal import Place
from tests.codes.test_disputes import dispute, scan_entry  # noqa: F401  fixtures
from tests.factories.venues import AdminFactory

TOMORROW = datetime.now(CITY_TIME).date() + timedelta(days=1)
"""The city's day of these tests: wholly ahead, so that the run's keys are there."""


class FixedClock:
    """A clock that stands where it is put."""

    moment = datetime.now(UTC)

    def __call__(self):
        return self.moment


@pytest.fixture
def at_moment(make_app, town, scan):
    """Scan a person's new code at a moment, in an app and by a terminal that live then."""
    clock = FixedClock()
    client = make_app(clock).test_client()

    def verdict(person, kind, purpose, moment):
        clock.moment = moment
        code = town.code(person.numbers[kind], kind, at=moment)
        return scan(town.terminal(purpose, at=moment), code, purpose, at=client)

    return verdict


def city(clock_time, *, days=0):
    return datetime.combine(TOMORROW + timedelta(days=days), clock_time, CITY_TIME).astimezone(UTC)


def test_one_breakfast_is_eaten_on_either_side_of_midnight_in_utc(town, at_moment):
    person = town.resident()
    verdicts = [at_moment(person, "dining", "meal-redemption", city(time(*at))) for at in ((7, 50), (8, 5))]
    assert [verdict["reason"] for verdict in verdicts] == ["ok", "used"]
    meals = [verdict["detail"]["meal"] for verdict in verdicts]
    assert {(meal["period"], meal["date"]) for meal in meals} == {("breakfast", TOMORROW.isoformat())}


def test_breakfasts_of_two_days_are_two(town, at_moment):
    person = town.resident()
    verdicts = [at_moment(person, "dining", "meal-redemption", city(time(7, 50), days=days)) for days in (0, 1)]
    assert [verdict["reason"] for verdict in verdicts] == ["ok", "ok"]
    dates = [verdict["detail"]["meal"]["date"] for verdict in verdicts]
    assert dates == [TOMORROW.isoformat(), (TOMORROW + timedelta(days=1)).isoformat()]


def born(*, years, days):
    """Return a birth date `years` and `days` before the day of these tests, as in an ID number."""
    day = TOMORROW - timedelta(days=days)
    return f"{day.year - years}{day:%m%d}" if (day.month, day.day) != (2, 29) else f"{day.year - years}0228"


@pytest.mark.parametrize("at", [(0, 30), (7, 59), (8, 1), (23, 59)])
@pytest.mark.parametrize(("days", "is_senior"), [(-1, False), (0, True), (1, True)])
def test_sixty_begins_with_the_birthday_in_the_city(town, client, at_moment, at, days, is_senior):
    person = town.resident(born=born(years=60, days=days))
    assert client.put("/api/v1/me/consents/senior-discount", headers=person.headers).status_code == 200
    verdict = at_moment(person, "identity", "senior-discount", city(time(*at)))
    assert (verdict["reason"], verdict["holder"]) == ("ok", {"age_60_or_over": is_senior})


@pytest.mark.parametrize(("seconds", "reason"), [(0, "revoked"), (0.5, "revoked"), (1, "revoked"), (1.01, "ok")])
def test_a_code_issued_by_a_clock_up_to_a_second_ahead_ends_with_the_guardianship(town, scan, seconds, reason):
    ward = town.resident(born="20150601")
    town.guard(town.resident(), ward)
    issued_at = town.now.replace(microsecond=0)
    ended_at = issued_at - timedelta(seconds=seconds)
    with town.parts.database.transaction() as session:
        values = {"at": ended_at, "id": ward.id}
        session.execute(text("UPDATE residents SET guardian_codes_after = :at WHERE id = :id"), values)
    code = town.code(ward.numbers["identity"], "identity", at=issued_at, guardian=True)
    assert scan(town.terminal("gate-entry"), code, "gate-entry")["reason"] == reason


@pytest.mark.parametrize(("after", "is_late"), [(timedelta(microseconds=-1), False), (timedelta(0), True)])
def test_an_answer_is_overdue_from_the_moment_at_which_it_is_due(town, scan_entry, dispute, after, is_late):  # noqa: F811
    person = town.resident()
    dispute_id = dispute(person, scan_entry(person)["id"])["id"]
    with town.parts.database.transaction() as session:
        now = session.scalars(select(Dispute.due_at).where(Dispute.id == dispute_id)).one() + after
        for overdue in (True, False):
            rows = codes.list_disputes(
                session,
                town.parts.rings,
                reader=AdminFactory(place=Place()),
                filters=codes.DisputeFilter(overdue=overdue),
                limit=1000,
                now=now,
            )
            assert (dispute_id in {str(row.dispute.id) for row in rows}) is (overdue is is_late)
