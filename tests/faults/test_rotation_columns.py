"""Columns are sealed anew, and the master key changes, while everything serves; both go on where they were cut off."""

import base64
import secrets
import time
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from qe_ban.accounts.models import Resident
from qe_ban.accounts.service import residents
from qe_ban.cli.keys import clocks
from qe_ban.db.base import Base
from qe_ban.db.engine import Database
from qe_ban.keys import lifecycle, resealing, rewrapping, vault
from qe_ban.keys.models import Key, Ring
from qe_ban.keys.rings import KeyRings
from qe_ban.keys.wrapping import MasterKeyWrong
from tests.factories.rotation import POLL_SECONDS, rotating, utc

PHONES = resealing.SEALED_COLUMNS[0]


@pytest.fixture(scope="module")
def city(settings):
    with rotating(settings, "columns", master_key_next=secrets.token_bytes(32)) as own_city:
        yield own_city


def aged(city, days, count):
    """Seal some phones as they were sealed days ago; gives that day's kid."""
    then = utc() - timedelta(days=days)
    with city.database.transaction() as session:
        lifecycle.make_ahead(session, city.settings.master_key, then)
    rings = KeyRings(
        city.database,
        city.settings.master_key,
        city.settings.master_key_next,
        data_keys=city.settings.data_keys_dir,
    )
    with city.database.transaction() as session:
        for resident_id, person in city.people[:count]:
            row = session.get_one(Resident, resident_id)
            row.phone_sealed = vault.seal(rings, residents.PHONE, resident_id, person.phone, then)
    for parts in city.parts:
        parts.rings.refresh()
    return rings.daily(Ring.COLUMN, then.date())[0]


def sealed_under(city):
    with city.database.transaction() as session:
        return resealing.count_by_kid(session, PHONES, after=None)[1]


def test_the_registry_names_every_sealed_column():
    names = {(one.table, one.column) for one in resealing.SEALED_COLUMNS}
    there = {
        (table.name, column.name)
        for table in Base.metadata.tables.values()
        for column in table.columns
        if column.name.endswith("_sealed") or (table.name, column.name) == ("outbox", "payload")
    }
    assert names == there
    for one in resealing.SEALED_COLUMNS:
        assert [column.name for column in Base.metadata.tables[one.table].primary_key] == list(one.key)


def test_columns_are_sealed_anew_and_the_old_data_keys_go_without_a_failure(city):
    time.sleep(POLL_SECONDS)
    old = aged(city, 60, 12)
    assert sealed_under(city)[old] == 12
    refused = city.qe("keys", "retire", old)
    assert refused.exit_code == 2
    assert "12 columns lie under" in refused.stderr
    with city.load():
        with city.database.transaction() as session:
            keep = resealing.recent(session, utc(), 30)
            step = resealing.reseal(session, city.installation.rings, PHONES, keep=keep, after=None, clock=utc, limit=5)
        assert (step.count, step.broken) == (5, ())
        assert sealed_under(city)[old] == 7
        with pytest.raises(KeyboardInterrupt):
            interrupt(city, keep, step.last_key)
        assert sealed_under(city)[old] == 7
        reseal = city.qe("keys", "reseal")
        assert reseal.exit_code == 0, reseal.stderr
        assert "residents.phone_sealed: 7" in reseal.stdout
        assert old not in sealed_under(city)
        retirement = city.qe("keys", "retire", "--unused")
        assert retirement.exit_code == 0, retirement.stderr
        assert f"{old} is retired" in retirement.stdout
        time.sleep(POLL_SECONDS)
        for resident_id, person in city.people:
            with city.database.transaction() as session:
                row = session.get_one(Resident, resident_id)
                assert residents.phone_of(city.parts[1].rings, row) == person.phone
    assert "every data key is in use" in city.qe("keys", "retire", "--unused").stdout


def interrupt(city, keep, after):
    with city.database.transaction() as session:
        rings = city.installation.rings
        assert resealing.reseal(session, rings, PHONES, keep=keep, after=after, clock=utc, limit=4).count == 4
        raise KeyboardInterrupt


def test_a_column_that_does_not_open_is_named_stays_as_it_is_and_keeps_its_key(city):
    time.sleep(POLL_SECONDS)
    old = aged(city, 90, 1)
    resident_id, person = city.people[0]
    with city.database.transaction() as session:
        row = session.get_one(Resident, resident_id)
        row.phone_sealed = row.phone_sealed[:-1] + bytes([row.phone_sealed[-1] ^ 1])
    result = city.qe("keys", "reseal", "--days", "1")
    assert result.exit_code == 2
    assert str(resident_id) in result.stderr
    assert city.qe("keys", "retire", old).exit_code == 2
    with city.database.transaction() as session:
        session.get_one(Resident, resident_id).phone_sealed = vault.seal(
            city.installation.rings, residents.PHONE, resident_id, person.phone, utc()
        )
    assert city.qe("keys", "retire", old).exit_code == 0


