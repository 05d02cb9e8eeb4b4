"""Data keys and the database: given out while no previous release serves, destroyed once the end is committed."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert

from qe_ban.accounts.models import Resident
from qe_ban.db import overlaps
from qe_ban.db.engine import Database
from qe_ban.keys import data_keys, lifecycle, vault
from qe_ban.keys.data_files import DataKeyDestroyed, DataKeysAway
from qe_ban.keys.data_keys import DataKeyToDestroy, Owner
from qe_ban.keys.rings import KeyRings
from tests.factories.databases import with_schema


@pytest.fixture
def now():
    return datetime.now(UTC)


@pytest.fixture
def allocate(rings, database, now):
    """Allocate a data key for a demand."""

    def call(owner=Owner.DEMAND):
        with database.transaction() as session:
            return data_keys.allocate(rings, session, owner, now)

    return call


def waiting(database):
    with database.transaction() as session:
        return set(session.scalars(select(DataKeyToDestroy.number)))


def test_each_data_key_has_a_number_of_its_own_and_lies_in_the_file(rings, allocate):
    numbers = [allocate() for _ in range(3)]
    assert len(set(numbers)) == 3
    assert len({rings.data_keys.key(number) for number in numbers}) == 3


def test_numbers_of_one_owner_say_nothing_of_the_order_of_anothers(allocate):
    resident, demand = allocate(Owner.RESIDENT), allocate(Owner.DEMAND)
    assert allocate(Owner.RESIDENT) == resident + 1
    assert allocate(Owner.DEMAND) == demand + 1


def test_numbers_of_disputes_say_nothing_of_their_order(rings, database, settings, allocate, now):
    # another process, with keys of its own
    other = KeyRings(database, settings.master_key, data_keys=settings.data_keys_dir)
    numbers = [allocate(Owner.DISPUTE) for _ in range(20)]
    with database.transaction() as session:
        others = [data_keys.allocate(other, session, Owner.DISPUTE, now) for _ in range(20)]
    assert numbers not in (sorted(numbers), sorted(numbers, reverse=True))
    assert len({*numbers, *others}) == 40
    assert len({rings.data_keys.key(number) for number in (*numbers, *others)}) == 40


def test_many_that_are_allocated_together_are_as_many_keys(rings, database, now):
    with database.transaction() as session:
        numbers = data_keys.allocate_many(rings, session, Owner.DEMAND, 500, now)
    assert len({rings.data_keys.key(number) for number in numbers}) == 500


def test_what_is_discarded_is_destroyed_as_soon_as_it_is_committed_and_not_before(rings, database, allocate):
    number = allocate()
    with database.transaction() as session:
        data_keys.discard(session, [number, None])
        data_keys.destroy_on_commit(rings, session)
        session.flush()
        assert rings.data_keys.key(number)
    assert rings.data_keys.is_destroyed(number)
    with database.transaction() as session:
        data_keys.destroy_due(rings, session)
    assert number not in waiting(database)


def test_what_is_rolled_back_is_not_destroyed(rings, database, allocate):
    outer, inner = allocate(), allocate()
    with database.transaction() as session:
        data_keys.destroy_on_commit(rings, session)
        data_keys.discard(session, [outer])
        session.rollback()
    with database.transaction() as session:
        data_keys.destroy_on_commit(rings, session)
        with session.begin_nested() as savepoint:
            data_keys.discard(session, [inner])
            savepoint.rollback()
    with database.transaction() as session:
        data_keys.destroy_due(rings, session)
    assert rings.data_keys.key(outer)
    assert rings.data_keys.key(inner)


def test_a_savepoint_that_is_released_destroys_nothing_before_the_transaction_commits(rings, database, allocate):
    number = allocate()
    with database.transaction() as session:
        data_keys.destroy_on_commit(rings, session)
        data_keys.discard(session, [number])
        with session.begin_nested():
            session.execute(text("SELECT 1"))
        assert rings.data_keys.key(number)
    assert rings.data_keys.is_destroyed(number)


def test_the_worker_destroys_what_a_crash_left_and_two_concurrent_ones_do_no_harm(rings, database, allocate):
    number = allocate()
    with database.transaction() as session:
        data_keys.discard(session, [number])
    assert rings.data_keys.key(number), "nobody saw the commit"
    with database.transaction() as first, database.transaction() as second:
        counts = [data_keys.destroy_due(rings, session) for session in (first, second)]
    assert counts[1] == 0
    assert rings.data_keys.is_destroyed(number)
    assert number not in waiting(database)


def test_while_the_directory_is_away_what_is_to_be_destroyed_waits(rings, database, settings, allocate, tmp_path):
    number = allocate()
    astray = KeyRings(database, settings.master_key, data_keys=tmp_path / "away")
    with database.transaction() as session:
        data_keys.discard(session, [number])
        data_keys.destroy_on_commit(astray, session)
    with pytest.raises(DataKeysAway), database.transaction() as session:
        data_keys.destroy_due(astray, session)
    assert number in waiting(database)
    with database.transaction() as session:
        data_keys.destroy_due(rings, session)
    assert rings.data_keys.is_destroyed(number)


def test_a_directory_that_is_away_is_not_made_anew(rings, database, settings, allocate, now, tmp_path):
    allocate()
    astray = KeyRings(database, settings.master_key, data_keys=tmp_path / "away")
    with pytest.raises(DataKeysAway), database.transaction() as session:
        data_keys.allocate(astray, session, Owner.DEMAND, now)
    assert not (tmp_path / "away").exists()


@pytest.fixture
def alone(settings, now):
    """A database of its own, as a restore or an upgrade leaves it."""
    mine = with_schema(settings, "data_keys")
    database = Database(mine.database_url)
    with database.transaction() as session:
        lifecycle.init(session, mine.master_key, now)
    yield database, KeyRings(database, mine.master_key, data_keys=mine.data_keys_dir)
    database.dispose()


@pytest.mark.xdist_group("data_keys")
def test_a_database_that_was_restored_gives_no_number_of_which_there_is_a_key(alone, now):
    database, rings = alone
    with database.transaction() as session:
        used = data_keys.allocate_many(rings, session, Owner.RESIDENT, 40, now)
        before = [rings.data_keys.key(number) for number in used]
        session.execute(text("SELECT setval('data_keys_of_residents', 5)"))
        assert data_keys.allocate(rings, session, Owner.RESIDENT, now) == used[-1] + 1
    assert [rings.data_keys.key(number) for number in used] == before


@pytest.mark.xdist_group("data_keys")
def test_while_the_previous_release_may_serve_nobody_gets_a_data_key(alone, now):
    database, rings = alone
    with database.transaction() as session:
        runs = {"previous": overlaps.PREVIOUS, "ends_at": now + timedelta(hours=1)}
        session.execute(insert(overlaps.ReleaseOverlap).values(runs))
    rings.refresh()
    with database.transaction() as session:
        assert data_keys.allocate(rings, session, Owner.RESIDENT, now) is None
        assert data_keys.allocate(rings, session, Owner.DISPUTE, now) is None
        assert data_keys.allocate(rings, session, Owner.RESIDENT, now + timedelta(hours=2)) is not None


def test_the_number_of_a_resident_is_found_and_of_nobody_none(rings, database, now):
    resident = uuid4()
    with database.transaction() as session:
        number = data_keys.allocate(rings, session, Owner.RESIDENT, now)
        ciphertext = vault.seal(rings, "residents.phone", resident, "13900000000", now, data_key=number)
        row = {"id": resident, "phone_sealed": ciphertext, "phone_index": resident.bytes, "data_key": number}
        session.execute(insert(Resident).values(row | {"assurance": "none", "created_at": now}))
        assert data_keys.number_for(session, Owner.RESIDENT, resident) == number
        assert data_keys.number_for(session, Owner.RESIDENT, uuid4()) is None
    rings.data_keys.destroy([number])
    with pytest.raises(DataKeyDestroyed):
        vault.unseal(rings, "residents.phone", resident, ciphertext)
