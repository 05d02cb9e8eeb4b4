"""No row with a resident's plain id says a moment finer than a day of the city, but for a list with reasons."""

import hashlib
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import DateTime, Uuid, select, text

from qe_ban.accounts.models import Attempt, Consent, RefreshFamily
from qe_ban.accounts.service import attempts, sign_ins
from qe_ban.app import upgrade
from qe_ban.db import overlaps
from qe_ban.db.base import Base
from qe_ban.halls.models import FavouriteItem, RecentItem
from qe_ban.halls.service import list_owners, own_lists
from qe_ban.kernel.clock import start_of_day, system_clock
from qe_ban.kernel.ids import new_id
from qe_ban.keys import moments, vault
from qe_ban.keys.moments import DATED_TABLES
from tests.factories.accounts import API
from tests.factories.codes import turn_over
from tests.privacy import residents_tables as known

NOON = datetime(2026, 10, 1, 4, 0, 0, 123456, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def test_every_column_that_can_say_a_moment_beside_a_resident_is_a_day_or_has_its_reason():
    columns = known.moments_of_residents()
    reasoned = known.REASONED.keys() | known.RANDOM_IDS | known.REQUESTED
    assert columns - known.days() - reasoned == set()
    assert (reasoned | known.days()) - columns == set(), "the list has what is not there any more"
    assert known.days() & reasoned == set()


def test_every_id_without_a_foreign_key_says_whom_it_names():
    there = {
        (table.name, column.name)
        for table in Base.metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, Uuid) and not column.foreign_keys and column.name != "id"
    }
    assert there == known.WITHOUT_A_KEY.keys()


@pytest.fixture
def busy(city):
    """Somebody who did, just now and over HTTP, all that a phone does."""
    resident = city.resident().step_up()
    ask = city.client.open

    def call(method, path, body=None):
        answer = ask(f"{API}{path}", method=method, json=body, headers=resident.headers)
        assert answer.status_code < 300, (path, answer.get_json())
        return answer.get_json()

    call("PUT", "/me/consents/social-enquiry")
    call("DELETE", "/me/consents/social-enquiry")
    call("PUT", "/me/consents/social-enquiry")
    turn_over(city.database, city.rings)
    call("PUT", "/me/hall", {"hall": "city", "age_mode": "elder"})
    call("PUT", "/me/halls/shinan")
    call("POST", "/codes/identity/suspend")
    with city.database.transaction() as session:
        for model in (FavouriteItem, RecentItem):
            owner, *_ = list_owners.owner_ids(city.rings, UUID(str(resident.id)))
            row = model(resident_id=owner, entry="1" * 12)
            own_lists.save(city.rings, session, row, system_clock())
    resident.call = call
    return resident


def rows_of(database, rings, resident):
    """Return table, column and value of each moment in a resident's rows."""
    plain, pseudonyms = UUID(str(resident.id)), sign_ins.pseudonyms(rings, UUID(str(resident.id)))
    owners = list_owners.owner_ids(rings, plain)
    with database.transaction() as session:
        families = session.scalars(select(RefreshFamily.id).where(RefreshFamily.principal_id.in_(pseudonyms))).all()
        for name in known.residents_tables():
            table = Base.metadata.tables[name]
            is_own = {
                "residents": table.c.get("id") == plain,
                "refresh_families": table.c.get("id").in_(families) if "id" in table.c else None,
                "refresh_tokens": table.c.family_id.in_(families) if "family_id" in table.c else None,
            }.get(name, table.c.resident_id.in_(owners) if "resident_id" in table.c else None)
            if is_own is None:
                continue
            columns = [column for column in table.columns if isinstance(column.type, DateTime)]
            for row in session.execute(select(*columns).where(is_own)).mappings() if columns else ():
                yield from ((name, column.name, row[column]) for column in columns)


def test_after_a_day_of_acts_the_clear_columns_say_days(busy, city):
    values = list(rows_of(city.database, city.rings, busy))
    assert {table for table, *_ in values} >= {dated.table for dated in DATED_TABLES} | {"refresh_families"}
    finer = {
        (table, column)
        for table, column, value in values
        if value is not None and value != start_of_day(value)
        if known.REASONED.get((table, column), known.SEALED_SIGN_INS) is known.SEALED_SIGN_INS
    }
    assert finer == set()


