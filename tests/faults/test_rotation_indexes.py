"""The blind indexes change their keys while everything serves: whoever is there is found, and whoever comes too."""

import os
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from qe_ban.accounts.models import Resident
from qe_ban.accounts.service import Accounts, reindexing, residents
from qe_ban.cli.keys import backfill
from qe_ban.kernel.identifiers import IdType
from qe_ban.kernel.ids import new_id
from qe_ban.keys import lifecycle, retirement, vault
from qe_ban.keys.lifecycle import SETTLING_TIME
from qe_ban.keys.models import BLIND, Key, Ring
from qe_ban.keys.rings import KeyRings
from tests.factories.rotation import POLL_SECONDS, rotating, utc

RINGS = sorted(BLIND)
REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def city(settings):
    with rotating(settings, "indexes") as own_city:
        yield own_city


def settling_end():
    return utc() + SETTLING_TIME + timedelta(seconds=4)


def slot_counts(city, ring):
    with city.database.transaction() as session:
        return [session.scalar(select(func.count(column))) for column in reindexing.SLOTS[ring]]


def retire(city, kid, now):
    with city.database.transaction() as session:
        reindexing.retire(session, retirement.find(session, kid), now)


def interrupt(city, rings, ring, after):
    with city.database.transaction() as session:
        assert reindexing.backfill(session, rings, ring, after, limit=5).written == 5
        raise KeyboardInterrupt


def everybody_is_found(city):
    rings = KeyRings(city.database, city.settings.master_key, data_keys=city.settings.data_keys_dir)
    for resident_id, person in city.people:
        with city.database.transaction() as session:
            resident = residents.by_phone(rings, session, person.phone)
            assert resident is residents.by_id_number(rings, session, IdType.RESIDENT_ID, person.id_number)
            assert resident.id == resident_id


def test_both_indexes_change_their_keys_without_a_failure(city):
    with city.load():
        kids = {ring: city.rotate(ring, rotating=reindexing.rotate) for ring in RINGS}
        for ring in RINGS:
            backfill.fill_index(city.installation, ring)
        time.sleep(POLL_SECONDS)
        for ring, ((old,), _) in kids.items():
            backfill.fill_index(city.installation, ring)
            retire(city, old, settling_end())
            backfill.clear_slot(city.installation, ring)
        # until then some process may still have known the old key
        time.sleep(POLL_SECONDS)
        for ring in RINGS:
            backfill.clear_slot(city.installation, ring)
    for ring in RINGS:
        before, after = slot_counts(city, ring)
        assert before == 0
        assert after > len(city.people)
    everybody_is_found(city)


@pytest.mark.parametrize("ring", RINGS)
def test_a_rotation_is_interrupted_at_every_step_and_goes_on(city, ring):
    with city.database.transaction() as session:
        old = session.scalars(select(Key).where(Key.ring == ring, Key.slot.is_not(None))).one()
    mine, other = old.slot, 1 - old.slot
    with city.database.transaction() as session:
        lifecycle.destroy_old(session, utc() + 5 * SETTLING_TIME)
    _, new = city.rotate(ring, rotating=reindexing.rotate)
    with pytest.raises(lifecycle.RotationUnderWay):
        city.rotate(ring, rotating=reindexing.rotate)
    rings = KeyRings(city.database, city.settings.master_key, data_keys=city.settings.data_keys_dir)
    with pytest.raises(retirement.KeyNeeded):
        retire(city, old.kid, settling_end())
    whole = slot_counts(city, ring)[mine]

    with city.database.transaction() as session:
        step = reindexing.backfill(session, rings, ring, None, limit=7)
    assert slot_counts(city, ring)[other] == step.written == 7
    with pytest.raises(KeyboardInterrupt):
        interrupt(city, rings, ring, step.reached)
    assert slot_counts(city, ring)[other] == 7
    everybody_is_found(city)
    with pytest.raises(retirement.KeyNeeded):
        retire(city, old.kid, settling_end())

    city.parts[0].rings.refresh()
    assert backfill.fill_index(city.installation, ring) == whole - 7
    assert slot_counts(city, ring) == [whole, whole]
    assert backfill.fill_index(city.installation, ring) == 0
    with pytest.raises(retirement.KeyNeeded, match="之后"):
        retire(city, old.kid, utc())
    retire(city, old.kid, settling_end())
    with city.database.transaction() as session:
        assert reindexing.empty(session, ring, limit=4) == 4
    with pytest.raises(lifecycle.RotationUnderWay):
        city.rotate(ring, rotating=reindexing.rotate)
    with pytest.raises(lifecycle.RotationUnderWay, match="尚未清空"), city.database.transaction() as session:
        reindexing.rotate(session, city.settings.master_key, ring, utc() + 5 * SETTLING_TIME)
    # the worker sees it to its end
    with city.database.transaction() as session:
        reindexing.tidy(session)
    assert slot_counts(city, ring)[mine] == 0
    assert slot_counts(city, ring)[other] == whole
    with city.database.transaction() as session:
        assert session.get_one(Key, old.kid).wrapped is None
        assert session.get_one(Key, new).slot == other
        with pytest.raises(lifecycle.KeyIsLast):
            reindexing.retire(session, retirement.find(session, new), settling_end())
    everybody_is_found(city)


