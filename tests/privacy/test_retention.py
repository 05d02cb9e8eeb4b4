"""Every table ends: what grows has its days, and at each edge the right row goes, and no other."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, inspect, select, text

from qe_ban.accounts import models as accounts
from qe_ban.app.assembly import assemble
from qe_ban.app.slices import SLICES
from qe_ban.codes import models as codes
from qe_ban.composition import clocks, retention, working
from qe_ban.db.engine import Database
from qe_ban.db.retention import Ending, Period, Schedule
from qe_ban.kernel.clock import CITY_TIME
from qe_ban.keys import lifecycle
from tests.factories.databases import with_schema
from tests.factories.endings import DAYS
from tests.privacy.planted import CASES, LONG_AGO, MORE
from tests.privacy.planter import Planter

TICK = timedelta(microseconds=1)
BEFORE_MIDNIGHT = datetime(2028, 2, 28, 15, 59, 59, 999_999, UTC)
"""The last moment of a day of the city, the eve of a leap day; its first moment is the next one."""
LAST_OF_MONTH = datetime(2028, 3, 31, 16, tzinfo=UTC)


def key_of(ending: Ending) -> tuple[str, str]:
    return ending.model.__tablename__, ending.period.value if isinstance(ending.period, Period) else ""


# of two endings of a table without a setting the first looks at the rows' moments
ENDINGS = {key_of(ending): ending for ending in reversed(retention.endings(SLICES))}
ELSEWHERE = {table for one in SLICES for table in one.retention.elsewhere}
WITHOUT_END = {table for one in SLICES for table in one.retention.without_end}
OF_MONTHS = {("holders_over_month", "")}
"""The turn of the month is its edge: tests/codes/test_holders_by_month.py."""


OF_EACH_SCHEDULE = [("revocations", ""), ("uses", ""), ("alarms", "audit"), ("recent_items", "scans")]
SETTINGS = {
    Period.SCANS: "QE_SCAN_DAYS",
    Period.AUDIT: "QE_AUDIT_DAYS",
    Period.DISPUTES: "QE_DISPUTE_DAYS",
    Period.RECORDS: "QE_RECORD_DAYS",
}


@pytest.fixture(scope="module")
def database(settings):
    made = Database(with_schema(settings, "ends").database_url, pool=4)
    yield made
    made.dispose()


def run(session, ending, now):
    while ending.step(session, ending.before(now, DAYS)):
        pass


def stands(session, ending, key):
    session.expire_all()
    row = session.get(ending.model, tuple(key[column.name] for column in inspect(ending.model).primary_key))
    if row is None or not ending.columns:
        return row is not None
    if ending.columns == ("scan_id",):
        # it cannot be empty: what is left is random
        return row.scan_id.version == 7
    return any(getattr(row, name) is not None for name in ending.columns)


def test_every_table_is_in_the_table_of_retention(database):
    with database.transaction() as session:
        partitions = "SELECT inhrelid FROM pg_inherits"
        names = text(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
            f" AND oid NOT IN ({partitions})"
        )
        tables = set(session.scalars(names)) - {"alembic_version"}
    ends = {model.__tablename__ for ending in retention.endings(SLICES) for model in (ending.model, *ending.also)}
    assert tables == ends | set(ELSEWHERE) | set(WITHOUT_END)
    assert not ends & set(WITHOUT_END)
    assert not set(ELSEWHERE) & set(WITHOUT_END)


def test_every_ending_has_rows_at_its_edge():
    assert {key_of(ending) for ending in retention.endings(SLICES)} == set(CASES) | OF_MONTHS
    assert set(MORE) <= set(CASES)


def test_the_worker_runs_every_schedule_and_destroys_nothing_by_a_wrong_clock(settings):
    assert {ending.schedule for ending in retention.endings(SLICES)} == set(retention.EVERY)
    parts = assemble(with_schema(settings, "ends_by_worker"))
    with parts.database.transaction() as session:
        lifecycle.init(session, settings.master_key, datetime.now(UTC))
        at = datetime.now(UTC) - timedelta(days=2000)
        planted = [CASES[key].ends(Planter(session, at), at) for key in OF_EACH_SCHEDULE]
    schedules = {one.name: one for one in working.schedules(parts)}
    for name in (schedule.value for schedule in Schedule):
        assert schedules[name].every == retention.EVERY[Schedule(name)]
        with parts.database.transaction() as session, pytest.raises(clocks.ClockWrong):
            schedules[name].run(session, _clock_of(session) + timedelta(hours=1))
    assert _stand(parts, planted) == [True] * len(planted)
    for name in (schedule.value for schedule in Schedule):
        with parts.database.transaction() as session:
            schedules[name].run(session, _clock_of(session))
    assert _stand(parts, planted) == [False] * len(planted)
    parts.database.dispose()


def _clock_of(session):
    return session.scalar(select(func.clock_timestamp()))


def _stand(parts, planted):
    with parts.database.transaction() as session:
        return [stands(session, ENDINGS[key], row) for key, row in zip(OF_EACH_SCHEDULE, planted, strict=True)]


def test_the_operators_table_has_every_ending():
    """docs/operating.md says of each table when its rows go, by which schedule and by which setting."""
    page = (Path(__file__).parents[2] / "docs" / "operating.md").read_text()
    rows = page.split("\n### How long\n")[1].split("\n## ")[0].splitlines()
    for ending in retention.endings(SLICES):
        setting = SETTINGS[ending.period] if isinstance(ending.period, Period) else ""
        for model in (ending.model, *ending.also):
            told = [row for row in rows if f"`{model.__tablename__}`" in row and setting in row]
            assert [row for row in told if f"| `{ending.schedule.value}` |" in row], (model.__tablename__, setting)
    for table in (*ELSEWHERE, *WITHOUT_END):
        assert any(f"`{table}`" in row for row in rows), table


@pytest.mark.parametrize("now", [BEFORE_MIDNIGHT, BEFORE_MIDNIGHT + TICK, LAST_OF_MONTH], ids=str)
@pytest.mark.parametrize("key", CASES, ids="-".join)
def test_at_its_edge_the_right_row_goes_and_no_other(database, key, now):
    case, ending = CASES[key], ENDINGS[key]
    edge = ending.before(now, DAYS)
    first_kept = edge if ending.schedule is Schedule.DAYS else edge + TICK
    last_gone = edge - TICK
    if key[0] == "audit_words":
        last_gone = edge - timedelta(days=1)
    with database.transaction() as session:
        planter = Planter(session, now)
        over = [plant(planter, last_gone) for plant in (case.ends, *MORE.get(key, ()))]
        kept = [plant(planter, first_kept) for plant in (case.ends, *MORE.get(key, ()))]
        kept += [plant(planter, edge - LONG_AGO) for plant in case.stays]
        run(session, ending, now)
        assert [stands(session, ending, row) for row in over] == [False] * len(over)
        assert [stands(session, ending, row) for row in kept] == [True] * len(kept)
        run(session, ending, now)
        assert [stands(session, ending, row) for row in kept] == [True] * len(kept)
        session.rollback()


def test_days_are_whole_days_of_the_city_in_every_month():
    """At the last moment of a day what ended N days ago still stands; a tick later, in the next day, it goes."""
    ending = ENDINGS["consent_events", "records"]
    for day in (date(2027, 1, 1) + timedelta(days=number) for number in range(4 * 366)):
        midnight = datetime.combine(day, datetime.min.time(), CITY_TIME)
        first_kept = datetime.combine(day - timedelta(days=1100), datetime.min.time(), CITY_TIME)
        for now in (midnight, midnight + timedelta(hours=8), midnight + timedelta(days=1) - TICK):
            assert ending.before(now.astimezone(UTC), DAYS) == first_kept


def test_a_closed_account_ends_in_one_run_with_all_that_refers_to_it(settings):
    """Consents by a guardian, their history, the guardianship, the case, the proof, the code's number, the account."""
    parts = assemble(with_schema(settings, "ends_whole"))
    now = datetime(2031, 5, 31, 16, tzinfo=UTC)
    object.__setattr__(parts, "clock", lambda: now)
    with parts.database.transaction() as session:
        planter, at = Planter(session, now), now - timedelta(days=1100) - TICK
        guardian, ward = planter.closed(at), planter.row(accounts.Resident)["id"]
        row = {"state": "ended", "ended_at": at, "guardian_id": guardian, "ward_id": ward}
        by = planter.row(accounts.Guardianship, **row)["id"]
        consent = planter.row(accounts.Consent, state="withdrawn", guardianship_id=by, resident_id=ward)
        for state in ("granted", "withdrawn"):
            planter.row(accounts.ConsentEvent, state=state, at=at, guardianship_id=by, **consent)
        planter.row(accounts.RecoveryCase, holder_id=ward, claimant_id=guardian, closed_at=at)
        planter.row(accounts.Closing, resident_id=guardian, closed_at=at, checked_at=at)
        planter.row(codes.Entitlement, resident_id=guardian)
    retention.sweeper(parts).run()
    with parts.database.transaction() as session:
        left = session.scalars(select(accounts.Resident.id)).all()
        assert left == [ward]
        for model in (accounts.Guardianship, accounts.Consent, accounts.ConsentEvent, accounts.RecoveryCase):
            assert session.scalars(select(model)).all() == []
    assert retention.sweeper(parts).run() == 0
    parts.database.dispose()