def test_the_ids_of_residents_and_sign_ins_say_no_moment(busy, city):
    with city.database.transaction() as session:
        is_own = sign_ins.belong_to(city.rings, UUID(str(busy.id)))
        ids = [UUID(str(busy.id)), *session.scalars(select(RefreshFamily.id).where(is_own))]
    assert len(ids) > 1
    for one in ids:
        assert abs((one.int >> 80) / 1000 - system_clock().timestamp()) > 3600


def test_the_resident_reads_the_exact_moments_all_the_same(busy):
    now = system_clock()
    (consent,) = busy.call("GET", "/me/consents")["items"]
    history = busy.call("GET", "/me/consents/history")["items"]
    (hall,) = busy.call("GET", "/me/halls")["items"]
    times = [consent["granted_at"], hall["at"], *(event["at"] for event in history)]
    assert [event["state"] for event in history] == ["granted", "withdrawn", "granted"]
    assert all(timedelta(0) <= now - datetime.fromisoformat(at) < timedelta(minutes=5) for at in times)
    assert history[0]["at"] == consent["granted_at"]


def test_failed_checks_are_counted_under_nothing_that_the_ids_give(city):
    """Whoever has all ids can hash them, too."""
    resident = city.resident()
    body = {"method": "face", "proof": "somebody else"}
    answer = city.client.post(f"{API}/auth/step-up", json=body, headers=resident.headers)
    assert answer.get_json()["code"] == "accounts.face_refused"
    guessed = {
        hashlib.sha256(f"{allowance.name}\0{resident.id}".encode()).digest()
        for allowance in vars(attempts).values()
        if isinstance(allowance, attempts.Allowance)
    }
    subject = attempts.subject_of(city.rings, UUID(str(resident.id)))
    with city.database.transaction() as session:
        subjects = set(session.scalars(select(Attempt.subject)))
        assert guessed.isdisjoint(subjects)
        assert hashlib.sha256(f"{attempts.STEP_UP.name}\0{subject}".encode()).digest() in subjects


def test_a_seal_does_not_open_in_another_row(busy, city):
    with city.database.transaction() as session:
        row = session.get_one(Consent, (UUID(str(busy.id)), "social-enquiry"))
        session.expunge(row)
    row.purpose = "health-check"
    with pytest.raises(vault.SealBroken):
        moments.read(city.rings, row, "granted_at")


OLD = {
    "residents": (
        "INSERT INTO residents (id, phone_sealed, phone_index, assurance, created_at)"
        " VALUES (:id, 'x', :i, 'none', :at)"
    ),
    "consents": (
        "INSERT INTO consents (resident_id, purpose, state, granted_at) VALUES (:id, 'social-enquiry', 'granted', :at)"
    ),
    "consent_events": (
        "INSERT INTO consent_events (resident_id, purpose, state, at) VALUES (:id, 'social-enquiry', 'granted', :at)"
    ),
    "entitlements": (
        "INSERT INTO entitlements (resident_id, kind, made_at, suspended_at) VALUES (:id, 'identity', :at, :at)"
    ),
    "resident_halls": (
        "INSERT INTO resident_halls (resident_id, hall, age_mode, updated_at) VALUES (:id, 'city', 'elder', :at)"
    ),
    "followed_halls": "INSERT INTO followed_halls (resident_id, hall, at) VALUES (:id, 'shinan', :at)",
    "favourite_items": "INSERT INTO favourite_items (resident_id, entry, at) VALUES (:id, '111111111111', :at)",
    "recent_items": "INSERT INTO recent_items (resident_id, entry, at) VALUES (:id, '111111111111', :at)",
}
"""Rows as release 0.3.0 writes them."""


@pytest.fixture
def old_rows(parts):
    """A resident with a row of each table, as 0.3.0 left them, which serves no more."""
    resident = new_id()
    with parts.database.transaction() as session:
        for statement in OLD.values():
            session.execute(text(statement), {"id": resident, "at": NOON, "i": resident.bytes})
        session.execute(text("DELETE FROM release_overlaps"))
        session.add(overlaps.ReleaseOverlap(previous=overlaps.PREVIOUS, ends_at=system_clock()))
    return resident


