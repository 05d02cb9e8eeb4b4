"""The seal of a row of the keys: what it covers, which master keys make it, and what a row proves without one."""

import hashlib
import hmac
from datetime import date, timedelta, timezone

import pytest

from qe_ban.keys import rewrapping, wrapping
from qe_ban.keys.integrity import Judge, belongs
from qe_ban.keys.models import SIGNING, Ring
from tests.factories.key_rows import MASTER, NEXT_MASTER, NOW, OTHER_MASTER, key_row

MICROSECOND = timedelta(microseconds=1)


def hkdf(master, label):
    """RFC 5869 over SHA-256 without a salt, for 32 bytes."""
    pseudorandom_key = hmac.digest(bytes(32), master, "sha256")
    return hmac.digest(pseudorandom_key, label + b"\x01", "sha256")


@pytest.mark.usefixtures("machine_in_the_city")
def test_a_seal_is_a_mac_over_the_row_in_one_spelling():
    """Seals lie in tables: the spelling is a format, and changes for no release."""
    row = key_row(
        Ring.CODE,
        kid="0a0b0c0d",
        public={"y": "二", "x": 1},
        expires=NOW + timedelta(days=1, microseconds=5),
        slot=1,
        day=date(2026, 11, 30),
    )
    message = (
        b'["0a0b0c0d","code",{"x":1,"y":"\\u4e8c"},'
        b'"2026-11-30T03:00:00.000000+00:00","2026-12-01T04:00:00.000005+00:00",1,"2026-11-30"]'
    )
    assert row.seal == hmac.new(hkdf(MASTER, b"qe-ban ring_keys row seal v1"), message, hashlib.sha256).digest()
    bare = key_row(Ring.HOLDER, kid="0a0b0c0d", expires=NOW)
    message = (
        b'["0a0b0c0d","holder",null,"2026-11-30T03:00:00.000000+00:00","2026-11-30T04:00:00.000000+00:00",null,null]'
    )
    assert bare.seal == hmac.new(hkdf(MASTER, b"qe-ban ring_keys row seal v1"), message, hashlib.sha256).digest()


@pytest.mark.parametrize(
    "change",
    [
        {"kid": "ffffffff"},
        {"ring": "code"},
        {"public": None},
        {"public": {}},
        {"not_before": NOW - timedelta(hours=1) + MICROSECOND},
        {"expires": NOW - MICROSECOND},
        {"slot": 0},
        {"day": NOW.date()},
        {"seal": bytes(32)},
        {"seal": b""},
        {"seal": None},
    ],
    ids=lambda change: next(iter(change)),
)
def test_whatever_of_a_row_is_changed_its_seal_does_not_hold(change):
    row = key_row(Ring.TOKEN)
    assert Judge(MASTER).has_valid_seal(row) is True
    for name, value in change.items():
        setattr(row, name, value)
    assert Judge(MASTER).has_valid_seal(row) is False


def test_a_seal_holds_whatever_a_deny_or_a_wrapping_changes_and_in_whatever_time_zone_moments_come():
    row = key_row(Ring.TOKEN)
    row.denied_at = row.changed_at = row.made_at = NOW + timedelta(days=1)
    row.wrapped = None
    row.not_before = row.not_before.astimezone(timezone(timedelta(hours=8)))
    row.ring = Ring.TOKEN
    assert Judge(MASTER).has_valid_seal(row)


def test_a_seal_holds_under_this_master_key_or_the_next_and_is_made_under_this():
    row = key_row(Ring.HOLDER)
    judges = [Judge(MASTER), Judge(NEXT_MASTER), Judge(NEXT_MASTER, MASTER), Judge(MASTER, NEXT_MASTER)]
    assert [judge.has_valid_seal(row) for judge in judges] == [True, False, True, True]
    Judge(NEXT_MASTER, MASTER).seal(row)
    assert [judge.has_valid_seal(row) for judge in judges] == [False, True, True, True]
    assert not Judge(OTHER_MASTER, OTHER_MASTER).has_valid_seal(row)


