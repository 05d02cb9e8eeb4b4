"""What is sealed opens only where it was sealed, and only with the master key that wrapped the data key."""

import secrets
from datetime import UTC, datetime

import pytest

from qe_ban.keys import vault, wrapping
from qe_ban.keys.models import Ring
from qe_ban.keys.rings import KeyMissing, KeyRings

NOW = datetime.now(UTC)


def test_a_sealed_text_comes_back_and_looks_new_each_time(rings):
    first, second = (vault.seal(rings, "residents.name", "row-1", "测试甲", NOW) for _ in range(2))
    assert first != second
    assert vault.unseal(rings, "residents.name", "row-1", first) == "测试甲"
    assert "测试甲".encode() not in first


@pytest.mark.parametrize(("column", "row"), [("residents.phone", "row-1"), ("residents.name", "row-2")])
def test_it_does_not_open_in_another_column_or_row(rings, column, row):
    ciphertext = vault.seal(rings, "residents.name", "row-1", "测试甲", NOW)
    with pytest.raises(vault.SealBroken):
        vault.unseal(rings, column, row, ciphertext)


def test_no_changed_byte_goes_unnoticed(rings):
    ciphertext = vault.seal(rings, "residents.name", "row-1", "测试甲", NOW)
    for at in range(len(ciphertext)):
        other = ciphertext[:at] + bytes([ciphertext[at] ^ 1]) + ciphertext[at + 1 :]
        with pytest.raises((vault.SealBroken, KeyMissing)):
            vault.unseal(rings, "residents.name", "row-1", other)


def test_another_master_key_opens_nothing(database):
    wrong = KeyRings(database, secrets.token_bytes(32))
    with pytest.raises(wrapping.MasterKeyWrong):
        wrong.snapshot()


def test_blind_indexes_differ_by_ring_and_agree_with_themselves(rings):
    phone = rings.blind(Ring.BLIND_PHONE, "13800000001")
    assert phone == rings.blind(Ring.BLIND_PHONE, "13800000001")
    assert phone[1] is None, "there is no second key yet"
    assert phone != rings.blind(Ring.BLIND_ID_NUMBER, "13800000001")


def test_a_web_process_never_holds_the_printing_key(rings):
    with pytest.raises(KeyMissing):
        rings.signing(Ring.CODE_PRINTED, datetime.now(UTC))


def test_secrets_stay_out_of_reprs(rings, settings):
    snapshot = rings.snapshot()
    reprs = repr(snapshot) + repr(settings) + repr(rings.signing(Ring.CODE, datetime.now(UTC)))
    assert settings.master_key.hex() not in reprs
    assert "master_key" not in reprs
    assert settings.database_url not in reprs
    for _, secret in snapshot.daily.values():
        assert repr(secret) not in reprs


def test_only_the_process_that_seals_holds_the_audits_key(database, settings, rings):
    now = datetime.now(UTC)
    with pytest.raises(KeyMissing):
        rings.signing(Ring.AUDIT, now)
    assert KeyRings(database, settings.master_key, sealing=True).signing(Ring.AUDIT, now)
    assert rings.public(Ring.AUDIT)
