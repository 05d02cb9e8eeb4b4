"""A blind index's key stays while somebody is found by it alone, and what is to be done first is said."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from qe_ban.accounts.service import reindexing, residents
from qe_ban.db.engine import Database
from qe_ban.keys import lifecycle, retirement
from qe_ban.keys.models import Key, Ring
from qe_ban.keys.rings import KeyRings
from tests.factories.accounts import random_phone
from tests.factories.databases import with_schema


@pytest.fixture
def own(settings, now):
    """A database with keys of its own and three residents: gives it, its keys, settings and the residents."""
    made = with_schema(settings, "reindexing")
    database = Database(made.database_url)
    with database.transaction() as session:
        lifecycle.init(session, made.master_key, now - timedelta(hours=1))
    rings = KeyRings(database, made.master_key, data_keys=made.data_keys_dir)
    with database.transaction() as session:
        known = sorted(residents.of_phone(rings, session, phone=random_phone(), now=now) for _ in range(3))
    yield database, rings, made, known
    database.dispose()


def test_a_key_by_which_alone_somebody_is_found_is_needed_and_the_next_step_is_named(own, now):
    database, rings, settings, known = own
    with database.transaction() as session:
        old = session.scalars(select(Key.kid).where(Key.ring == Ring.BLIND_PHONE)).one()
        reindexing.rotate(session, settings.master_key, Ring.BLIND_PHONE, now - timedelta(minutes=5))
    rings.refresh()

    def retire():
        with database.transaction() as session:
            reindexing.retire(session, retirement.find(session, old), now + timedelta(minutes=5))

    def counts():
        with database.transaction() as session:
            return [reindexing.count(session, Ring.BLIND_PHONE, slot) for slot in (0, 1)]

    with pytest.raises(retirement.KeyNeeded) as refusal:
        retire()
    assert refusal.value.message == "还有居民只能用这个密钥查到，请先运行 keys backfill blind-phone"
    assert counts() == [3, 0]
    after, steps = None, []
    for _ in range(2):
        with database.transaction() as session:
            step = reindexing.backfill(session, rings, Ring.BLIND_PHONE, after, limit=2)
        after = step.reached
        steps.append((step.reached, step.written, list(step.broken)))
    assert steps == [(known[1], 2, []), (None, 1, [])]
    assert counts() == [3, 3]
    retire()
    with database.transaction() as session:
        assert reindexing.empty(session, Ring.BLIND_PHONE) == 3
    assert counts() == [0, 3]
