"""A row that whoever owns the database puts into the table of keys, or changes there, is nobody's key."""

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session
from structlog.testing import capture_logs

from qe_ban.db.engine import Database
from qe_ban.keys import adopt_legacy_keys, integrity, lifecycle, rewrapping, wrapping
from qe_ban.keys.models import SIGNING, Key, Ring
from qe_ban.keys.rings import KeyRings
from tests.factories.databases import with_schema

NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def mine(settings):
    own_settings = with_schema(settings, "genuine")
    database = Database(own_settings.database_url, pool=4)
    with database.transaction() as session:
        lifecycle.init(session, own_settings.master_key, NOW - timedelta(hours=1))
    yield database, own_settings.master_key
    database.dispose()


@contextmanager
def tampering(mine):
    """A transaction that is undone, and what a process would see in it."""
    database, master = mine
    rings = KeyRings(database, master, printing=True, sealing=True)
    with database.engine.connect() as connection, connection.begin() as transaction:
        session = Session(connection)
        yield session, lambda: rings._load(session, None)
        transaction.rollback()


def forge(session, ring, kid="ffffffff", seal=None):
    """Put a public half of the forger's into the table."""
    jwk = wrapping.public_jwk(ec.generate_private_key(ec.SECP256R1()).public_key(), kid)
    begins, ends = NOW - timedelta(hours=1), NOW + timedelta(days=99)
    moments = {"not_before": begins, "expires": ends, "made_at": NOW, "changed_at": NOW}
    session.add(Key(kid=kid, ring=ring, public=jwk, seal=seal, **moments))
    session.flush()


@pytest.mark.parametrize("ring", sorted(SIGNING))
@pytest.mark.parametrize("seal", [None, b"", bytes(32)])
def test_a_key_that_was_put_there_verifies_nothing_and_is_logged_once(mine, ring, seal):
    database, master = mine
    with tampering(mine) as (session, _):
        forge(session, ring, seal=seal)
        rings = KeyRings(database, master)
        with capture_logs() as lines:
            for _ in range(2):
                assert bytes.fromhex("ffffffff") not in rings._load(session, None).public
    assert [(line["event"], line["kid"]) for line in lines if line["kid"] == "ffffffff"] == [
        ("keys.foreign", "ffffffff")
    ]


def test_the_seal_of_another_row_does_not_help(mine):
    with tampering(mine) as (session, load):
        seal = session.scalars(select(Key.seal).where(Key.ring == Ring.TOKEN)).first()
        forge(session, Ring.TOKEN, seal=seal)
        assert bytes.fromhex("ffffffff") not in load().public


CHANGES = {
    "ring": "ring = 'code'",
    "public": "public = (SELECT public FROM ring_keys WHERE ring = 'code')",
    "expires": "expires = expires + interval '1 microsecond'",
    "not_before": "not_before = not_before - interval '1 microsecond'",
    "seal": "seal = sha256(seal)",
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_key_that_was_tampered_with_is_none(mine, change):
    with tampering(mine) as (session, load):
        kid = session.scalars(select(Key.kid).where(Key.ring == Ring.ROOT)).first()
        assert bytes.fromhex(kid) in load().public
        session.execute(text(f"UPDATE ring_keys SET {change} WHERE kid = :kid"), {"kid": kid})
        session.expire_all()
        assert bytes.fromhex(kid) not in load().public


@pytest.mark.parametrize("change", ["day = day + 40", "slot = 1 - slot"])
def test_a_secret_serves_the_day_and_slot_it_was_made_for(mine, change):
    with tampering(mine) as (session, load):
        before = load()
        session.execute(text(f"UPDATE ring_keys SET {change}"))
        session.expire_all()
        after = load()
    names = ("daily", "columns") if "day" in change else ("slots",)
    for name in names:
        assert getattr(before, name)
        assert getattr(after, name) == {}


def test_denying_needs_no_master_key(mine):
    with tampering(mine) as (session, load):
        kid = session.scalars(select(Key.kid).where(Key.ring == Ring.TOKEN)).first()
        session.execute(update(Key).where(Key.kid == kid).values(denied_at=NOW))
        session.expire_all()
        assert load().public[bytes.fromhex(kid)].is_denied


class TestRowsOfTheReleaseBefore:
    def test_they_prove_themselves_by_their_secret_and_are_adopted_and_the_roots_once(self, mine):
        _, master = mine
        with tampering(mine) as (session, load):
            session.execute(update(Key).values(seal=None))
            forge(session, Ring.TOKEN)
            session.expire_all()
            keys = load().public.values()
            assert {key.ring for key in keys} == SIGNING - {Ring.ROOT}
            assert b"\xff\xff\xff\xff" not in {key.kid for key in keys}
            adopted_keys = adopt_legacy_keys.adopt(session, master, roots=True)
            assert {key.ring for key in adopted_keys} == set(Ring)
            assert "ffffffff" not in {key.kid for key in adopted_keys}
            assert all(len(key.thumbprint) == 64 for key in adopted_keys if key.ring in SIGNING)
            assert adopt_legacy_keys.adopt(session, master) == []
            assert len([key for key in load().public.values() if key.ring is Ring.ROOT]) == 2

    def test_the_roots_are_not_adopted_later(self, mine):
        _, master = mine
        with tampering(mine) as (session, _):
            session.execute(update(Key).where(Key.ring == Ring.ROOT).values(seal=None))
            forge(session, Ring.ROOT)
            session.expire_all()
            assert adopt_legacy_keys.adopt(session, master) == []
            (one,) = adopt_legacy_keys.adopt(session, master, only="ffffffff")
            assert one.kid == "ffffffff"

    def test_a_secret_that_opens_carries_no_public_half_of_another(self, mine):
        _, master = mine
        with tampering(mine) as (session, load):
            other = wrapping.public_jwk(ec.generate_private_key(ec.SECP256R1()).public_key(), "x")
            session.execute(update(Key).where(Key.ring == Ring.TOKEN).values(seal=None, public=other))
            session.expire_all()
            assert Ring.TOKEN not in {key.ring for key in load().public.values()}
            assert adopt_legacy_keys.adopt(session, master) == []

    def test_a_web_process_waits_for_the_adoption_of_what_it_may_not_open(self, mine):
        database, master = mine
        with tampering(mine) as (session, _):
            session.execute(update(Key).where(Key.ring == Ring.CODE_PRINTED).values(seal=None))
            session.expire_all()
            web = KeyRings(database, master)
            assert Ring.CODE_PRINTED not in {key.ring for key in web._load(session, None).public.values()}
            adopt_legacy_keys.adopt(session, master)
            assert Ring.CODE_PRINTED in {key.ring for key in web._load(session, None).public.values()}


def test_the_next_master_key_seals_anew_and_blesses_nothing(mine):
    _, master = mine
    following = bytes(range(32))
    with tampering(mine) as (session, _):
        forge(session, Ring.AUDIT, seal=bytes(32))
        while rewrapping.step(session, master, following, limit=4):
            pass
        old, new, either = integrity.Judge(master), integrity.Judge(following), integrity.Judge(master, following)
        for row in session.scalars(select(Key)):
            ours = row.kid != "ffffffff"
            assert (new.has_valid_seal(row), either.has_valid_seal(row), old.has_valid_seal(row)) == (
                ours,
                ours,
                False,
            ), row.ring
