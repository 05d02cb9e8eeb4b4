"""Signing and sealing keys rotate while everything serves: nothing fails, and what was signed before stays good."""

import time
import uuid

import pytest
from sqlalchemy import select

from qe_ban.codes import token
from qe_ban.keys import lifecycle, retirement
from qe_ban.keys.models import Key, Ring
from tests.factories.rotation import API, POLL_SECONDS, rotating, utc


@pytest.fixture(scope="module")
def city(settings):
    with rotating(settings, "signing") as own_city:
        yield own_city


def issued(city):
    return city.here.post(f"{API}/codes/identity/issue", headers=city.person.headers).get_json()["code"]


def reason_of(city, code):
    body = {"scan_id": str(uuid.uuid4()), "code": code, "purpose": "gate-entry"}
    return city.there.post(f"{API}/codes/verify", json=body, headers=city.gate.headers).get_json()["reason"]


def test_codes_and_tokens_are_signed_by_new_keys_without_a_failure_and_the_old_ones_go(city):
    before = issued(city)
    with city.load():
        kids = [city.rotate(ring) for ring in (Ring.CODE, Ring.TOKEN, Ring.AUDIT, Ring.CODE_PRINTED)]
        time.sleep(3 + POLL_SECONDS)
        with city.database.transaction() as session:
            for (old,), _ in kids:
                retirement.retire_signing(session, retirement.find(session, old), utc())
        time.sleep(POLL_SECONDS)
        after = issued(city)
        assert reason_of(city, before) == reason_of(city, after) == "ok"
    assert token.parse(after).claims.kid.hex() == kids[0][1]
    with city.database.transaction() as session:
        retired_keys = session.scalars(select(Key).where(Key.kid.in_([kid for (kid,), _ in kids]))).all()
        assert all(key.wrapped is None and key.public is not None for key in retired_keys)
        with pytest.raises(lifecycle.KeyIsLast):
            retirement.retire_signing(session, retirement.find(session, kids[0][1]), utc())
        with pytest.raises(lifecycle.KeyNotFound):
            retirement.find(session, kids[0][0][0])
        with pytest.raises(lifecycle.KeyIsLast):
            lifecycle.deny(session, kids[0][1], utc())


@pytest.mark.parametrize("ring", [Ring.SEAL_ISSUED, Ring.SEAL_PASS, Ring.SEAL_PRINTED, Ring.COLUMN])
def test_a_ring_with_a_key_for_each_day_gets_new_ones_for_the_days_to_come_only(city, ring):
    def days():
        with city.database.transaction() as session:
            rows = session.execute(select(Key.day, Key.kid).where(Key.ring == ring).order_by(Key.day)).all()
        return {day: kid for day, kid in rows if day >= utc().date()}

    # the city's keys may have been made before midnight
    with city.database.transaction() as session:
        lifecycle.make_ahead(session, city.settings.master_key, utc())
    before = days()
    with city.database.transaction() as session:
        kid = lifecycle.rotate(session, city.settings.master_key, ring, utc())
    after = days()
    # what begins within a day may be in use at a machine whose clock is fast
    today, tomorrow, *ahead = sorted(before)
    assert after.keys() == before.keys()
    assert (after[today], after[tomorrow]) == (before[today], before[tomorrow])
    assert all(after[day] != before[day] for day in ahead)
    assert kid == after[ahead[0]]
    time.sleep(POLL_SECONDS)
    assert city.parts[0].rings.daily(ring, ahead[0])[0] == kid


def test_roots_are_not_rotated(city):
    with pytest.raises(lifecycle.NotRotated), city.database.transaction() as session:
        lifecycle.rotate(session, city.settings.master_key, Ring.ROOT, utc())
