"""Whoever owns the database tampers with the log in every way; the check names what was changed, no more."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.orm import Session

from qe_ban.audit import rules
from qe_ban.audit import service as audit
from qe_ban.audit.queries import rows
from qe_ban.audit.rules.findings import What
from qe_ban.audit.service import sealing
from qe_ban.audit.service.heads import Head
from tests.factories.chains import Log

ROWS = [3, 1, 4, 2, 5, 1, 2, 6, 3]
HOUR = timedelta(hours=1)
COUNT = sum(ROWS)
SEAL_OF = dict(enumerate((seal for seal, rows in enumerate(ROWS, 1) for _ in range(rows)), 1))


@pytest.fixture(scope="module")
def log(settings):
    """Nine seals over 27 rows, and ten minutes in which nothing happened."""
    audit_log = Log(settings, "verifying")
    audit_log.fill(len(ROWS), ROWS)
    audit_log.now += timedelta(minutes=20)
    yield audit_log
    audit_log.database.dispose()


@pytest.fixture(scope="module")
def heads(log):
    return log.heads()


def findings_of(log, connection, heads=()):
    with Session(connection) as session:
        return log.check(session, heads=heads)


def events(findings):
    return {finding.event for finding in findings if finding.event is not None}


def test_nothing_is_found_where_nothing_was_tampered_with(log, heads):
    assert log.check(heads=heads) == []
    assert len(heads) == len(ROWS)


CHANGES = [
    "action = action || 'x'",
    "subject = 'thing-0'",
    "details = jsonb_set(details, '{n}', '0')",
    "details = jsonb_set(details, '{x}', '1.250000000000000000000000000001')",
    "details = details || '{\"more\": null}'",
    "actor_kind = 'staff'",
    "actor_id = '019ab000-0000-7000-8000-000000000000'",
    "case_number = ''",
    "request_id = 'r'",
    "at = at + interval '1 microsecond'",
    "at = at - interval '3 months'",
    "at = 'infinity'",
    "at = '0044-03-15 BC'",
]


@given(st.dictionaries(st.integers(1, COUNT), st.sampled_from(CHANGES), min_size=1, max_size=5))
@hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_altered_row_is_named_and_no_other(log, changes):
    with log.tampering() as connection:
        for event, change in changes.items():
            connection.execute(text(f"UPDATE audit_events SET {change} WHERE id = :id"), {"id": event})
        findings = findings_of(log, connection)
    places = {(one.event, one.seal) for one in findings if one.what is What.ALTERED}
    assert places == {(event, SEAL_OF[event]) for event in changes}
    assert events(findings) == set(changes)


@given(st.sets(st.integers(1, COUNT), min_size=1), st.booleans())
@hypothesis_settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_removed_row_is_named_whether_its_leaf_went_with_it_or_not(log, event_ids, leaf_too):
    with log.tampering() as connection:
        values = {"ids": list(event_ids)}
        connection.execute(text("DELETE FROM audit_events WHERE id = ANY (:ids)"), values)
        if leaf_too:
            connection.execute(text("DELETE FROM audit_leaves WHERE event_id = ANY (:ids)"), values)
        findings = findings_of(log, connection)
    assert {(one.what, one.event, one.seal) for one in findings} == {
        (What.REMOVED, event, SEAL_OF[event]) for event in event_ids
    }


SLIP = text(
    "INSERT INTO audit_events (id, at, action, subject) OVERRIDING SYSTEM VALUE VALUES (:id, :at, 'codes.x', 'y')"
)


@given(st.integers(-5, COUNT + 3), st.floats(-86400, 1800))
@hypothesis_settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_row_that_was_slipped_in_is_named(log, event, seconds):
    at = log.now - timedelta(hours=1) + timedelta(seconds=seconds)
    with log.tampering() as connection:
        connection.execute(SLIP, {"id": event, "at": at})
        findings = findings_of(log, connection)
    assert [(one.what, one.event) for one in findings] == [(What.UNSEALED, event)]


@pytest.mark.parametrize("event", [-5, 0, 1, COUNT])
@pytest.mark.parametrize("after", [timedelta(0), timedelta(seconds=1), timedelta(days=1)])
def test_a_row_slipped_in_below_the_sealed_ids_is_named_however_late_it_is_dated(log, event, after):
    with log.tampering() as connection:
        connection.execute(SLIP, {"id": event, "at": log.now + after})
        findings = findings_of(log, connection)
    assert [(one.what, one.event) for one in findings] == [(What.UNSEALED, event)]


@given(st.integers(1, 12), st.integers(0, 9))
@hypothesis_settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_row_that_brings_a_leaf_along_is_named(log, seal, position):
    with log.tampering() as connection:
        connection.execute(SLIP, {"id": 1000, "at": log.now - timedelta(hours=1)})
        connection.execute(
            text("INSERT INTO audit_leaves SELECT id, at, :seal, :position, :salt FROM audit_events WHERE id = 1000"),
            {"seal": seal, "position": position, "salt": bytes(16)},
        )
        findings = findings_of(log, connection)
    assert [(one.what, one.event, one.seal) for one in findings] == [(What.SLIPPED_IN, 1000, seal)]


def test_a_row_that_is_dated_back_is_named_though_it_was_sealed(log):
    with log.tampering() as connection, Session(connection) as session:
        session.execute(SLIP, {"id": 1000, "at": log.now - timedelta(minutes=40)})
        session.execute(SLIP, {"id": 1001, "at": log.now - timedelta(seconds=5)})
        # as if the counter had given them out
        with pytest.MonkeyPatch.context() as monkeypatch:
            monkeypatch.setattr(rows, "last_issued_id", lambda _: 1001)
            sealing.seal_next(session, log.rings, log.now)
            findings = log.check(session)
    # the last seal before is that of twenty minutes ago
    assert [(one.what, one.event, one.seal) for one in findings] == [(What.LATE, 1000, 10)]


def test_a_clock_that_stepped_forth_and_back_leaves_nothing_late(settings):
    log = Log(settings, "stepping")
    log.fill(2)
    log.record(2, at=log.now + HOUR)
    log.seal(log.now + HOUR)
    log.fill(3)
    assert [one.what for one in log.check(now=log.now + timedelta(minutes=1))] == []
    log.database.dispose()


def test_times_without_seals_are_reported(log):
    with log.tampering() as connection:
        connection.execute(text("UPDATE audit_seals SET at = at + interval '6 minutes' WHERE n > 4"))
        with Session(connection) as session:
            check = audit.Check(session, log.now)
            list(check.run())
    assert [(gap.seal, round(gap.until - gap.since)) for gap in check.gaps] == [(4, 370), (9, 840)]


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ("at = at + interval '1 second'", What.SEAL_ALTERED),
        ("root = sha256('x')", What.SEAL_ALTERED),
        ("ids = ids || ids", What.SEAL_ALTERED),
        ("ids = ''", What.SEAL_ALTERED),
        ("hashes = hashes || sha256('x')", What.SEAL_ALTERED),
        ("hashes = ''", What.SEAL_ALTERED),
        ("leaves = leaves + 1", What.SEAL_ALTERED),
        ("leaves = -1", What.SEAL_ALTERED),
        ("top = top + 1", What.SEAL_ALTERED),
        ("more = true", What.SEAL_ALTERED),
        ("signature = sha256('x') || sha256('y')", What.SEAL_ALTERED),
        ("signature = ''", What.SEAL_ALTERED),
        ("previous = sha256('x')", What.CHAIN_BROKEN),
        ("kid = 'ffffffff'", What.UNKNOWN_KEY),
        ("kid = '密'", What.UNKNOWN_KEY),
        ("kid = (SELECT kid FROM ring_keys WHERE ring = 'token')", What.UNKNOWN_KEY),
        ("at = '-infinity'", What.UNKNOWN_KEY),
    ],
)
@pytest.mark.parametrize("seal", [1, 5, 9])
def test_an_altered_seal_is_named(log, change, what, seal):
    with log.tampering() as connection:
        connection.execute(text(f"UPDATE audit_seals SET {change} WHERE n = :n"), {"n": seal})
        findings = findings_of(log, connection)
    assert (what, seal) in {(one.what, one.seal) for one in findings}
    assert {one.seal for one in findings} <= {seal, seal + 1}


@given(st.sets(st.integers(1, 8), min_size=1))
@hypothesis_settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_seal_that_is_gone_is_named_with_its_rows(log, seals):
    with log.tampering() as connection:
        connection.execute(text("DELETE FROM audit_seals WHERE n = ANY (:seals)"), {"seals": list(seals)})
        findings = findings_of(log, connection)
    assert {one.seal for one in findings if one.what is What.SEAL_MISSING} == seals
    assert {one.event for one in findings if one.what is What.SLIPPED_IN} == {
        event for event, seal in SEAL_OF.items() if seal in seals
    }


@given(st.integers(0, 8))
@hypothesis_settings(max_examples=9, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_tail_that_is_cut_with_its_rows_shows_by_the_heads(log, heads, last):
    with log.tampering() as connection:
        cut(connection, last)
        assert findings_of(log, connection) == []
        findings = findings_of(log, connection, heads)
    assert [(one.what, one.seal) for one in findings] == [(What.CUT, n) for n in range(last + 1, 10)]


def cut(connection, last):
    connection.execute(text("DELETE FROM audit_seals WHERE n > :n"), {"n": last})
    connection.execute(
        text("DELETE FROM audit_events e USING audit_leaves l WHERE l.event_id = e.id AND l.seal > :n"), {"n": last}
    )
    connection.execute(text("DELETE FROM audit_leaves WHERE seal > :n"), {"n": last})


@given(st.integers(0, 8))
@hypothesis_settings(max_examples=9, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_chain_that_was_written_anew_with_the_right_key_shows_by_the_heads(log, heads, last):
    """The worst insider has the database, the master key and the worker's place."""
    with log.tampering() as connection, Session(connection) as session:
        event_ids = (
            session.execute(text("SELECT event_id FROM audit_leaves WHERE seal > :n"), {"n": last}).scalars().all()
        )
        at = session.execute(text("SELECT at FROM audit_seals WHERE n > :n ORDER BY n"), {"n": last}).scalars().all()
        session.execute(text("DELETE FROM audit_seals WHERE n > :n"), {"n": last})
        session.execute(text("DELETE FROM audit_leaves WHERE seal > :n"), {"n": last})
        session.execute(text("UPDATE audit_events SET subject = 'nobody' WHERE id = :id"), {"id": event_ids[-1]})
        with pytest.MonkeyPatch.context() as monkeypatch:
            monkeypatch.setattr(sealing, "_floor", lambda *_: 0)
            for number, moment in enumerate(at, last + 1):
                take = ROWS[number - 1]
                monkeypatch.setattr(rules, "BATCH", take)
                sealing.seal_next(session, log.rings, moment)
        assert {one.what for one in log.check(session)} <= {What.LATE}
        findings = log.check(session, heads=heads)
    assert [one.seal for one in findings if one.what is What.REWRITTEN] == list(range(last + 1, 10))


