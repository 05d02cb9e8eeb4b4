"""The machine's clock steps: nothing is accepted twice, nothing destroyed, and all is well when it is right again."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select

from qe_ban.app import assemble, create_worker
from qe_ban.composition import clocks
from qe_ban.jobs import service as jobs
from qe_ban.jobs.models import OutboxMessage
from qe_ban.keys.models import Key
from tests.factories.cities import API
from tests.factories.codes import Town

HOUR = timedelta(hours=1)


class SteppingClock:
    """The machine's clock, and how far it stands wrong."""

    def __init__(self):
        self.by = timedelta(0)

    def __call__(self):
        return datetime.now(UTC) + self.by


@pytest.fixture
def clock():
    return SteppingClock()


@pytest.fixture
def town(settings):
    parts = assemble(settings)
    yield Town(parts)
    parts.database.dispose()


@pytest.fixture
def client(make_app, clock):
    return make_app(clock=clock).test_client()


def issue(client, person, kind="identity"):
    return client.post(f"{API}/codes/{kind}/issue", headers=person.headers)


def verify(client, terminal, code, purpose):
    body = {"scan_id": str(uuid.uuid4()), "code": code, "purpose": purpose}
    return client.post(f"{API}/codes/verify", json=body, headers=terminal.headers).get_json()


@pytest.mark.parametrize("step", [timedelta(seconds=-3), timedelta(seconds=20)], ids=["back", "forth"])
def test_what_was_used_once_stays_used_however_the_clock_steps(town, client, clock, step):
    person, till = town.resident(), town.terminal("settlement")
    code = issue(client, person, "medical").get_json()["code"]
    assert verify(client, till, code, "settlement")["reason"] == "ok"
    clock.by = step
    again = verify(client, till, code, "settlement")
    assert (again["accepted"], again["reason"]) == (False, "replayed")


def test_a_meal_stays_eaten_when_the_clock_steps_back_within_the_day(town, client, clock):
    person, window = town.resident(), town.terminal("meal-redemption")
    first = verify(client, window, issue(client, person, "dining").get_json()["code"], "meal-redemption")
    assert first["reason"] == "ok"
    clock.by = timedelta(seconds=-3)
    again = verify(client, window, issue(client, person, "dining").get_json()["code"], "meal-redemption")
    if again["detail"] == first["detail"]:
        assert again["reason"] == "used"


def test_forth_by_an_hour_old_codes_and_tokens_are_over_and_back_they_are_good_again(town, client, clock):
    person, gate = town.resident(), town.terminal("gate-entry")
    code = issue(client, person).get_json()["code"]
    clock.by = HOUR
    assert issue(client, person).status_code == 401
    assert town.parts.rings.snapshot() is not None
    clock.by = timedelta(minutes=5)
    assert verify(client, gate, code, "gate-entry")["reason"] == "expired"
    fresh = issue(client, person).get_json()["code"]
    assert verify(client, gate, fresh, "gate-entry")["reason"] == "ok"
    clock.by = timedelta(0)
    assert verify(client, gate, fresh, "gate-entry")["reason"] == "not_yet_valid"
    assert verify(client, gate, code, "gate-entry")["reason"] == "ok"


@pytest.mark.parametrize("step", [-HOUR, HOUR], ids=["behind", "ahead"])
def test_a_worker_whose_clock_is_wrong_delivers_one_time_passwords_all_the_same(town, settings, clock, step):
    asked_at = clock()
    message = {"phone": "13800000001", "template": "otp", "code": "123456", "minutes": "5"}
    with town.parts.database.transaction() as session:
        until = asked_at + timedelta(minutes=5)
        jobs.enqueue(session, town.parts.rings, topic="sms", payload=message, now=asked_at, useful_until=until)
    clock.by = step
    create_worker(settings, clock).run_pending()
    with town.parts.database.transaction() as session:
        assert session.scalars(select(OutboxMessage).where(OutboxMessage.created_at == asked_at)).all() == []


def test_a_worker_whose_clock_is_wrong_destroys_nothing(town, settings, clock):
    clock.by = timedelta(days=400)
    worker = create_worker(settings, clock)
    with town.parts.database.transaction() as session:
        before = session.scalar(select(func.count()).select_from(Key))
    worker.run_pending()
    with town.parts.database.transaction() as session:
        assert session.scalar(select(func.count()).select_from(Key)) == before
        with pytest.raises(clocks.ClockWrong):
            clocks.require_right_clock(session, clock())
