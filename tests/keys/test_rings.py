"""What a process makes of the rows of its keys: which sign, verify, open and index, and which are none of ours."""

import hmac
from datetime import UTC, date, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from qe_ban.kernel.clock import CITY_TIME
from qe_ban.keys import wrapping
from qe_ban.keys.models import SIGNING, Ring
from qe_ban.keys.rings import KeyMissing
from tests.factories.key_rows import MASTER, NEXT_MASTER, NOW, OTHER_MASTER, RowsInMemory, day_row, key_row

SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
FIRST, SECRET = b"1" * 32, b"2" * 32


def mac_of(secret, message):
    return hmac.new(secret, message, "sha256").digest()


class TestSigning:
    def test_the_newest_key_that_is_valid_now_signs(self):
        newest = key_row(Ring.CODE, not_before=NOW + SECOND)
        newer, old = key_row(Ring.CODE, not_before=NOW), key_row(Ring.CODE)
        rings = RowsInMemory(newest, newer, old)
        moments = {NOW - SECOND: old, NOW: newer, NOW + SECOND: newest}
        for now, row in moments.items():
            assert rings.signing(Ring.CODE, now).kid == bytes.fromhex(row.kid)

    @pytest.mark.parametrize(
        ("now", "signs"), [(NOW - SECOND, False), (NOW, True), (NOW + DAY, True), (NOW + DAY + SECOND, False)]
    )
    def test_a_key_signs_from_its_first_to_its_last_moment(self, now, signs):
        row = key_row(Ring.TOKEN, not_before=NOW, expires=NOW + DAY)
        rings = RowsInMemory(row)
        if not signs:
            with pytest.raises(KeyMissing):
                rings.signing(Ring.TOKEN, now)
            return
        key = rings.signing(Ring.TOKEN, now)
        assert (key.kid, key.not_before, key.expires) == (bytes.fromhex(row.kid), NOW, NOW + DAY)
        assert wrapping.public_jwk(key.private.public_key(), row.kid) == row.public

    def test_a_key_signs_for_its_own_ring_alone(self):
        rings = RowsInMemory(key_row(Ring.CODE))
        with pytest.raises(KeyMissing):
            rings.signing(Ring.TOKEN, NOW)

    def test_a_denied_or_retired_key_signs_nothing_and_its_public_half_stays(self):
        denied_key, retired_key = key_row(Ring.CODE, denied_at=NOW), key_row(Ring.CODE, wrapped=None)
        rings = RowsInMemory(denied_key, retired_key)
        with pytest.raises(KeyMissing):
            rings.signing(Ring.CODE, NOW)
        assert {key.kid.hex(): key.is_denied for key in rings.public(Ring.CODE)} == {
            denied_key.kid: True,
            retired_key.kid: False,
        }

    @pytest.mark.parametrize(
        ("may", "signing"),
        [
            ({}, {Ring.CODE, Ring.TOKEN}),
            ({"printing": True}, {Ring.CODE, Ring.TOKEN, Ring.CODE_PRINTED}),
            ({"sealing": True}, {Ring.CODE, Ring.TOKEN, Ring.AUDIT}),
        ],
        ids=["web", "printing", "sealing"],
    )
    def test_only_the_process_that_prints_or_seals_holds_those_keys_and_none_a_roots(self, may, signing):
        root = key_row(Ring.ROOT)
        root.wrapped = wrapping.wrap(MASTER, root.kid, root.ring, FIRST)
        rings = RowsInMemory(root, *(key_row(ring) for ring in sorted(SIGNING - {Ring.ROOT})), **may)
        assert set(rings.snapshot().signing) == signing
        assert {key.ring for key in rings.snapshot().public.values()} == SIGNING


class TestVerifying:
    def test_a_public_key_tells_its_times_in_whole_seconds(self):
        row = key_row(Ring.CODE, not_before=NOW + timedelta(milliseconds=999), expires=NOW + DAY)
        (key,) = RowsInMemory(row).public(Ring.CODE)
        assert (key.kid, key.ring, key.jwk) == (bytes.fromhex(row.kid), Ring.CODE, row.public)
        assert (key.not_before, key.expires) == (int(NOW.timestamp()), int((NOW + DAY).timestamp()))
        assert key.is_denied is False
        assert wrapping.public_jwk(key.public, row.kid) == row.public

    def test_the_public_keys_of_a_ring_are_all_and_no_others(self):
        codes, token = [key_row(Ring.CODE) for _ in range(3)], key_row(Ring.TOKEN)
        rings = RowsInMemory(*codes, token)
        assert [key.kid.hex() for key in rings.public(Ring.CODE)] == [row.kid for row in codes]
        assert rings.public(Ring.AUDIT) == []
        assert set(rings.snapshot().public) == {bytes.fromhex(row.kid) for row in [*codes, token]}