def stored(parts, resident):
    """Return the moments of a resident's rows, by table and column."""
    ids = list_owners.owner_ids(parts.rings, resident)
    with parts.database.transaction() as session:
        for dated in DATED_TABLES:
            key = "id" if dated.table == "residents" else "resident_id"
            names = (*dated.exact, *dated.days_only)
            row = session.execute(
                text(f"SELECT {', '.join(names)} FROM {dated.table} WHERE {key} = ANY(:ids)"), {"ids": ids}
            ).one()
            yield from ((dated.table, name, value) for name, value in zip(names, row, strict=True) if value is not None)


@pytest.mark.xdist_group("privacy")
def test_the_worker_makes_days_of_what_the_previous_release_wrote_and_seals_the_rest(parts, old_rows):
    assert OLD.keys() == {dated.table for dated in DATED_TABLES}
    assert {value for *_, value in stored(parts, old_rows)} == {NOON}
    upgrade.rewrite(parts)
    assert {value for *_, value in stored(parts, old_rows)} == {start_of_day(NOON)}
    with parts.database.transaction() as session:
        consent = session.get_one(Consent, (old_rows, "social-enquiry"))
        assert moments.read(parts.rings, consent, "granted_at") == NOON
        (entry,) = own_lists.entries(parts.rings, session, RecentItem, old_rows)
        assert entry.at == NOON
        assert not overlaps.is_rewritten(session)
    upgrade.rewrite(parts)
    with parts.database.transaction() as session:
        assert overlaps.is_rewritten(session)


@pytest.mark.xdist_group("privacy")
def test_while_the_previous_release_may_serve_nothing_is_rewritten(parts, old_rows):
    with parts.database.transaction() as session:
        session.execute(text("UPDATE release_overlaps SET ends_at = now() + interval '1 hour'"))
    upgrade.rewrite(parts)
    assert {value for *_, value in stored(parts, old_rows)} == {NOON}
    with parts.database.transaction() as session:
        session.execute(text("UPDATE release_overlaps SET ends_at = now()"))
    parts.rings.refresh()


@pytest.mark.xdist_group("privacy")
def test_a_row_that_somebody_holds_is_left_for_the_next_run(parts, old_rows):
    with parts.database.transaction() as session:
        session.execute(text("SELECT 1 FROM consents WHERE resident_id = :id FOR UPDATE"), {"id": old_rows})
        upgrade.rewrite(parts)
    finer = {table for table, _, value in stored(parts, old_rows) if value == NOON}
    assert finer == {"consents"}
    upgrade.rewrite(parts)
    assert {value for *_, value in stored(parts, old_rows)} == {start_of_day(NOON)}


def test_what_the_previous_release_wrote_later_counts_before_what_is_sealed(busy, city):
    """It changes the column and knows nothing of the seal."""
    later = system_clock() + SECOND
    key = (UUID(str(busy.id)), "social-enquiry")
    with city.database.transaction() as session:
        row = session.get_one(Consent, key)
        row.granted_at = later
        assert moments.read(city.rings, row, "granted_at") == later
        row.granted_at = None
        assert moments.read(city.rings, row, "granted_at") is None
        row.granted_at = start_of_day(later) - timedelta(days=3)
        assert moments.read(city.rings, row, "granted_at") == row.granted_at
        session.rollback()


def test_a_change_of_one_moment_leaves_the_others(city):
    row = Consent(resident_id=uuid4(), purpose="social-enquiry")
    moments.write(city.rings, row, system_clock(), data_key=None, withdrawn_at=NOON)
    moments.write(city.rings, row, system_clock(), data_key=None, granted_at=NOON + SECOND)
    assert moments.read(city.rings, row, "withdrawn_at") == NOON
    assert moments.read(city.rings, row, "granted_at") == NOON + SECOND
    assert (row.granted_at, row.withdrawn_at) == (start_of_day(NOON), start_of_day(NOON))
    moments.write(city.rings, row, system_clock(), data_key=None, withdrawn_at=None)
    assert moments.read(city.rings, row, "withdrawn_at") is None
