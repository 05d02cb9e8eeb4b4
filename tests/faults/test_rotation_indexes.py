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
from tests.factories.rotation import POLLED, rotating, utc

RINGS = sorted(BLIND)
REPOSITORY = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def city(settings):
    with rotating(settings, "indexes") as made:
        yield made


def settled():
    return utc() + SETTLING_TIME + timedelta(seconds=4)


def filled(city, ring):
    with city.database.transaction() as session:
        return [session.scalar(select(func.count(column))) for column in reindexing.SLOTS[ring]]


def retire(city, kid, now):
    with city.database.transaction() as session:
        reindexing.retire(session, retirement.find(session, kid), now)


def interrupted(city, rings, ring, after):
    with city.database.transaction() as session:
        assert reindexing.backfill(session, rings, ring, after, limit=5).written == 5
        raise KeyboardInterrupt


def everybody_is_found(city):
    rings = KeyRings(city.database, city.settings.master_key, data_keys=city.settings.data_keys_dir)
    for resident_id, person in city.known:
        with city.database.transaction() as session:
            found = residents.by_phone(rings, session, person.phone)
            assert found is residents.by_id_number(rings, session, IdType.RESIDENT_ID, person.id_number)
            assert found.id == resident_id


def test_both_indexes_change_their_keys_without_a_failure(city):
    with city.load():
        rotated = {ring: city.rotate(ring, rotating=reindexing.rotate) for ring in RINGS}
        for ring in RINGS:
            backfill.fill_index(city.opened, ring)
        time.sleep(POLLED)
        for ring, ((old,), _) in rotated.items():
            backfill.fill_index(city.opened, ring)
            retire(city, old, settled())
            backfill.clear_slot(city.opened, ring)
        # until then some process may still have known the old key
        time.sleep(POLLED)
        for ring in RINGS:
            backfill.clear_slot(city.opened, ring)
    for ring in RINGS:
        before, after = filled(city, ring)
        assert before == 0
        assert after > len(city.known)
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
        retire(city, old.kid, settled())
    whole = filled(city, ring)[mine]

    with city.database.transaction() as session:
        step = reindexing.backfill(session, rings, ring, None, limit=7)
    assert filled(city, ring)[other] == step.written == 7
    with pytest.raises(KeyboardInterrupt):
        interrupted(city, rings, ring, step.reached)
    assert filled(city, ring)[other] == 7
    everybody_is_found(city)
    with pytest.raises(retirement.KeyNeeded):
        retire(city, old.kid, settled())

    city.parts[0].rings.refresh()
    assert backfill.fill_index(city.opened, ring) == whole - 7
    assert filled(city, ring) == [whole, whole]
    assert backfill.fill_index(city.opened, ring) == 0
    with pytest.raises(retirement.KeyNeeded, match="之后"):
        retire(city, old.kid, utc())
    retire(city, old.kid, settled())
    with city.database.transaction() as session:
        assert reindexing.empty(session, ring, limit=4) == 4
    with pytest.raises(lifecycle.RotationUnderWay):
        city.rotate(ring, rotating=reindexing.rotate)
    with pytest.raises(lifecycle.RotationUnderWay, match="尚未清空"), city.database.transaction() as session:
        reindexing.rotate(session, city.settings.master_key, ring, utc() + 5 * SETTLING_TIME)
    # the worker sees it to its end
    with city.database.transaction() as session:
        reindexing.tidy(session)
    assert filled(city, ring)[mine] == 0
    assert filled(city, ring)[other] == whole
    with city.database.transaction() as session:
        assert session.get_one(Key, old.kid).wrapped is None
        assert session.get_one(Key, new).slot == other
        with pytest.raises(lifecycle.KeyIsLast):
            reindexing.retire(session, retirement.find(session, new), settled())
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
        backfill.fill_index(city.opened, ring)
    with pytest.raises(retirement.KeyNeeded):
        retire(city, old, settled())
    with city.database.transaction() as session:
        session.get_one(Resident, resident_id).phone_sealed = whole
    assert backfill.fill_index(city.opened, ring) == 1
    retire(city, old, settled())


def test_a_backfill_that_is_killed_goes_on(city):
    ring, rings = Ring.BLIND_PHONE, city.parts[1].rings
    rings.refresh()
    with city.database.transaction() as session:
        lifecycle.destroy_old(session, utc() + 5 * SETTLING_TIME)
        backfill.clear_slot(city.opened, ring)
        for number in range(500):
            made, phone = new_id(), f"199{number:08d}"
            index, index_next = rings.blind(ring, phone)
            sealed = vault.seal(rings, residents.PHONE, made, phone, utc())
            row = {"id": made, "phone_index": index, "phone_index_next": index_next, "phone_sealed": sealed}
            session.add(Resident(**row, assurance="none", created_at=utc()))
    (old,), new = city.rotate(ring, rotating=reindexing.rotate)
    with city.database.transaction() as session:
        slot = session.get_one(Key, new).slot
    words = [sys.executable, "-P", "-m", "qe_ban.cli", "keys", "backfill", ring.value]
    with subprocess.Popen(words, env=os.environ | city.env(), cwd=REPOSITORY) as process:
        while process.poll() is None and not filled(city, ring)[slot]:
            time.sleep(0.01)
        process.kill()
    done, whole = filled(city, ring)[slot], filled(city, ring)[1 - slot]
    assert 0 < done < whole
    told = city.qe("keys", "backfill", ring.value)
    assert told.stdout == f"{whole - done} rows written\n", told.stderr
    retire(city, old, settled())
    assert city.qe("keys", "retire", old).exit_code == 0
    assert filled(city, ring)[1 - slot] == 0
    everybody_is_found(city)