class TestDailyKeys:
    TODAY = date(2026, 11, 30)

    def test_each_day_has_the_key_that_was_made_for_it(self):
        rows = [day_row(Ring.SEAL_PASS, self.TODAY, secret=FIRST), day_row(Ring.SEAL_PASS, self.TODAY + DAY)]
        rings = RowsInMemory(*rows)
        assert rings.daily(Ring.SEAL_PASS, self.TODAY) == (rows[0].kid, FIRST)
        assert rings.daily(Ring.SEAL_PASS, self.TODAY - DAY) is None
        assert rings.daily(Ring.SEAL_ISSUED, self.TODAY) is None

    @pytest.mark.parametrize(
        ("now", "day"),
        [
            (datetime(2026, 11, 30, 23, 59, 59, tzinfo=UTC), TODAY),
            (datetime(2026, 12, 1, 7, 59, 59, tzinfo=CITY_TIME), TODAY),
            (datetime(2026, 12, 1, 8, tzinfo=CITY_TIME), TODAY + DAY),
        ],
        ids=str,
    )
    @pytest.mark.usefixtures("machine_in_the_city")
    def test_a_column_is_encrypted_with_the_key_of_the_day_in_utc_wherever_the_machine_is(self, now, day):
        rows = {each: day_row(Ring.COLUMN, each) for each in (self.TODAY, self.TODAY + DAY)}
        rings = RowsInMemory(*rows.values())
        kid, secret = rings.column_key_of_day(now)
        assert kid == rows[day].kid
        assert rings.column_key(kid) == secret

    def test_a_key_that_is_missing_or_of_another_ring_opens_no_column(self):
        row = day_row(Ring.SEAL_ISSUED, self.TODAY)
        rings = RowsInMemory(row)
        with pytest.raises(KeyMissing):
            rings.column_key(row.kid)
        with pytest.raises(KeyMissing):
            rings.column_key_of_day(NOW)


class TestSecrets:
    def test_a_blind_index_fills_the_columns_whose_slots_have_a_key(self):
        first = key_row(Ring.BLIND_PHONE, slot=0, secret=FIRST)
        second = key_row(Ring.BLIND_PHONE, slot=1, secret=SECRET)
        macs = mac_of(FIRST, b"13800000001"), mac_of(SECRET, b"13800000001")
        for rows, index in (([first], (macs[0], None)), ([second], (None, macs[1])), ([second, first], macs)):
            assert RowsInMemory(*rows).blind(Ring.BLIND_PHONE, "13800000001") == index
        for rings in (RowsInMemory(), RowsInMemory(key_row(Ring.BLIND_ID_NUMBER, slot=0))):
            with pytest.raises(KeyMissing):
                rings.blind(Ring.BLIND_PHONE, "13800000001")

    def test_a_mac_is_under_the_newest_secret_and_separated_by_purpose(self):
        newest, old = key_row(Ring.HOLDER, secret=FIRST), key_row(Ring.HOLDER, secret=SECRET)
        rings = RowsInMemory(newest, old)
        assert rings.mac(Ring.HOLDER, "场所", b"message") == mac_of(FIRST, "场所".encode() + b"\0message")
        assert rings.macs(Ring.HOLDER, "场所", b"message") == [
            mac_of(secret, "场所".encode() + b"\0message") for secret in (FIRST, SECRET)
        ]
        assert rings.mac(Ring.HOLDER, "ab", b"c") != rings.mac(Ring.HOLDER, "a", b"bc")

    def test_without_a_secret_there_is_no_mac(self):
        rings = RowsInMemory(key_row(Ring.HOLDER), key_row(Ring.DERIVE, wrapped=None))
        for mac in (rings.mac, rings.macs):
            with pytest.raises(KeyMissing):
                mac(Ring.DERIVE, "purpose", b"message")

    def test_secrets_of_one_kind_serve_no_other(self):
        rows = [key_row(Ring.CODE), day_row(Ring.COLUMN, NOW.date()), key_row(Ring.BLIND_PHONE, slot=0)]
        rows.append(key_row(Ring.HOLDER))
        snapshot = RowsInMemory(*rows).snapshot()
        assert set(snapshot.signing) == {Ring.CODE}
        assert set(snapshot.daily) == {(Ring.COLUMN, NOW.date())}
        assert set(snapshot.columns) == {rows[1].kid}
        assert set(snapshot.slots) == {(Ring.BLIND_PHONE, 0)}
        assert set(snapshot.secrets) == {Ring.HOLDER}
        assert set(snapshot.secrets_by_kid) == {row.kid for row in rows}


