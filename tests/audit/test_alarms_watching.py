"""What the log itself tells: who looks at too much, what stands unsealed; and how watches are gone through."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import select, text
from structlog.testing import capture_logs

from qe_ban.app import create_worker
from qe_ban.audit import service as audit
from qe_ban.audit.models import Alarm
from qe_ban.audit.rules.alarms import AlarmKind
from qe_ban.audit.service import watching
from qe_ban.db.engine import DatabaseUnavailable
from qe_ban.kernel.clock import CITY_TIME
from qe_ban.kernel.ids import new_id
from qe_ban.kernel.principal import Principal, PrincipalKind
from tests.audit.conftest import NoResidents
from tests.factories.alarm_town import AlarmTown
from tests.factories.chains import Log

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
TODAY = datetime.now(CITY_TIME).replace(hour=0, minute=0, second=0, microsecond=0)
MORNING, NIGHT = TODAY + 10 * HOUR, TODAY + 2 * HOUR


@pytest.fixture
def log(settings):
    audit_log = Log(settings, "watching", began=min(MORNING - 4 * HOUR, datetime.now(UTC) - HOUR))
    yield audit_log
    audit_log.database.dispose()


@pytest.fixture
def auditor():
    return Principal(PrincipalKind.STAFF, new_id(), frozenset({"audit.read"}), new_id())


def look(log, reader, times, ends, *, every=10):
    """Read the log so many times within the time before a moment."""
    with log.database.transaction() as session:
        for n in range(times):
            at = ends - timedelta(seconds=1 + n * every)
            criteria, residents = audit.Criteria(), NoResidents()
            audit.read(
                session,
                log.rings,
                reader=reader,
                residents=residents,
                criteria=criteria,
                before=None,
                limit=1,
                now=at,
            )


def watch(log, at):
    return audit.Watchman(log.database, audit.WATCHES).run(at)


def alarms(log, kind):
    with log.database.transaction() as session:
        return session.scalars(select(Alarm).where(Alarm.kind == kind)).all()


class TestLookUps:
    def test_far_more_than_ever(self, log, auditor):
        look(log, auditor, 15, MORNING - DAY)
        look(log, auditor, 61, MORNING)
        watch(log, MORNING)
        (alarm,) = alarms(log, "staff_look_ups")
        assert (alarm.subject, alarm.count) == (str(auditor.id), 61)
        assert alarm.facts == {"looks": 61, "at_night": 0, "most_before": 15, "most_at_night": 0}
        watch(log, MORNING + MINUTE)
        look(log, auditor, 2, MORNING + 2 * MINUTE)
        watch(log, MORNING + 2 * MINUTE)
        assert [one.count for one in alarms(log, "staff_look_ups")] == [63]

    def test_what_one_does_every_day_is_none(self, log, auditor):
        look(log, auditor, 25, MORNING - 3 * DAY)
        look(log, auditor, 70, MORNING)
        watch(log, MORNING)
        assert alarms(log, "staff_look_ups") == []

    def test_a_full_day_at_the_window_is_none(self, log, auditor):
        for hour in range(8):
            look(log, auditor, 12, MORNING + hour * HOUR)
            watch(log, MORNING + hour * HOUR)
        assert alarms(log, "staff_look_ups") == []

    def test_at_night_as_never_before(self, log, auditor):
        look(log, auditor, 20, MORNING - DAY)
        look(log, auditor, 5, NIGHT)
        watch(log, NIGHT)
        (alarm,) = alarms(log, "staff_look_ups")
        assert alarm.facts["at_night"] == 5

    def test_who_works_at_night_may(self, log, auditor):
        look(log, auditor, 5, NIGHT - 2 * DAY)
        look(log, auditor, 15, NIGHT)
        watch(log, NIGHT)
        assert alarms(log, "staff_look_ups") == []

    def test_one_look_at_night_makes_no_habit_of_nights(self, log, auditor):
        look(log, auditor, 1, NIGHT - 2 * DAY)
        look(log, auditor, 5, NIGHT)
        watch(log, NIGHT)
        assert [one.facts["most_at_night"] for one in alarms(log, "staff_look_ups")] == [1]

    def test_more_than_anybody_can_read_is_one_whatever_the_habit(self, log, auditor):
        look(log, auditor, 100, MORNING - DAY, every=10)
        look(log, auditor, 240, MORNING, every=10)
        watch(log, MORNING)
        assert [one.count for one in alarms(log, "staff_look_ups")] == [240]

    def test_who_keeps_below_the_hours_number_is_reported_by_the_days(self, log, auditor):
        for hour in range(6):
            look(log, auditor, 50, MORNING + hour * HOUR)
            watch(log, MORNING + hour * HOUR)
        (alarm,) = alarms(log, "staff_look_ups")
        assert (alarm.count, alarm.facts) == (300, {"looks_of_a_day": 300})

    def test_hours_that_were_an_alarm_make_no_habit(self, log, auditor):
        look(log, auditor, 15, MORNING - 3 * DAY)
        look(log, auditor, 70, MORNING - 2 * DAY)
        watch(log, MORNING - 2 * DAY)
        (alarm,) = alarms(log, "staff_look_ups")
        with log.database.transaction() as session:
            closing = audit.Change(replace(auditor, id=new_id()), MORNING - DAY)
            audit.close_alarm(session, log.rings, alarm_id=alarm.id, note="已核实", change=closing)
        look(log, auditor, 70, MORNING)
        watch(log, MORNING)
        assert [one.facts["most_before"] for one in alarms(log, "staff_look_ups")] == [15, 15]

    def test_one_case_at_night_is_none(self, log, auditor):
        look(log, auditor, 4, NIGHT)
        watch(log, NIGHT)
        assert alarms(log, "staff_look_ups") == []

    def test_the_last_seals_bound_what_is_read(self, log, auditor):
        log.record(3, at=MORNING - 2 * HOUR)
        log.seal(MORNING - 2 * HOUR)
        look(log, auditor, 61, MORNING)
        watch(log, MORNING)
        assert len(alarms(log, "staff_look_ups")) == 1


class TestUnsealedRows:
    def test_rows_that_no_seal_takes(self, log):
        log.fill(2)
        log.record(3)
        assert watch(log, log.now + MINUTE) == 0
        assert watch(log, log.now + 3 * MINUTE) == 1
        (alarm,) = alarms(log, "unsealed_audit")
        assert (alarm.subject, alarm.count, alarm.facts["rows"]) == ("audit", 3, 3)
        watch(log, log.now + 4 * MINUTE)
        (alarm,) = alarms(log, "unsealed_audit")
        assert alarm.count == 3

    @pytest.mark.parametrize("offset", [-DAY, 40 * DAY], ids=["back", "ahead"])
    def test_a_row_that_is_dated_elsewhere_hides_no_later_one(self, log, offset):
        log.fill(2)
        log.record(1, at=log.now + offset)
        watch(log, log.now + 3 * MINUTE)
        log.record(2)
        watch(log, log.now + 20 * MINUTE)
        (alarm,) = alarms(log, "unsealed_audit")
        assert alarm.last_at == log.now + 20 * MINUTE
        assert alarm.facts["rows"] >= 2

    def test_a_floor_that_somebody_has_lifted_hides_nobody(self, log, auditor):
        log.record(200, at=MORNING - 3 * HOUR)
        log.seal(MORNING - 3 * HOUR)
        with log.database.transaction() as session:
            session.execute(text("SELECT setval('audit_events_id_seq', 1)"))
        look(log, auditor, 61, MORNING)
        watch(log, MORNING)
        assert len(alarms(log, "staff_look_ups")) == 1

    def test_a_log_that_is_sealed_is_none(self, log):
        log.fill(3)
        assert watch(log, log.now + 5 * MINUTE) == 0


class TestGoingThrough:
    def test_an_opened_alarm_is_logged_after_it_is_kept(self, log):
        log.record()
        with capture_logs() as lines:
            watch(log, log.now + 3 * MINUTE)
        (line,) = [line for line in lines if line["event"] == "audit.alarm"]
        assert (line["kind"], line["about"], line["log_level"]) == ("unsealed_audit", "audit", "error")
        assert line["alarm"] == str(alarms(log, "unsealed_audit")[0].id)

    def test_more_than_a_hundred_subjects_in_one_run_are_one_matter(self, log):
        calls = []

        def many(_session, _since, until, after):
            calls.append(after)
            return [audit.Tally(f"s{n}", 1, until, {}) for n in range(101)]

        one = audit.Watch(AlarmKind.GUESSING, HOUR, many, lambda _: True)
        for minute in (0, 1):
            audit.Watchman(log.database, [one]).run(log.now + minute * MINUTE)
        (alarm,) = alarms(log, "guessing")
        assert (alarm.subject, alarm.count, alarm.facts) == ("city", 202, {"subjects": 101})
        assert calls == [None, None]

    def test_later_facts_of_all_subjects_with_an_alarm_are_read_in_one_call(self, log):
        calls = []

        def some(_session, _since, until, after):
            calls.append(after)
            return [audit.Tally(f"s{n}", 1, until, {}) for n in range(30)]

        one = audit.Watch(AlarmKind.GUESSING, HOUR, some, lambda _: True)
        for minute in (0, 1):
            audit.Watchman(log.database, [one]).run(log.now + minute * MINUTE)
        assert [None if after is None else len(after) for after in calls] == [None, None, 30]
        assert {alarm.count for alarm in alarms(log, "guessing")} == {2}

    def test_a_run_ends_in_time_and_the_next_goes_on_where_it_was(self, log, monkeypatch):
        calls = []

        def make_watch(name):
            return audit.Watch(AlarmKind.GUESSING, HOUR, lambda *_: calls.append(name) or [], lambda _: True)

        moments = iter([0, 1, 40, 50, 51, 52, 53])
        monkeypatch.setattr(watching, "time", SimpleNamespace(monotonic=lambda: next(moments)))
        man = audit.Watchman(log.database, [make_watch(name) for name in "abc"])
        man.run(log.now)
        assert calls == ["a"]
        man.run(log.now)
        assert calls == ["a", "b", "c", "a"]

    def test_a_watch_that_fails_hinders_no_other(self, log):
        def slow(session, _since, _until, _subject):
            session.execute(text("SET LOCAL statement_timeout = '20ms'"))
            session.execute(text("SELECT pg_sleep(1)"))
            return []

        failing = audit.Watch(AlarmKind.GUESSING, HOUR, slow, lambda _: True)
        log.record()
        with capture_logs() as lines, pytest.raises(DatabaseUnavailable):
            audit.Watchman(log.database, (failing, *audit.WATCHES)).run(log.now + 3 * MINUTE)
        assert len(alarms(log, "unsealed_audit")) == 1
        assert {"audit.watch_failed", "audit.alarm"} <= {line["event"] for line in lines}


class TestMetric:
    def test_open_alarms_are_reported_by_kind(self, settings):
        city = AlarmTown(settings, "metric")
        with city.client() as client:
            with city.database.transaction() as session:
                alarm_id = audit.raise_(
                    session, AlarmKind.FORGED_CODES, "city", facts={}, at=city.now, count=1, now=datetime.now(UTC)
                )
            metrics = client.get("/metrics").text
        assert alarm_id is not None
        assert 'qe_alarms_open{kind="forged_codes"} 1.0' in metrics
        assert 'qe_alarms_open{kind="guessing"} 0.0' in metrics
        assert "# TYPE qe_alarms_open gauge" in metrics
        assert "qe_audit_last_seal_seconds" not in metrics, "there is no seal"
        city.database.dispose()

    def test_the_age_of_the_last_seal(self, log, make_app):
        log.record()
        log.seal(datetime.now(UTC) - 10 * MINUTE)
        metrics = make_app(settings=log.settings).test_client().get("/metrics").text
        (age,) = [line.split()[1] for line in metrics.splitlines() if line.startswith("qe_audit_last_seal_seconds ")]
        assert 600 <= float(age) < 700

    def test_without_the_database_the_rest_is_reported(self, settings, make_app):
        away = replace(settings, database_url="postgresql://nobody@127.0.0.1:1/none")
        answer = make_app(settings=away).test_client().get("/metrics")
        assert answer.status_code == 200
        assert "qe_alarms_open" not in answer.text
        assert "qe_requests" in answer.text


def test_the_worker_watches_each_minute(settings):
    city = AlarmTown(settings, "worker_watches")
    gate = city.terminal("gate-entry")
    city.scan(gate, city.code(1 << 40, "identity"))
    worker = create_worker(city.settings)
    worker.run_pending()
    assert [one.kind for one in city.alarms()] == ["reference_unknown"]
    due = "SELECT name FROM schedules WHERE name LIKE 'alarms.%' AND last_run_at IS NOT NULL ORDER BY name"
    with city.database.transaction() as session:
        assert session.scalars(text(due)).all() == ["alarms.habits", "alarms.watch"]
    worker._database.dispose()
    city.database.dispose()