def test_a_key_that_was_denied_is_trusted_only_as_far_as_heads_vouch(log, heads):
    with log.tampering() as connection:
        connection.execute(text("UPDATE ring_keys SET denied_at = now() WHERE ring = 'audit'"))
        alone = findings_of(log, connection)
        with_heads = findings_of(log, connection, heads[:6])
        assert findings_of(log, connection, heads) == []
    assert [one.seal for one in alone if one.what is What.DENIED_KEY] == list(range(1, 10))
    assert [(one.what, one.seal) for one in with_heads] == [(What.DENIED_KEY, n) for n in (7, 8, 9)]


def test_a_key_that_is_gone_or_is_none_is_reported(log):
    for change in (
        "DELETE FROM ring_keys WHERE ring = 'audit'",
        "UPDATE ring_keys SET public = '{}' WHERE ring = 'audit'",
    ):
        with log.tampering() as connection:
            connection.execute(text(change))
            findings = findings_of(log, connection)
        assert [(one.what, one.seal) for one in findings] == [(What.UNKNOWN_KEY, n) for n in range(1, 10)]


def test_a_head_of_another_chain_is_reported(log):
    with log.tampering() as connection:
        findings = findings_of(log, connection, [Head(3, "0.000000", 4, "ab" * 32)])
    assert [str(one) for one in findings] == [
        "rewritten: seal 3 is not the one that was told outside: the chain was written anew"
    ]


@pytest.mark.parametrize("is_right_first", [True, False])
def test_of_two_heads_that_contradict_each_other_none_vouches(log, heads, is_right_first):
    right = heads[3]
    wrong = replace(right, head="0" * len(right.head))
    both = [right, wrong] if is_right_first else [wrong, right]
    assert [(one.what, one.seal) for one in log.check(heads=both)] == [(What.REWRITTEN, right.n)]
