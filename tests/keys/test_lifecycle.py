"""Keys come ahead of need, are made once however many make them, and go when nobody may open what they sealed."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, select

from qe_ban import migrations
from qe_ban.db.engine import Database
from qe_ban.keys import lifecycle, retirement
from qe_ban.keys.models import DAILY, Key, Ring
from qe_ban.keys.rings import KeyRings
from tests.factories.databases import another


def test_keys_are_made_once_and_never_overwritten(database, settings):
    with pytest.raises(lifecycle.KeysExist), database.transaction() as session:
        lifecycle.init(session, settings.master_key, datetime.now(UTC))


def test_two_concurrent_commands_make_one_set_of_keys(settings):
    mine = another(settings, "initial")
    database = Database(mine.database_url)
    migrations.upgrade(database.engine)

    def make(_):
        try:
            with database.transaction() as session:
                return len(lifecycle.init(session, mine.master_key, datetime.now(UTC)))
        except lifecycle.KeysExist:
            return 0

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(make, range(4))) == [0, 0, 0, 2]
    with pytest.raises(lifecycle.KeyIsLast), database.transaction() as session:
        lifecycle.deny(session, session.scalar(select(Key.kid).where(Key.ring == Ring.CODE)), datetime.now(UTC))
    database.dispose()


def test_daily_keys_stand_for_today_and_ten_days(rings):
    today = datetime.now(UTC).date()
    for ring in DAILY:
        for ahead in range(lifecycle.DAYS_AHEAD):
            assert rings.daily(ring, today + timedelta(days=ahead)) is not None


def test_many_concurrent_workers_make_one_key_a_day(database, settings):
    then = datetime(2031, 5, 5, 12, tzinfo=UTC)

    def make(_):
        with database.transaction() as session:
            return lifecycle.make_ahead(session, settings.master_key, then)

    with ThreadPoolExecutor(8) as pool:
        count = sum(pool.map(make, range(8)))
    assert count == len(DAILY) * (lifecycle.DAYS_AHEAD + 1)
    with database.transaction() as session:
        session.execute(delete(Key).where(Key.day >= then.date()))


def test_sealing_keys_are_destroyed_after_their_profiles_life_and_seven_days(database, settings):
    day = datetime(2020, 1, 1, tzinfo=UTC)
    with database.transaction() as session:
        lifecycle.make_ahead(session, settings.master_key, day)

    def remaining_rings(after):
        with database.transaction() as session:
            lifecycle.destroy_old(session, day + after)
            return set(session.scalars(select(Key.ring).where(Key.day == day.date(), Key.ring != Ring.COLUMN)))

    assert remaining_rings(timedelta(days=8)) == {Ring.SEAL_ISSUED, Ring.SEAL_PASS, Ring.SEAL_PRINTED}
    assert remaining_rings(timedelta(days=8, seconds=301)) == {Ring.SEAL_PASS, Ring.SEAL_PRINTED}
    assert remaining_rings(timedelta(days=10, seconds=1)) == {Ring.SEAL_PRINTED}
    assert remaining_rings(timedelta(days=408, seconds=1)) == set()
    with database.transaction() as session:
        column_keys = session.scalars(select(Key.kid).where(Key.ring == Ring.COLUMN, Key.day == day.date())).all()
        assert len(column_keys) == 1, "data keys stay as long as there is data"
        session.execute(delete(Key).where(Key.day < datetime(2021, 1, 1, tzinfo=UTC).date()))


def test_a_signing_key_is_renewed_thirty_days_before_it_ends_and_only_then(settings):
    mine = another(settings, "renewal")
    database = Database(mine.database_url)
    migrations.upgrade(database.engine)
    now = datetime.now(UTC)
    with database.transaction() as session:
        lifecycle.init(session, mine.master_key, now)
        assert lifecycle.renew_signing(session, mine.master_key, now + timedelta(days=334)) == []
    with database.transaction() as session:
        kids = lifecycle.renew_signing(session, mine.master_key, now + timedelta(days=336))
        rings = session.scalars(select(Key.ring).where(Key.kid.in_(kids))).all()
        assert sorted(rings) == [Ring.AUDIT, Ring.CODE, Ring.CODE_PRINTED, Ring.TOKEN]
        assert lifecycle.renew_signing(session, mine.master_key, now + timedelta(days=336)) == []
    later = KeyRings(database, mine.master_key).signing(Ring.CODE, now + timedelta(days=400))
    assert later.kid.hex() in kids
    database.dispose()


@pytest.mark.parametrize("kid", ["ffffffff", "", "nonsense", "' OR 1=1 --"])
def test_only_a_signing_key_that_is_there_is_denied(database, kid):
    with pytest.raises(lifecycle.KeyNotFound), database.transaction() as session:
        lifecycle.deny(session, kid, datetime.now(UTC))


def test_the_roots_private_halves_are_kept_nowhere(database):
    with database.transaction() as session:
        roots = session.scalars(select(Key).where(Key.ring == Ring.ROOT)).all()
    assert len(roots) == 2
    assert all(root.wrapped is None and root.public["crv"] == "P-256" for root in roots)


@pytest.fixture
def own_keys(settings):
    """A database with keys of its own, which a test may rotate and deny."""
    mine = another(settings, "denial")
    database = Database(mine.database_url)
    migrations.upgrade(database.engine)
    now = datetime.now(UTC)
    with database.transaction() as session:
        lifecycle.init(session, mine.master_key, now - timedelta(hours=1))
    yield database, mine.master_key, now
    database.dispose()


def only_key(session, ring):
    return session.scalars(select(Key).where(Key.ring == ring)).one()


@pytest.mark.parametrize("ring", [Ring.CODE, Ring.TOKEN])
def test_a_key_is_denied_only_once_its_successor_signs(own_keys, ring):
    database, master, now = own_keys
    with database.transaction() as session:
        old = only_key(session, ring).kid
        lifecycle.rotate(session, master, ring, now)
    for later in (timedelta(0), lifecycle.PUBLISHED_AHEAD - timedelta(milliseconds=1)):
        with pytest.raises(lifecycle.KeyIsLast) as refusal, database.transaction() as session:
            lifecycle.deny(session, old, now + later)
        assert "十秒后再" in refusal.value.detail
    with database.transaction() as session:
        lifecycle.deny(session, old, now + lifecycle.PUBLISHED_AHEAD)
        assert session.get_one(Key, old).denied_at == now + lifecycle.PUBLISHED_AHEAD


@pytest.mark.parametrize("ring", [Ring.CODE, Ring.TOKEN])
def test_a_key_is_retired_only_once_its_successor_signs(own_keys, ring):
    database, master, now = own_keys
    with database.transaction() as session:
        key = only_key(session, ring)
        lifecycle.rotate(session, master, ring, now)
        with pytest.raises(lifecycle.KeyIsLast):
            retirement.retire_signing(session, key, now + lifecycle.PUBLISHED_AHEAD - timedelta(milliseconds=1))
        retirement.retire_signing(session, key, now + lifecycle.PUBLISHED_AHEAD)


def test_a_successor_that_is_denied_or_over_lets_no_key_go(own_keys):
    database, master, now = own_keys
    with database.transaction() as session:
        old = only_key(session, Ring.CODE).kid
        new = lifecycle.rotate(session, master, Ring.CODE, now)
        begins = now + lifecycle.PUBLISHED_AHEAD
        over = session.get_one(Key, new).expires
        with pytest.raises(lifecycle.KeyIsLast):
            lifecycle.deny(session, old, over)
        lifecycle.deny(session, new, begins)
        with pytest.raises(lifecycle.KeyIsLast):
            lifecycle.deny(session, old, begins)


def test_a_secret_is_superseded_a_minute_after_its_successor_began(own_keys):
    database, master, now = own_keys
    with database.transaction() as session:
        old = only_key(session, Ring.DERIVE)
        with pytest.raises(lifecycle.KeyIsLast):
            retirement.superseded_at(session, old)
        lifecycle.rotate(session, master, Ring.DERIVE, now)
        begins = now + lifecycle.PUBLISHED_AHEAD
        superseded_at = begins + timedelta(minutes=1)
        assert retirement.superseded_at(session, old) == superseded_at
        # a third key changes nothing for the first
        lifecycle.rotate(session, master, Ring.DERIVE, now + timedelta(hours=1))
        assert retirement.superseded_at(session, old) == superseded_at


def test_a_derived_secret_goes_a_day_and_a_minute_after_its_successor_began(own_keys):
    database, master, now = own_keys
    with database.transaction() as session:
        old = only_key(session, Ring.DERIVE)
        lifecycle.rotate(session, master, Ring.DERIVE, now)
        edge = now + lifecycle.PUBLISHED_AHEAD + timedelta(minutes=1, hours=24)
        with pytest.raises(retirement.KeyNeeded):
            retirement.retire_derived(session, old, edge - timedelta(seconds=1))
        retirement.retire_derived(session, old, edge + timedelta(seconds=1))
        session.flush()
        assert session.scalar(select(Key.kid).where(Key.kid == old.kid)) is None


def test_a_worker_that_is_away_for_ten_days_leaves_a_key_for_each_and_the_old_ones_go_a_week_after_their_use(
    database, settings
):
    then = datetime(2033, 9, 30, 23, 59, tzinfo=UTC)
    with database.transaction() as session:
        lifecycle.make_ahead(session, settings.master_key, then)
    last = then.date() + timedelta(days=10)
    of_day = select(Key.day).where(Key.ring == "seal-issued", Key.day >= then.date())
    with database.transaction() as session:
        assert max(session.scalars(of_day)) == last
        # made early or not: a key goes by the end of its own day
        moment = datetime(2033, 10, 8, 0, 5, tzinfo=UTC)
        lifecycle.destroy_old(session, moment)
        assert then.date() in session.scalars(of_day).all()
        lifecycle.destroy_old(session, moment + timedelta(seconds=1))
        assert min(session.scalars(of_day)) == then.date() + timedelta(days=1)
        session.rollback()
    with database.transaction() as session:
        session.execute(delete(Key).where(Key.day >= then.date()))
