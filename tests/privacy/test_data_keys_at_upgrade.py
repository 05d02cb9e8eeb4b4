"""Rows of before get data keys once the previous release serves no more, and keep them when they are sealed anew."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import insert, update

from qe_ban.accounts.models import Consent, Resident
from qe_ban.accounts.service import residents
from qe_ban.app import upgrade
from qe_ban.db import overlaps
from qe_ban.kernel.clock import start_of_day, system_clock
from qe_ban.keys import lifecycle, moments, resealing, vault
from qe_ban.keys.models import Ring
from tests.factories.accounts import random_phone

pytestmark = pytest.mark.xdist_group("privacy")
GRANTED = datetime(2026, 11, 3, 4, 5, 6, tzinfo=UTC)


@pytest.fixture
def of_before(parts, serve_beside):
    """A resident with a phone and a consent, made while the previous release may serve; gives id and phone."""
    serve_beside(timedelta(hours=1))
    phone, now = random_phone(), system_clock()
    with parts.database.transaction() as session:
        resident = residents.of_phone(parts.rings, session, phone=phone, now=now)
        row = Consent(resident_id=resident, purpose="social-enquiry", state="granted")
        moments.write(parts.rings, row, now, data_key=None, granted_at=GRANTED)
        session.add(row)
    return resident, phone


def stored(parts, resident):
    with parts.database.transaction() as session:
        row = session.get_one(Resident, resident)
        consent = session.get_one(Consent, (resident, "social-enquiry"))
        session.expunge_all()
    return row, consent


def test_while_the_previous_release_may_serve_rows_have_the_form_that_it_reads(parts, of_before):
    row, _ = stored(parts, of_before[0])
    assert row.data_key is None
    assert row.phone_sealed[:1] == row.moments_sealed[:1] == vault.OF_DAY
    upgrade.rewrite(parts)
    assert stored(parts, of_before[0])[0].data_key is None


def test_then_the_worker_gives_each_a_key_and_seals_all_that_is_theirs_under_it(parts, of_before, serve_beside):
    serve_beside(timedelta(seconds=-1))
    upgrade.rewrite(parts)
    resident, phone = of_before
    row, consent = stored(parts, resident)
    assert row.data_key is not None
    for sealed in (row.phone_sealed, row.moments_sealed, consent.moments_sealed):
        assert vault.data_key_of(sealed) == row.data_key
    assert residents.phone_of(parts.rings, row) == phone
    assert moments.read(parts.rings, consent, "granted_at") == GRANTED
    assert consent.granted_at == start_of_day(GRANTED)
    upgrade.rewrite(parts)
    with parts.database.transaction() as session:
        assert overlaps.is_rewritten(session)
    again, _ = stored(parts, resident)
    assert (again.data_key, again.phone_sealed) == (row.data_key, row.phone_sealed)


def test_a_resident_that_somebody_holds_gets_a_key_in_the_next_run(parts, of_before, serve_beside):
    serve_beside(timedelta(seconds=-1))
    with parts.database.transaction() as session:
        session.get_one(Resident, of_before[0], with_for_update=True)
        upgrade.rewrite(parts)
    assert stored(parts, of_before[0])[0].data_key is None
    upgrade.rewrite(parts)
    assert stored(parts, of_before[0])[0].data_key is not None


def test_who_is_new_after_that_has_a_key_from_the_start(parts, serve_beside):
    serve_beside(timedelta(seconds=-1))
    with parts.database.transaction() as session:
        resident = residents.of_phone(parts.rings, session, phone=random_phone(), now=system_clock())
        row = session.get_one(Resident, resident)
        assert vault.data_key_of(row.phone_sealed) == vault.data_key_of(row.moments_sealed) == row.data_key


def test_to_seal_anew_under_another_day_s_key_keeps_the_data_key(parts, of_before, serve_beside):
    serve_beside(timedelta(seconds=-1))
    upgrade.rewrite(parts)
    resident, phone = of_before
    phones = next(one for one in resealing.SEALED_COLUMNS if one.name == residents.PHONE)
    tomorrow = system_clock() + timedelta(days=1)
    before, _ = stored(parts, resident)
    with parts.database.transaction() as session:
        lifecycle.make_ahead(session, parts.settings.master_key, system_clock())
    parts.rings.refresh()
    with parts.database.transaction() as session:
        step = resealing.reseal(session, parts.rings, phones, keep=(), after=None, clock=lambda: tomorrow, limit=5000)
    assert step.broken == () or str(resident) not in step.broken
    after, _ = stored(parts, resident)
    assert after.phone_sealed[1:5].hex() == parts.rings.daily(Ring.COLUMN, tomorrow.date())[0]
    assert vault.data_key_of(after.phone_sealed) == before.data_key
    assert residents.phone_of(parts.rings, after) == phone


def test_of_a_deleted_resident_who_comes_back_with_a_restore_nothing_is_known(parts, of_before, serve_beside):
    serve_beside(timedelta(seconds=-1))
    upgrade.rewrite(parts)
    row, consent = stored(parts, of_before[0])
    parts.rings.data_keys.destroy([row.data_key])
    assert residents.phone_of(parts.rings, row) is None
    assert moments.read(parts.rings, consent, "granted_at") == start_of_day(GRANTED)


def test_rows_that_do_not_open_stay_and_hold_nothing_up(parts, serve_beside):
    serve_beside(timedelta(seconds=-1))
    resident = uuid4()
    with parts.database.transaction() as session:
        row = {"id": resident, "phone_index": resident.bytes, "phone_sealed": vault.OF_DAY + bytes(40)}
        session.execute(insert(Resident).values(row | {"assurance": "none", "created_at": start_of_day(GRANTED)}))
    upgrade.rewrite(parts)
    upgrade.rewrite(parts)
    with parts.database.transaction() as session:
        assert overlaps.is_rewritten(session)
        assert session.get_one(Resident, resident).phone_sealed == vault.OF_DAY + bytes(40)
        session.execute(update(Resident).where(Resident.id == resident).values(phone_sealed=b"x"))