def test_after_a_leak_what_yesterdays_key_sealed_is_sealed_anew(city):
    time.sleep(POLL_SECONDS)
    kid = aged(city, 1, 3)
    result = city.qe("keys", "reseal", "--days", "1")
    assert result.exit_code == 0, result.stderr
    assert sealed_under(city)[kid] == 3, "within the days that are left"
    result = city.qe("keys", "reseal", "--days", "0")
    assert result.exit_code == 0, result.stderr
    assert "residents.phone_sealed: 3" in result.stdout
    assert kid not in sealed_under(city)


@pytest.mark.parametrize("words", [("rotate", "column"), ("retire", "--unused"), ("rotate", "token")], ids=" ".join)
@pytest.mark.parametrize("off", [timedelta(days=-2), timedelta(hours=3)], ids=["slow", "fast"])
def test_a_shell_whose_clock_is_wrong_destroys_nothing(city, monkeypatch, words, off):
    """Two days slow, `rotate column` would take today's key for one of the days to come, and all that is under it."""
    with city.database.transaction() as session:
        before = set(session.scalars(select(Key.kid)))
    monkeypatch.setattr(clocks, "system_clock", lambda: utc() + off)
    result = city.qe("keys", *words)
    assert result.exit_code == 2
    assert "more than a minute apart" in result.stderr
    with city.database.transaction() as session:
        assert set(session.scalars(select(Key.kid))) == before


def test_a_data_key_of_the_days_to_come_under_which_something_lies_is_not_made_anew(city):
    time.sleep(POLL_SECONDS)
    used = aged(city, -2, 1)
    with city.database.transaction() as session:
        last = session.scalars(select(Key.kid).where(Key.ring == Ring.COLUMN).order_by(Key.day.desc())).first()
    assert city.qe("keys", "rotate", "column").exit_code == 0
    with city.database.transaction() as session:
        kids = set(session.scalars(select(Key.kid).where(Key.ring == Ring.COLUMN)))
    assert used in kids
    assert last not in kids
    resident_id, person = city.people[0]
    with city.database.transaction() as session:
        envelope = vault.seal(city.installation.rings, residents.PHONE, resident_id, person.phone, utc())
        session.get_one(Resident, resident_id).phone_sealed = envelope


def test_the_keys_of_today_and_of_the_days_to_come_are_not_retired(city):
    with city.database.transaction() as session:
        kids = session.scalars(select(Key.kid).where(Key.ring == Ring.COLUMN, Key.day > utc().date())).all()
    for kid in kids:
        result = city.qe("keys", "retire", kid)
        assert result.exit_code == 2
        assert "serves today or a day to come" in result.stderr


def test_the_master_key_changes_without_a_failure_and_new_keys_lie_under_the_next_one(city):
    master, following = city.settings.master_key, city.settings.master_key_next
    with city.load():
        with city.database.transaction() as session:
            assert rewrapping.master_for_new(session, master, following) == master
            assert rewrapping.step(session, master, following, limit=3) == 3
        with pytest.raises(KeyboardInterrupt):
            cut_off(city)
        # a key that is made in the middle is under the next one already, so nothing is left behind at the end
        (_, new) = city.rotate(Ring.TOKEN)
        result = city.qe("keys", "rewrap")
        assert result.exit_code == 0, result.stderr
        assert "0 keys wrapped" in city.qe("keys", "rewrap").stdout
        time.sleep(POLL_SECONDS)
    only = Database(city.settings.database_url, pool=1)
    snapshot = KeyRings(only, following, sealing=True, printing=True).snapshot()
    assert new in snapshot.secrets_by_kid
    with pytest.raises(MasterKeyWrong):
        KeyRings(only, master).snapshot()
    only.dispose()
    # afterwards the next one is the only one
    env = {"QE_MASTER_KEY": base64.b64encode(following).decode(), "QE_MASTER_KEY_NEXT": ""}
    assert city.qe("keys", "rotate", "code", **env).exit_code == 0
    assert city.qe("keys", "rewrap", **env).exit_code == 2
    # a process that was left with the one before makes nothing that others could not read
    with pytest.raises(MasterKeyWrong), city.database.transaction() as session:
        rewrapping.master_for_new(session, master, None)
    city.settings = replace(city.settings, master_key=following, master_key_next=None)


def cut_off(city):
    with city.database.transaction() as session:
        assert rewrapping.step(session, city.settings.master_key, city.settings.master_key_next, limit=2) == 2
        raise KeyboardInterrupt
