"""The form of what is sealed in a column, which outlives releases, and what opens it; without a database."""

import hmac
from datetime import timedelta

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from qe_ban.keys import vault
from qe_ban.keys.data_files import DataKeyDestroyed, DataKeysAway, number_of
from qe_ban.keys.models import Ring
from qe_ban.keys.rings import KeyMissing
from tests.factories.key_rows import NOW, RowsInMemory, day_row

SECRET = b"1" * 32
TODAY = day_row(Ring.COLUMN, NOW.date(), secret=SECRET)
RINGS = RowsInMemory(TODAY)


def seal_text(text="测试甲"):
    return vault.seal(RINGS, "residents.name", "row-1", text, NOW)


@pytest.mark.parametrize("text", ["", "测试甲", "a" * 5000])
def test_a_sealed_text_comes_back(text):
    assert vault.unseal(RINGS, "residents.name", "row-1", seal_text(text)) == text


def test_a_sealed_text_has_a_version_the_kid_a_nonce_and_a_ciphertext_bound_to_all_and_to_its_place():
    data = seal_text()
    assert data[:5] == b"\x01" + bytes.fromhex(TODAY.kid)
    assert data[5:17] != seal_text()[5:17], "a nonce is never used twice"
    text = AESGCM(SECRET).decrypt(data[5:17], data[17:], data[:5] + b"residents.name/row-1")
    assert text == "测试甲".encode()


@pytest.mark.parametrize(("column", "row"), [("residents.phone", "row-1"), ("residents.name", "row-2")])
def test_a_sealed_text_does_not_open_in_another_place_and_says_in_which(column, row):
    with pytest.raises(vault.SealBroken, match=f"^{column} does not open$"):
        vault.unseal(RINGS, column, row, seal_text())


def test_no_changed_byte_goes_unnoticed():
    data = seal_text()
    for at in range(len(data)):
        error = KeyMissing if 1 <= at < 5 else vault.SealBroken
        with pytest.raises(error):
            vault.unseal(RINGS, "residents.name", "row-1", data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])


@pytest.fixture
def rings_and_number(tmp_path):
    """Return rings with a directory of data keys that has one key, and that key's number."""
    rings = RowsInMemory(TODAY, data_keys=tmp_path)
    rings.data_keys.create(1)
    (number,) = rings.data_keys.fill([number_of(1, 7)])
    return rings, number


def test_what_has_an_owner_is_sealed_under_both_keys_and_says_the_number_of_the_owners(rings_and_number):
    rings, number = rings_and_number
    data = vault.seal(rings, "residents.name", "row-1", "测试甲", NOW, data_key=number)
    assert vault.unseal(rings, "residents.name", "row-1", data) == "测试甲"
    assert data[:13] == b"\x02" + bytes.fromhex(TODAY.kid) + number.to_bytes(8)
    assert (vault.data_key_of(data), vault.data_key_of(seal_text())) == (number, None)
    both = hmac.digest(SECRET, rings.data_keys.key(number) + b"qe-ban/vault/2", "sha256")
    assert AESGCM(both).decrypt(data[13:25], data[25:], data[:13] + b"residents.name/row-1") == "测试甲".encode()
    for alone in (SECRET, rings.data_keys.key(number)):
        with pytest.raises(InvalidTag):
            AESGCM(alone).decrypt(data[13:25], data[25:], data[:13] + b"residents.name/row-1")


def test_no_changed_byte_of_what_has_an_owner_goes_unnoticed(rings_and_number):
    rings, number = rings_and_number
    data = vault.seal(rings, "residents.name", "row-1", "测试甲", NOW, data_key=number)
    for at in range(len(data)):
        error = KeyMissing if 1 <= at < 5 else DataKeysAway if 5 <= at < 13 else vault.SealBroken
        with pytest.raises(error):
            vault.unseal(rings, "residents.name", "row-1", data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])


def test_with_its_owners_key_destroyed_it_opens_no_more_and_nothing_is_sealed_under_it(rings_and_number):
    rings, number = rings_and_number
    data = vault.seal(rings, "residents.name", "row-1", "测试甲", NOW, data_key=number)
    rings.data_keys.destroy([number])
    with pytest.raises(DataKeyDestroyed):
        vault.unseal(rings, "residents.name", "row-1", data)
    with pytest.raises(DataKeyDestroyed):
        vault.seal(rings, "residents.name", "row-1", "测试乙", NOW, data_key=number)


def test_without_the_directory_it_is_away_and_what_has_no_owner_opens(rings_and_number):
    rings, number = rings_and_number
    data = vault.seal(rings, "residents.name", "row-1", "测试甲", NOW, data_key=number)
    with pytest.raises(DataKeysAway):
        vault.unseal(RINGS, "residents.name", "row-1", data)
    assert vault.unseal(RINGS, "residents.name", "row-1", seal_text()) == "测试甲"


def test_without_the_key_of_today_nothing_is_sealed_and_without_its_own_key_nothing_opens():
    with pytest.raises(KeyMissing):
        vault.seal(RINGS, "residents.name", "row-1", "测试甲", NOW + timedelta(days=1))
    with pytest.raises(KeyMissing):
        vault.unseal(RowsInMemory(day_row(Ring.COLUMN, NOW.date())), "residents.name", "row-1", seal_text())


def test_a_text_of_an_earlier_day_opens_with_the_key_of_its_day():
    rings = RowsInMemory(day_row(Ring.COLUMN, NOW.date() + timedelta(days=1)), TODAY)
    assert vault.unseal(rings, "residents.name", "row-1", seal_text()) == "测试甲"
