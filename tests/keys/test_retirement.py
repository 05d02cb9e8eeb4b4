"""What is left of a retired key, from when on a key has begun, and what a new row says, without a table."""

from datetime import UTC, date, datetime, timedelta

import pytest

from qe_ban.keys import lifecycle, retirement
from qe_ban.keys.integrity import Judge
from qe_ban.keys.models import Ring
from tests.factories.key_rows import MASTER, NOW, key_row

SECOND, HOUR = timedelta(seconds=1), timedelta(hours=1)


def test_a_retired_signing_key_loses_its_private_half_and_what_it_signed_is_still_verified():
    row = key_row(Ring.CODE)
    public, expires, seal = row.public, row.expires, row.seal
    retirement.destroy(row, NOW)
    assert (row.wrapped, row.changed_at) == (None, NOW)
    assert (row.public, row.expires, row.seal) == (public, expires, seal)
    assert Judge(MASTER).has_valid_seal(row)


def test_a_retired_secret_gives_its_slot_free_and_nothing_of_it_is_left():
    row = key_row(Ring.BLIND_PHONE, slot=1, not_before=NOW - HOUR)
    retirement.destroy(row, NOW + SECOND)
    assert (row.wrapped, row.slot, row.seal) == (None, None, None)
    assert (row.changed_at, row.expires) == (NOW + SECOND, NOW + SECOND)


def test_a_secret_that_is_retired_before_it_began_ends_as_it_begins():
    row = key_row(Ring.HOLDER, not_before=NOW + HOUR)
    retirement.destroy(row, NOW)
    assert (row.changed_at, row.not_before, row.expires) == (NOW, NOW + HOUR, NOW + HOUR)


def test_a_key_has_begun_from_its_first_moment_until_its_last():
    row, other = key_row(Ring.CODE, not_before=NOW, expires=NOW + HOUR), key_row(Ring.CODE, not_before=NOW + HOUR)
    moments = {NOW - SECOND: [], NOW: [row], NOW + HOUR - SECOND: [row], NOW + HOUR: [other]}
    for now, active in moments.items():
        assert retirement._active([row, other], now) == active


def test_what_is_not_past_yet_is_still_needed_until_a_moment_named_in_utc():
    moment = datetime(2026, 11, 30, 12, tzinfo=UTC)
    retirement.require_past(moment, moment)
    with pytest.raises(retirement.KeyNeeded) as refusal:
        retirement.require_past(moment, moment - timedelta(microseconds=1))
    assert refusal.value.message == "须等到 2026-11-30T12:00:00Z（世界时）之后才能退役这个密钥"


def test_a_new_row_is_as_it_was_made_and_changed_by_nobody_since():
    row = lifecycle._row("0a0b0c0d", Ring.CODE, NOW, NOW + HOUR, b"wrapped", made_at=NOW - HOUR)
    assert (row.kid, row.ring, row.wrapped) == ("0a0b0c0d", "code", b"wrapped")
    assert (row.not_before, row.expires) == (NOW, NOW + HOUR)
    assert (row.made_at, row.changed_at, row.denied_at) == (NOW - HOUR, NOW - HOUR, None)
    assert (row.public, row.day, row.slot, row.seal) == (None, None, None, None)


def test_a_kid_is_four_random_bytes_in_hex():
    kids = {lifecycle._kid() for _ in range(100)}
    assert len(kids) == 100
    assert {len(bytes.fromhex(kid)) for kid in kids} == {4}


def test_a_day_begins_at_midnight_in_utc():
    assert lifecycle._midnight(date(2026, 11, 30)) == datetime(2026, 11, 30, tzinfo=UTC)
    assert lifecycle._midnight(date(2026, 11, 30)).utcoffset() == timedelta(0)