def test_a_row_whose_column_does_not_open_is_named_and_keeps_its_key_alive(city):
    ring = Ring.BLIND_PHONE
    # the test before has retired a key, which this process may still write with
    city.parts[0].rings.refresh()
    resident_id, _ = city.settle(city.parts[0].get(Accounts))
    with city.database.transaction() as session:
        lifecycle.destroy_old(session, utc() + 5 * SETTLING_TIME)
        row = session.get_one(Resident, resident_id)
        whole = row.phone_sealed
        row.phone_sealed = whole[:-1] + bytes([whole[-1] ^ 1])
    (old,), _ = city.rotate(ring, rotating=reindexing.rotate)
    city.parts[0].rings.refresh()
    with pytest.raises(Exception, match=str(resident_id)):
        backfill.fill_index(city.installation, ring)
    with pytest.raises(retirement.KeyNeeded):
        retire(city, old, settling_end())
    with city.database.transaction() as session:
        session.get_one(Resident, resident_id).phone_sealed = whole
    assert backfill.fill_index(city.installation, ring) == 1
    retire(city, old, settling_end())


def test_a_backfill_that_is_killed_goes_on(city):
    ring, rings = Ring.BLIND_PHONE, city.parts[1].rings
    rings.refresh()
    with city.database.transaction() as session:
        lifecycle.destroy_old(session, utc() + 5 * SETTLING_TIME)
        backfill.clear_slot(city.installation, ring)
        for number in range(500):
            resident_id, phone = new_id(), f"199{number:08d}"
            index, index_next = rings.blind(ring, phone)
            envelope = vault.seal(rings, residents.PHONE, resident_id, phone, utc())
            row = {
                "id": resident_id,
                "phone_index": index,
                "phone_index_next": index_next,
                "phone_sealed": envelope,
            }
            session.add(Resident(**row, assurance="none", created_at=utc()))
    (old,), new = city.rotate(ring, rotating=reindexing.rotate)
    with city.database.transaction() as session:
        slot = session.get_one(Key, new).slot
    words = [sys.executable, "-P", "-m", "qe_ban.cli", "keys", "backfill", ring.value]
    with subprocess.Popen(words, env=os.environ | city.env(), cwd=REPOSITORY) as process:
        while process.poll() is None and not slot_counts(city, ring)[slot]:
            time.sleep(0.01)
        process.kill()
    count, whole = slot_counts(city, ring)[slot], slot_counts(city, ring)[1 - slot]
    assert 0 < count < whole
    result = city.qe("keys", "backfill", ring.value)
    assert result.stdout == f"{whole - count} rows written\n", result.stderr
    retire(city, old, settling_end())
    assert city.qe("keys", "retire", old).exit_code == 0
    assert slot_counts(city, ring)[1 - slot] == 0
    everybody_is_found(city)
