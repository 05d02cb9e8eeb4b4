"""What a scan writes names no resident, and what is asked of residents reaches them by the worker alone."""

import json
import uuid
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from qe_ban.accounts.models import Consent
from qe_ban.codes.models import AnswerOfSource, RequestOfScan, Scan, SourceAnswer
from qe_ban.codes.service import hashing, inbox, retention
from qe_ban.keys import vault
from tests.codes.test_adapters_http import (  # noqa: F401 - fixtures
    app_with_source,
    at_bureau,
    bureau,
    medical,
)

CONSENTS = "/api/v1/me/consents"
PURPOSE = "senior-discount"
_TABLES = text("""
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname = current_schema()
""")


@pytest.fixture
def rows_of(town):
    """Find all rows of a transaction, whichever table they are in, as JSON by table."""

    def call(xmin):
        with town.parts.database.transaction() as session:
            session.execute(text("SET LOCAL statement_timeout = '60s'"))
            tables = session.scalars(_TABLES).all()
            statement = " UNION ALL ".join(
                f"SELECT '{name}', to_jsonb(t)::text FROM {name} t WHERE t.xmin = CAST(:xmin AS xid)" for name in tables
            )
            rows = {}
            for name, row in session.execute(text(statement), {"xmin": xmin}):
                rows.setdefault(name, []).append(json.loads(row))
            return rows

    return call


@pytest.fixture
def transaction_of(town):
    """Return the transaction that wrote a scan."""

    def call(scan_id):
        with town.parts.database.transaction() as session:
            return session.scalar(text("SELECT xmin::text FROM scans WHERE scan_id = :id"), {"id": scan_id})

    return call


def names_of(person, rows):
    """Return the columns that hold the resident's id or an entitlement's number; what counts events or uses is none."""
    numbers = set(person.numbers.values())
    return [
        (table, column)
        for table, of_table in rows.items()
        for row in of_table
        for column, value in row.items()
        if str(person.id) in json.dumps(value)
        or (isinstance(value, int) and value is not True and value in numbers and column not in {"id", "n"})
    ]


def states(client, person):
    return {row["purpose"]: row["state"] for row in client.get(CONSENTS, headers=person.headers).get_json()["items"]}


class TestWhatAScanWrites:
    @pytest.mark.parametrize(
        ("purpose", "reason"),
        [("window-acceptance", "ok"), (PURPOSE, "consent_required"), ("gate-entry", "suspended")],
        ids=["accepted", "consent_required", "refused"],
    )
    def test_names_no_resident(self, town, scan, issue, client, rows_of, transaction_of, purpose, reason):
        person, terminal, scan_id = town.resident(born="19400307"), town.terminal(purpose), str(uuid.uuid4())
        code = issue(person)
        if reason == "suspended":
            client.post("/api/v1/codes/identity/suspend", headers=person.headers)
        assert scan(terminal, code, purpose, scan_id=scan_id)["reason"] == reason
        rows = rows_of(transaction_of(scan_id))
        assert any(table.startswith("scans") for table in rows)
        assert ("requests_of_scans" in rows) == (reason == "consent_required")
        assert names_of(person, rows) == []

    def test_names_none_where_an_outside_source_is_asked(self, town, scan, bureau, at_bureau):  # noqa: F811
        person, terminal = town.resident(records=False), town.terminal("registration")
        assert scan(terminal, medical(town, person, at_bureau), "registration", at=at_bureau)["reason"] == "ok"
        number, rings = person.numbers["medical"], town.parts.rings
        with town.parts.database.transaction() as session:
            assert session.get(SourceAnswer, number) is None
            hashes = hashing.answer_hashes(rings, number, town.now)
            answer = session.scalars(select(AnswerOfSource).where(AnswerOfSource.holder.in_(hashes))).one()
            assert answer.holder not in set(session.scalars(select(Scan.holder)))
        assert answer.owner in hashing.owner_hashes(rings, person.id, "medical", town.now)
        # the wallet finds by its own hash what the scanner was told
        cards = at_bureau.get("/api/v1/codes", headers=person.headers).get_json()["items"]
        assert [card["state"] for card in cards if card["kind"] == "medical"] == ["active"]
        assert len(bureau.questions) == 1

    def test_the_hash_of_an_answer_is_another_tomorrow_and_found_until_then(self, town):
        rings, number, now = town.parts.rings, town.resident().numbers["medical"], town.now
        today, *_ = hashing.answer_hashes(rings, number, now)
        assert today in hashing.answer_hashes(rings, number, now + timedelta(days=1))[1:]
        assert today not in hashing.answer_hashes(rings, number, now + timedelta(days=2))

    def test_answers_go_after_a_day(self, town):
        person = town.resident(records=False)
        town.keep_answer(person, "medical", age=timedelta(hours=23))
        hashes = hashing.answer_hashes(town.parts.rings, person.numbers["medical"], town.now - timedelta(hours=23))
        query = select(AnswerOfSource).where(AnswerOfSource.holder.in_(hashes))
        for later, count in ((timedelta(0), 1), (timedelta(hours=2), 0)):
            with town.parts.database.transaction() as session:
                retention.answers_step(session, town.now + later - timedelta(days=1))
                assert len(session.scalars(query).all()) == count


