"""Hashes of one day: for whom two processes agree, and which nobody can make any more."""

from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest

from qe_ban.db import valkey
from qe_ban.db.engine import Database
from qe_ban.db.limits import Limiter
from qe_ban.kernel.errors import TooMany
from qe_ban.keys import lifecycle
from qe_ban.keys.day_hashes import DayHashes
from qe_ban.keys.models import Ring
from qe_ban.keys.rings import KeyMissing, KeyRings
from tests.factories.databases import with_schema

DAY = date(2026, 10, 2)
NOON = datetime(2026, 10, 2, 12, tzinfo=UTC)
MASTER = bytes(range(32))


@pytest.fixture
def own_database(settings):
    """A database of one's own whose keys begin on DAY."""
    database = Database(with_schema(settings, "day_hashes").database_url)
    with database.transaction() as session:
        lifecycle.init(session, MASTER, NOON)
    yield database
    database.dispose()


def hashes(database):
    return DayHashes(KeyRings(database, MASTER))


def test_two_processes_give_the_same_hash(own_database):
    assert hashes(own_database).digest("limit", DAY, b"m") == hashes(own_database).digest("limit", DAY, b"m")


def test_another_day_purpose_or_message_has_another_hash(own_database):
    day_hashes = hashes(own_database)
    several = [
        day_hashes.digest("limit", DAY, b"m"),
        day_hashes.digest("limit", DAY + timedelta(days=1), b"m"),
        day_hashes.digest("log", DAY, b"m"),
        day_hashes.digest("limit", DAY, b"n"),
    ]
    assert len(set(several)) == 4


def test_a_resident_has_another_name_each_day_of_the_city(own_database):
    day_hashes, resident = hashes(own_database), uuid4()
    midnight = datetime(2026, 10, 2, 16, tzinfo=UTC)
    before, after = (day_hashes.resident_name(resident, midnight + timedelta(seconds=n)) for n in (-1, 0))
    assert before != after
    assert day_hashes.resident_name(resident, midnight + timedelta(hours=24, seconds=-1)) == after
    assert day_hashes.resident_name(uuid4(), midnight) != after
    assert len(before) == 16
    assert resident.hex[:8] not in before + after


def test_without_a_key_of_the_day_there_is_a_dash_and_no_counter(own_database):
    long_ago = NOON - timedelta(days=30)
    assert hashes(own_database).resident_name(uuid4(), long_ago) == "-"
    with pytest.raises(KeyMissing):
        hashes(own_database).digest("limit", long_ago.date(), b"m")


def test_more_days_than_are_remembered_are_answered_alike(own_database):
    day_hashes = hashes(own_database)
    days = [DAY + timedelta(days=n) for n in range(4)]
    for n in range(40):
        day_hashes.digest(f"p{n}", days[n % 4], b"m")
    assert day_hashes.digest("limit", DAY, b"m") == hashes(own_database).digest("limit", DAY, b"m")


def test_a_week_later_nobody_can_find_out_whose_name_it_was(own_database):
    resident = uuid4()
    assert hashes(own_database).resident_name(resident, NOON) != "-"
    with own_database.transaction() as session:
        lifecycle.destroy_old(session, NOON + timedelta(days=9))
    assert hashes(own_database).resident_name(resident, NOON) == "-"


def count(limiter, subject, times):
    for n in range(times):
        try:
            limiter.hit("test", subject, limit=4, window=7 * 3600)
        except TooMany:
            return n
    return times


@pytest.mark.parametrize("url", [None, "unix:///nowhere/valkey.sock"], ids=["valkey", "postgresql"])
def test_a_limit_holds_across_midnight_in_all_processes_and_across_a_rotation(settings, own_database, url):
    max_hits, subject = 4 if url is None else 2, str(uuid4())
    # seven hours divide no day: this window begins on the day before
    midnight = int(datetime(2026, 10, 3, tzinfo=UTC).timestamp())
    begins = datetime.fromtimestamp(midnight - midnight % (7 * 3600), UTC)
    assert begins.date() == DAY

    def process(at):
        return Limiter(valkey.connect(url or settings.redis_url), own_database, lambda: at, hashes(own_database).digest)

    assert count(process(begins), subject, max_hits) == max_hits
    with own_database.transaction() as session:
        for ring in (Ring.SEAL_ISSUED, Ring.HOLDER, Ring.DERIVE, Ring.COLUMN):
            lifecycle.rotate(session, MASTER, ring, begins)
    after_midnight = process(datetime.fromtimestamp(midnight + 60, UTC))
    assert count(after_midnight, subject, 1) == 0
