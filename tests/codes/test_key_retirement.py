"""A secret of holders' hashes stays while anything is found by it, and whoever wants to retire it is told what."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from qe_ban.accounts import service
from qe_ban.accounts.service import Accounts
from qe_ban.codes.models import Scan
from qe_ban.codes.service import rehashing
from qe_ban.keys import lifecycle, retirement
from qe_ban.keys.models import Key, Ring
from tests.factories.accounts import OpenRegister, PersonFactory
from tests.factories.alarm_town import AlarmTown
from tests.factories.wards import Family

WEEK, SECOND = timedelta(days=7), timedelta(seconds=1)


@pytest.fixture
def city(settings):
    town = AlarmTown(settings, "key_retirement")
    yield town
    town.database.dispose()


@pytest.fixture
def old_key(city):
    """Rotate the secret; returns the first one's kid, and from when on nothing is made under it."""
    with city.database.transaction() as session:
        kid = session.scalars(select(Key.kid).where(Key.ring == Ring.HOLDER)).one()
        lifecycle.rotate(session, city.settings.master_key, Ring.HOLDER, city.now)
    with city.database.transaction() as session:
        since = retirement.superseded_at(session, session.get_one(Key, kid))
    return kid, since


@pytest.fixture
def retire(city, old_key):
    def do(after):
        kid, since = old_key
        with city.database.transaction() as session:
            rehashing.retire(session, retirement.find(session, kid), since + after)

    return do


def kids(city):
    with city.database.transaction() as session:
        return session.scalars(select(Key.kid).where(Key.ring == Ring.HOLDER)).all()


def test_without_anything_under_it_it_goes_when_the_last_late_upload_has_come(city, old_key, retire):
    with pytest.raises(retirement.KeyNeeded, match="之后才能退役"):
        retire(WEEK - SECOND)
    assert old_key[0] in kids(city)
    retire(WEEK)
    assert old_key[0] not in kids(city)


def test_a_scan_of_its_time_keeps_it_and_one_of_the_next_secrets_time_does_not(city, old_key, retire):
    gate, (_, since) = city.terminal("gate-entry"), old_key
    code = city.code(city.resident().numbers["identity"], "identity")
    assert city.scan(gate, code).accepted

    def scan_was(at):
        with city.database.transaction() as session:
            session.execute(update(Scan).values(at=at))

    scan_was(since - timedelta(microseconds=1))
    with pytest.raises(retirement.KeyNeeded) as refusal:
        retire(WEEK)
    assert refusal.value.message == "还有用码记录保存在这个密钥之下，超过保存期限后才能退役"
    scan_was(since)
    retire(WEEK)


def test_a_scan_of_nobody_keeps_none(city, old_key, retire):
    assert not city.scan(city.terminal("gate-entry")).accepted
    retire(WEEK)


def test_a_wish_that_waits_keeps_it_until_it_is_confirmed(city, old_key, retire):
    register, now = OpenRegister(), city.now
    family = Family(replace(city.parts.get(Accounts), real_name=register), city.database, register, now)
    guardian, mother = family.person(), PersonFactory()
    ward = family.person(mother)
    guardianship_id = family.ask(guardian, mother).row.id
    with pytest.raises(retirement.KeyNeeded) as refusal:
        retire(WEEK)
    assert refusal.value.message == "还有待确认的监护申请保存在这个密钥之下，确认或结束后才能退役"
    family.do(service.confirm_guardian, ward, guardianship_id)
    retire(WEEK)