class TestTheInbox:
    def test_a_request_reaches_the_phone_with_the_workers_next_turn(self, town, scan, issue, client):
        person, terminal = town.resident(born="19400307"), town.terminal(PURPOSE)
        verdict = scan(terminal, issue(person), PURPOSE)
        assert "一分钟内" in verdict["detail"]["consent"]
        town.turn_over()
        assert states(client, person) == {PURPOSE: "requested"}

    def test_it_is_sealed_and_bound_to_its_row(self, town):
        rings, person = town.parts.rings, town.resident()
        request = inbox.consent_request(rings, person.id, PURPOSE, town.now)
        assert str(person.id).encode() not in request.content_sealed
        assert request.id.version == 4
        with pytest.raises(vault.SealBroken):
            vault.unseal(rings, inbox.COLUMN, uuid.uuid4(), request.content_sealed)

    def test_repeated_requests_are_one_and_no_decision_is_undone(self, town, scan, issue, client):
        person, terminal = town.resident(born="19400307"), town.terminal(PURPOSE)
        for _ in range(3):
            scan(terminal, issue(person), PURPOSE)
        town.turn_over()
        assert client.put(f"{CONSENTS}/{PURPOSE}", headers=person.headers).status_code == 200
        self.store(town, inbox.consent_request(town.parts.rings, person.id, PURPOSE, town.now))
        town.turn_over()
        assert states(client, person) == {PURPOSE: "granted"}

    def test_one_transaction_turns_over_all_of_them(self, town, scan, issue):
        people, terminal = [town.resident(born="19400307") for _ in range(4)], town.terminal(PURPOSE)
        for person in people:
            scan(terminal, issue(person), PURPOSE)
        town.turn_over()
        query = text("SELECT DISTINCT xmin::text FROM consents WHERE resident_id = ANY (:ids)")
        with town.parts.database.transaction() as session:
            assert len(session.scalars(query, {"ids": [person.id for person in people]}).all()) == 1

    def test_what_is_asked_of_somebody_who_is_held_waits_and_hinders_no_other(self, town):
        busy, other, rings = town.resident(), town.resident(), town.parts.rings
        for person in (busy, other):
            self.store(town, inbox.consent_request(rings, person.id, PURPOSE, town.now))
        with town.parts.database.transaction() as session:
            session.execute(text("SELECT FROM residents WHERE id = :id FOR UPDATE"), {"id": busy.id})
            town.turn_over()
            assert [self.has_consent(town, person) for person in (busy, other)] == [False, True]
        town.turn_over()
        assert self.has_consent(town, busy)

    def test_a_closed_account_is_asked_nothing(self, town, client):
        person = town.resident()
        assert client.post("/api/v1/me/closing", json={"confirm": True}, headers=person.headers).status_code == 200
        request = inbox.consent_request(town.parts.rings, person.id, PURPOSE, town.now)
        self.store(town, request)
        town.turn_over()
        assert not self.has_consent(town, person)
        with town.parts.database.transaction() as session:
            assert session.get(RequestOfScan, request.id) is None

    def test_one_that_does_not_open_is_dropped_and_hinders_no_other(self, town):
        person, broken = town.resident(), uuid.uuid4()
        with town.parts.database.transaction() as session:
            session.add(RequestOfScan(id=broken, content_sealed=bytes(60)))
        self.store(town, inbox.consent_request(town.parts.rings, person.id, PURPOSE, town.now))
        town.turn_over()
        assert self.has_consent(town, person)
        with town.parts.database.transaction() as session:
            assert session.get(RequestOfScan, broken) is None

    def test_a_level_that_a_source_told_a_scanner_reaches_the_resident_with_the_day_alone(
        self,
        town,
        scan,
        bureau,  # noqa: F811
        app_with_source,  # noqa: F811
    ):
        at_source = app_with_source("health")
        person, desk = town.resident(records=False), town.terminal("health-check")
        bureau.answer = {"state": "active", "detail": {"level": "yellow"}, "as_of": "2026-01-01T03:04:05Z"}
        code = town.code(person.numbers["health"], "health", at=at_source.now(), life=300)
        assert scan(desk, code, "health-check", at=at_source)["health"]["level"] == "yellow"
        with town.parts.database.transaction() as session:
            assert session.get(SourceAnswer, person.numbers["health"]) is None
        town.turn_over()
        with town.parts.database.transaction() as session:
            row = session.get_one(SourceAnswer, person.numbers["health"])
            assert row.detail == {"level": "yellow"}
            midnight = text("SELECT date_trunc('day', CAST(:at AS timestamptz), 'Asia/Shanghai')")
            for moment in (row.as_of, row.asked_at):
                assert session.scalar(midnight, {"at": moment}) == moment

    @staticmethod
    def store(town, request):
        with town.parts.database.transaction() as session:
            session.add(RequestOfScan(id=request.id, content_sealed=request.content_sealed))

    @staticmethod
    def has_consent(town, person):
        with town.parts.database.transaction() as session:
            return session.get(Consent, (person.id, PURPOSE)) is not None