@pytest.mark.parametrize("ring", [*sorted(SIGNING - {Ring.ROOT}), Ring.HOLDER])
@pytest.mark.parametrize("master", [MASTER, NEXT_MASTER], ids=["this", "next"])
def test_a_row_without_a_seal_proves_itself_by_its_secret(ring, master):
    row = key_row(ring, master=master, seal=None)
    assert Judge(MASTER, NEXT_MASTER).proves_itself(row) is True
    assert Judge(MASTER, NEXT_MASTER).is_genuine(row) is True
    assert Judge(OTHER_MASTER).proves_itself(row) is False
    assert Judge(OTHER_MASTER, OTHER_MASTER).is_genuine(row) is False


def test_a_row_with_a_seal_that_does_not_hold_proves_nothing_by_its_secret():
    row = key_row(Ring.TOKEN, seal=bytes(32))
    assert not Judge(MASTER).proves_itself(row)
    assert not Judge(MASTER).is_genuine(row)


def test_a_sealed_row_is_genuine_also_without_a_secret():
    row = key_row(Ring.ROOT)
    assert not Judge(MASTER).proves_itself(row)
    assert Judge(MASTER).is_genuine(row)


def test_a_row_without_seal_and_secret_is_nobodys():
    assert not Judge(MASTER).is_genuine(key_row(Ring.ROOT, seal=None))


def secret_of(row):
    return wrapping.unwrap(MASTER, row.kid, row.ring, row.wrapped)


@pytest.mark.parametrize("public", [None, {}, key_row(Ring.TOKEN).public], ids=["none", "empty", "another's"])
def test_a_secret_carries_no_public_half_but_its_own(public):
    row = key_row(Ring.TOKEN, seal=None)
    secret = secret_of(row)
    assert belongs(row, secret)
    assert not belongs(row, secret_of(key_row(Ring.TOKEN)))
    row.public = public
    assert not belongs(row, secret)
    assert not Judge(MASTER).proves_itself(row)


def test_a_secret_that_does_not_sign_has_no_public_half():
    row = key_row(Ring.HOLDER, seal=None)
    assert belongs(row, b"any")
    row.public = {}
    assert not belongs(row, b"any")
    assert not Judge(MASTER).proves_itself(row)


class TestTheNextMasterKey:
    def test_a_secret_opens_under_this_master_key_or_under_the_next(self):
        for master in (MASTER, NEXT_MASTER):
            row = key_row(Ring.HOLDER, master=master, secret=b"2" * 32)
            assert rewrapping.unwrap(MASTER, NEXT_MASTER, row.kid, row.ring, row.wrapped) == b"2" * 32

    @pytest.mark.parametrize("following", [None, NEXT_MASTER])
    def test_a_secret_of_another_master_key_does_not_open(self, following):
        row = key_row(Ring.HOLDER, master=OTHER_MASTER)
        with pytest.raises(wrapping.MasterKeyWrong):
            rewrapping.unwrap(MASTER, following, row.kid, row.ring, row.wrapped)

    def test_a_row_waits_until_its_secret_and_its_seal_are_under_the_next(self):
        old, new = Judge(MASTER, NEXT_MASTER), Judge(NEXT_MASTER)

        def waits(row):
            return rewrapping._waits(row, old, new, NEXT_MASTER)

        row = key_row(Ring.HOLDER)
        assert waits(row) is True
        row.wrapped = wrapping.wrap(NEXT_MASTER, row.kid, row.ring, b"2" * 32)
        assert waits(row) is True, "its seal is under the old one"
        new.seal(row)
        assert waits(row) is False
        row.wrapped = wrapping.wrap(MASTER, row.kid, row.ring, b"2" * 32)
        assert waits(row) is True, "its secret is under the old one"

    def test_a_row_without_a_secret_waits_for_its_seal_alone_and_a_foreign_one_for_nothing(self):
        old, new = Judge(MASTER, NEXT_MASTER), Judge(NEXT_MASTER)
        assert rewrapping._waits(key_row(Ring.ROOT), old, new, NEXT_MASTER) is True
        assert rewrapping._waits(key_row(Ring.ROOT, master=NEXT_MASTER), old, new, NEXT_MASTER) is False
        assert rewrapping._waits(key_row(Ring.ROOT, seal=bytes(32)), old, new, NEXT_MASTER) is False

    def test_a_secret_is_under_the_master_key_that_opens_it(self):
        row = key_row(Ring.HOLDER)
        assert rewrapping._is_under(MASTER, row) is True
        assert rewrapping._is_under(NEXT_MASTER, row) is False
        assert rewrapping._is_under(None, row) is False
        assert rewrapping._is_under(MASTER, key_row(Ring.ROOT)) is False
