"""Keys come ahead of need, are made once however many make them, and go when nobody may open what they sealed."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, select

from qe_ban import migrations
from qe_ban.db.engine import Database
from qe_ban.keys import lifecycle
from qe_ban.keys.models import DAILY, Key, Ring
from qe_ban.keys.rings import KeyRings
from tests.factories.databases import another


def test_keys_are_made_once_and_never_overwritten(database, settings):
    with pytest.raises(lifecycle.KeysExist), database.transaction() as session:
        lifecycle.init(session, settings.master_key, datetime.now(UTC))


def test_two_at_once_make_one_set_of_keys(settings):
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


def test_daily_keys_stand_for_today_and_three_days(rings):
    today = datetime.now(UTC).date()
    for ring in DAILY:
        for ahead in range(3):
            assert rings.daily(ring, today + timedelta(days=ahead)) is not None


def test_many_workers_at_once_make_one_key_a_day(database, settings):
    then = datetime(2031, 5, 5, 12, tzinfo=UTC)

    def make(_):
        with database.transaction() as session:
            return lifecycle.make_ahead(session, settings.master_key, then)

    with ThreadPoolExecutor(8) as pool:
        made = sum(pool.map(make, range(8)))
    assert made == len(DAILY) * 4
    with database.transaction() as session:
        session.execute(delete(Key).where(Key.day >= then.date()))


def test_sealing_keys_are_destroyed_after_their_profiles_life_and_seven_days(database, settings):
    day = datetime(2020, 1, 1, tzinfo=UTC)
    with database.transaction() as session:
        lifecycle.make_ahead(session, settings.master_key, day)

    def left(after):
        with database.transaction() as session:
            lifecycle.destroy_old(session, day + after)
            return set(session.scalars(select(Key.ring).where(Key.day == day.date(), Key.ring != Ring.COLUMN)))

    assert left(timedelta(days=8)) == {Ring.SEAL_ISSUED, Ring.SEAL_PASS, Ring.SEAL_PRINTED}
    assert left(timedelta(days=8, seconds=301)) == {Ring.SEAL_PASS, Ring.SEAL_PRINTED}
    assert left(timedelta(days=10, seconds=1)) == {Ring.SEAL_PRINTED}
    assert left(timedelta(days=408, seconds=1)) == set()
    with database.transaction() as session:
        kept = session.scalars(select(Key.kid).where(Key.ring == Ring.COLUMN, Key.day == day.date())).all()
        assert len(kept) == 1, "data keys stay as long as there is data"
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
        renewed = lifecycle.renew_signing(session, mine.master_key, now + timedelta(days=336))
        rings = session.scalars(select(Key.ring).where(Key.kid.in_(renewed))).all()
        assert sorted(rings) == [Ring.AUDIT, Ring.CODE, Ring.CODE_PRINTED, Ring.TOKEN]
        assert lifecycle.renew_signing(session, mine.master_key, now + timedelta(days=336)) == []
    later = KeyRings(database, mine.master_key).signing(Ring.CODE, now + timedelta(days=400))
    assert later.kid.hex() in renewed
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