class TestMasterKeys:
    def test_a_secret_under_the_next_master_key_opens_too(self):
        old = key_row(Ring.HOLDER, secret=FIRST)
        new = key_row(Ring.HOLDER, secret=SECRET, master=NEXT_MASTER)
        snapshot = RowsInMemory(new, old, following=NEXT_MASTER).snapshot()
        assert snapshot.secrets[Ring.HOLDER] == ((new.kid, SECRET), (old.kid, FIRST))

    @pytest.mark.parametrize("following", [None, NEXT_MASTER])
    def test_a_secret_that_opens_under_neither_stops_the_process(self, following):
        rings = RowsInMemory(key_row(Ring.HOLDER, master=OTHER_MASTER), following=following)
        with pytest.raises(wrapping.MasterKeyWrong):
            rings.snapshot()

    def test_what_was_opened_before_is_not_opened_again_and_what_is_gone_is_forgotten(self):
        row = key_row(Ring.HOLDER, wrapped=b"does not open")
        earlier = {row.kid: FIRST, "ffffffff": SECRET}
        snapshot = RowsInMemory()._snapshot((1, 2, 3, 4, 5, NOW), [row], earlier)
        assert snapshot.secrets[Ring.HOLDER] == ((row.kid, FIRST),)
        assert snapshot.secrets_by_kid == {row.kid: FIRST}
        assert snapshot.fingerprint == (1, 2, 3, 4, 5, NOW)

    def test_a_denied_or_hidden_secret_is_not_taken_from_before_either(self):
        denied_key, printed = key_row(Ring.CODE, denied_at=NOW), key_row(Ring.CODE_PRINTED)
        rows = [denied_key, printed]
        snapshot = RowsInMemory()._snapshot((0, 0, 0, 0, 0, None), rows, {row.kid: FIRST for row in rows})
        assert (dict(snapshot.signing), dict(snapshot.secrets_by_kid)) == ({}, {})


class TestForeignRows:
    def test_a_row_without_our_seal_is_no_key_and_is_logged_once(self):
        foreign, ours = key_row(Ring.TOKEN, seal=bytes(32)), key_row(Ring.TOKEN)
        rings = RowsInMemory(foreign, ours)
        with capture_logs() as lines:
            for _ in range(2):
                assert [key.kid.hex() for key in rings.public(Ring.TOKEN)] == [ours.kid]
                assert [key.kid.hex() for key in rings.snapshot().signing[Ring.TOKEN]] == [ours.kid]
        assert lines == [{"event": "keys.foreign", "log_level": "error", "kid": foreign.kid, "ring": Ring.TOKEN}]

    def test_each_foreign_row_is_logged(self):
        rows = [key_row(ring, seal=bytes(32)) for ring in (Ring.TOKEN, Ring.HOLDER)]
        with capture_logs() as lines:
            assert dict(RowsInMemory(*rows).snapshot().public) == {}
        assert [line["kid"] for line in lines] == [row.kid for row in rows]

    def test_a_row_of_the_previous_release_proves_itself_by_its_secret(self):
        token, secret = key_row(Ring.TOKEN, seal=None), key_row(Ring.HOLDER, seal=None, secret=FIRST)
        rings = RowsInMemory(token, secret)
        with capture_logs() as lines:
            assert rings.signing(Ring.TOKEN, NOW).kid.hex() == token.kid
            assert rings.snapshot().secrets[Ring.HOLDER] == ((secret.kid, FIRST),)
        assert lines == []

    def test_a_public_half_without_seal_and_secret_proves_nothing(self):
        row = key_row(Ring.TOKEN, seal=None, wrapped=None)
        with capture_logs() as lines:
            assert RowsInMemory(row).public(Ring.TOKEN) == []
        assert [line["kid"] for line in lines] == [row.kid]

    def test_a_secret_proves_no_public_half_of_another(self):
        row = key_row(Ring.TOKEN, seal=None, public=key_row(Ring.TOKEN).public)
        assert RowsInMemory(row).public(Ring.TOKEN) == []

    def test_a_row_without_seal_that_this_process_may_not_open_waits_in_silence(self):
        row = key_row(Ring.CODE_PRINTED, seal=None)
        with capture_logs() as lines:
            assert RowsInMemory(row).public(Ring.CODE_PRINTED) == []
        assert lines == []
        assert [key.kid.hex() for key in RowsInMemory(row, printing=True).public(Ring.CODE_PRINTED)] == [row.kid]

    @pytest.mark.parametrize("columns", [{"seal": bytes(32)}, {"seal": None, "wrapped": None}], ids=["seal", "nothing"])
    def test_a_row_that_no_adoption_can_help_is_foreign_also_where_this_process_may_not_open_it(self, columns):
        row = key_row(Ring.CODE_PRINTED, **columns)
        with capture_logs() as lines:
            assert RowsInMemory(row).public(Ring.CODE_PRINTED) == []
        assert [line["kid"] for line in lines] == [row.kid]

    def test_a_denied_row_refuses_whoever_made_it(self):
        row = key_row(Ring.CODE, seal=bytes(32), denied_at=NOW)
        with capture_logs() as lines:
            (key,) = RowsInMemory(row).public(Ring.CODE)
        assert key.is_denied is True
        assert lines == []

    def test_a_row_of_which_nothing_is_left_is_passed_over(self):
        with capture_logs() as lines:
            snapshot = RowsInMemory(key_row(Ring.HOLDER, wrapped=None, seal=None), key_row(Ring.CODE)).snapshot()
        assert set(snapshot.secrets) == set()
        assert len(snapshot.public) == 1
        assert lines == []
