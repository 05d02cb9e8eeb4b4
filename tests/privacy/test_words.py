"""Words that people type about people stand nowhere in clear, and who may read them reads them as before."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import LargeBinary, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSVECTOR
from sqlalchemy.types import Text

from qe_ban import migrations
from qe_ban.audit import service as audit
from qe_ban.audit.models import AuditEvent, AuditWords
from qe_ban.audit.service import words as audit_words
from qe_ban.kernel.ids import new_id
from qe_ban.keys import resealing, vault, words
from tests.factories.endings import end as end_rows
from tests.privacy import words as classified

NOTE = "张小明确诊尿毒症，本人到场"


def texts():
    for table in migrations.metadata.tables.values():
        for column in table.columns:
            if isinstance(column.type, Text | JSONB | TSVECTOR) or (
                isinstance(column.type, ARRAY) and isinstance(column.type.item_type, Text)
            ):
                yield table.name, column.name


def named(sorts):
    return [(table, column) for table, columns in sorts.items() for column in columns.split()]


def test_every_text_column_is_closed_public_or_emptied():
    places = [*named(classified.CLOSED), *named(classified.PUBLIC), *named(classified.EMPTIED)]
    assert len(places) == len(set(places))
    assert set(places) == set(texts())


def test_every_emptied_column_has_a_sealed_one_that_rotation_and_the_worker_know():
    assert set(named(classified.EMPTIED)) == {(one.table, one.column) for one in words.CLEAR}
    known = {(one.table, one.column, one.name, one.key) for one in resealing.SEALED_COLUMNS}
    for one in words.CLEAR:
        table = migrations.metadata.tables[one.table]
        assert isinstance(table.columns[one.sealed_column].type, LargeBinary)
        assert (one.table, one.sealed_column, one.name, one.key) in known
        assert (words.PLACEHOLDER if not table.columns[one.column].nullable else one.placeholder) == one.placeholder


@pytest.fixture
def event(database, rings):
    """Record an event with words; gives its subject."""

    def call(note=NOTE, at=None):
        subject, at = str(new_id()), at or datetime.now(UTC)
        with database.transaction() as session:
            details = {"after": {"state": "ended"}, "reason": audit.seal_words(session, rings, note, at)}
            audit.record(session, at=at, actor=None, action="wards.end", subject=subject, details=details)
        return subject

    return call


def details_of(database, subject):
    with database.transaction() as session:
        return session.query(AuditEvent).filter(AuditEvent.subject == subject).one().details


def opened(database, rings, subject):
    with database.transaction() as session:
        event = session.query(AuditEvent).filter(AuditEvent.subject == subject).one()
        return audit_words.open_words(session, rings, [event.details])[0]


def test_an_event_holds_a_digest_that_nobody_guesses_and_auditors_read_the_words(database, rings, event):
    first, second = details_of(database, event()), details_of(database, event())
    assert first["reason"].keys() == {"hmac_sha256"}
    # of the same words another digest: nothing joins the two, and no list of likely words finds them
    assert first["reason"] != second["reason"]
    subject = event()
    assert opened(database, rings, subject) == {"after": {"state": "ended"}, "reason": NOTE}


def test_words_that_were_exchanged_do_not_pass_for_those_of_the_event(database, rings, event):
    subject = event()
    digest = bytes.fromhex(details_of(database, subject)["reason"]["hmac_sha256"])
    with database.transaction() as session:
        row = session.get_one(AuditWords, digest)
        false = bytes(32).hex() + "别的话"
        row.text_sealed = vault.seal(rings, audit_words.COLUMN, digest, false, datetime.now(UTC))
    assert opened(database, rings, subject)["reason"] == {"hmac_sha256": digest.hex()}


@pytest.mark.parametrize("odd", [{"hmac_sha256": "xy"}, {"hmac_sha256": 5}, {"hmac_sha256": "00" * 32}, {}, None, []])
def test_what_is_no_digest_of_known_words_stays_as_it_is(database, rings, odd):
    with database.transaction() as session:
        assert audit_words.open_words(session, rings, [{"reason": odd}]) == [{"reason": odd}]


def test_words_go_when_their_events_do(database, rings, event):
    long_ago = datetime.now(UTC) - timedelta(days=401)
    old, young = event(), event()
    digests = [bytes.fromhex(details_of(database, one)["reason"]["hmac_sha256"]) for one in (old, young)]
    with database.transaction() as session:
        session.get_one(AuditWords, digests[0]).day = long_ago.date()
        session.flush()
        end_rows(session, audit.ENDINGS, datetime.now(UTC))
        session.expire_all()
        assert [session.get(AuditWords, digest) is None for digest in digests] == [True, False]


def demand(session, resident, **columns):
    row = {"id": new_id(), "title": NOTE, "state": "received", "title_sealed": None} | columns
    session.execute(
        text("""
            INSERT INTO demands (id, zone, resident_id, state, revision, firm, uscc, industry, title, title_sealed,
                                 text_sealed, contact_sealed, phone_sealed, block, version, consented_at, created_at,
                                 updated_at)
            VALUES (:id, 'words', :resident, :state, 1, '某公司', '91370200MA3TESTX10', 'other', :title, :title_sealed,
                    :body, :body, :body, 'b', 1, now(), now(), now())
        """),
        row | {"resident": resident, "body": None if row["state"] == "withdrawn" else b"\x01"},
    )
    return row["id"]


@pytest.fixture
def resident(database, rings):
    resident_id = new_id()
    with database.transaction() as session:
        session.execute(
            text("INSERT INTO residents (id, assurance, created_at, closed_at) VALUES (:id, 'none', now(), now())"),
            {"id": resident_id},
        )
    return resident_id


def seal_all(database, rings, column):
    while True:
        with database.transaction() as session:
            if not words.seal_step(session, rings, column, datetime.now(UTC)):
                return


def row_of(database, demand_id):
    with database.transaction() as session:
        query = text("SELECT title, title_sealed FROM demands WHERE id = :id")
        return session.execute(query, {"id": demand_id}).one()


def test_what_the_previous_release_wrote_is_read_until_it_is_sealed_and_read_then_too(database, rings, resident):
    with database.transaction() as session:
        demand_id = demand(session, resident)
    title = words.DEMAND_TITLE
    clear, sealed = row_of(database, demand_id)
    assert words.read(rings, title, demand_id, sealed, clear) == NOTE
    seal_all(database, rings, title)
    clear, sealed = row_of(database, demand_id)
    assert clear == words.PLACEHOLDER
    assert words.read(rings, title, demand_id, sealed, clear) == NOTE
    # and what it writes over a sealed one is the newer
    with database.transaction() as session:
        session.execute(text("UPDATE demands SET title = '改过的' WHERE id = :id"), {"id": demand_id})
    clear, sealed = row_of(database, demand_id)
    assert words.read(rings, title, demand_id, sealed, clear) == "改过的"
    seal_all(database, rings, title)
    clear, sealed = row_of(database, demand_id)
    assert (clear, words.read(rings, title, demand_id, sealed, clear)) == (words.PLACEHOLDER, "改过的")


def test_what_the_previous_release_withdrew_loses_its_sealed_words(database, rings, resident):
    demand_id = new_id()
    sealed = words.seal(rings, words.DEMAND_TITLE, demand_id, NOTE, datetime.now(UTC))
    with database.transaction() as session:
        demand(session, resident, id=demand_id, state="withdrawn", title="（已撤回的需求）", title_sealed=sealed)
    seal_all(database, rings, words.DEMAND_TITLE)
    assert row_of(database, demand_id) == ("（已撤回的需求）", None)


@pytest.mark.parametrize("column", words.CLEAR, ids=lambda column: column.name)
def test_a_step_over_every_column_finds_nothing_left(database, rings, column):
    seal_all(database, rings, column)
    with database.transaction() as session:
        assert words.seal_step(session, rings, column, datetime.now(UTC)) == 0
