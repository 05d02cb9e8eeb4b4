"""What the proof of a closing says is true, sentence by sentence: each is tried with a row that would make it false."""

import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Column, ForeignKey, Table, Uuid, select, text

from qe_ban.accounts import errors, service
from qe_ban.accounts.models import Closing, Resident
from qe_ban.accounts.rules.closing import kept
from qe_ban.accounts.rules.traces import TRACES, Lookup, Outcome, Retention, kept_columns
from qe_ban.accounts.service import Accounts, closing, erasing
from qe_ban.audit.service import AtShell
from qe_ban.codes.models import Dispute
from qe_ban.codes.service import dispute_seals, disputes, hashing
from qe_ban.db.base import Base
from qe_ban.halls.models import FavouriteItem, RecentItem
from qe_ban.halls.service import list_owners, own_lists
from qe_ban.health.models import HealthCorrection
from qe_ban.kernel.clock import rfc3339, start_of_day, system_clock
from qe_ban.kernel.ids import new_id
from qe_ban.web.idempotency import IdempotencyKey
from qe_ban.zones.models import Demand, DemandStep
from tests.codes import conftest as of_codes
from tests.privacy import left_of

town = of_codes.town
API = "/api/v1"
NAME = "欧阳闭户"


@pytest.fixture(scope="module")
def live(app, town):
    """Let a resident do all that leaves a row, and the same for a ward."""
    return partial(_live, app.test_client(), town)


def _live(client, town):
    # a birthday that hardly anybody shares: of one day there are but a thousand numbers, and a search meets all of them
    born = f"{1960 + secrets.randbelow(29)}{1 + secrets.randbelow(12):02}{1 + secrets.randbelow(28):02}"
    resident, ward = town.resident(born=born), town.resident(born="20150601")
    scan, issue = partial(_scan, client), partial(_issue, client)
    ward_of = {"for": town.guard(resident, ward)}

    def do(method, path, body=None, status=(200, 201, 202, 204), **query):
        answer = client.open(f"{API}{path}", method=method, json=body, query_string=query, headers=resident.headers)
        assert answer.status_code in status, (path, answer.get_json())
        return answer.get_json()

    do("PUT", "/me/consents/social-enquiry")
    town.turn_over()
    do("PUT", "/me/consents/visitor-registration")
    do("PUT", "/me/consents/account-opening", **ward_of)
    do("PUT", "/me/hall", {"hall": "city", "age_mode": "elder"})
    do("PUT", "/me/halls/shinan")
    do("POST", "/codes/identity/short-number")
    do("POST", "/auth/step-up", {"method": "face", "proof": "somebody else"}, status=(422,))
    gate, check = town.terminal("gate-entry"), town.terminal("senior-discount", "identity-check")
    for whose, query in ((resident, {}), (ward, ward_of)):
        scan(gate, issue(whose), "gate-entry")
        (entry,) = do("GET", "/codes/ledger", **query)["items"]
        do("POST", f"/codes/ledger/{entry['id']}/dispute", {"text": f"{NAME}当天不在"}, **query)
    scan(check, issue(resident), "identity-check")
    scan(check, issue(resident), "senior-discount")
    town.keep_answer(resident, "health")
    _write_what_needs_pages(town, resident)
    return Lived(resident, ward, ward_of["for"], do)


@dataclass(frozen=True)
class Lived:
    """Somebody who did all that leaves a row, the ward for whom this one acts, and how this one calls."""

    resident: Any
    ward: Any
    guardianship: str
    do: Callable[..., Any]


def _scan(client, terminal, code, purpose):
    body = {"scan_id": str(uuid.uuid4()), "code": code, "purpose": purpose}
    assert client.post(f"{API}/codes/verify", json=body, headers=terminal.headers).status_code == 200


def _issue(client, person):
    return client.post(f"{API}/codes/identity/issue", headers=person.headers).get_json()["code"]


def _write_what_needs_pages(town, resident):
    now = system_clock()
    with town.parts.database.transaction() as session:
        for model in (FavouriteItem, RecentItem):
            owner, *_ = list_owners.owner_ids(town.parts.rings, resident.id)
            own_lists.save(town.parts.rings, session, model(resident_id=owner, entry="1" * 12), now)
        sealed = dict.fromkeys(("text_sealed", "contact_sealed", "phone_sealed"), b"x")
        times = dict.fromkeys(("consented_at", "created_at", "updated_at"), now)
        words = {"zone": "karos", "state": "received", "firm": "某公司", "uscc": "x", "industry": "y", "title": "z"}
        demand = Demand(
            id=new_id(), resident_id=resident.id, revision=1, block="b", version=1, **words, **sealed, **times
        )
        session.add(demand)
        session.add(
            HealthCorrection(
                id=new_id(),
                resident_id=resident.id,
                level="red",
                set_by="rule",
                by_guardian=False,
                text_sealed=b"x",
                state="open",
                opened_at=now,
                due_at=now,
            )
        )
        session.flush()
        session.add(DemandStep(demand_id=demand.id, at=now, by_kind="resident", by=resident.id, state="received"))
        stored = {"route": "zones.send", "key": "k", "body_hash": b"h", "status": 201, "answer": b"{}"}
        session.add(IdempotencyKey(principal=f"resident:{resident.id}", created_at=now, **stored))


@pytest.fixture(scope="module")
def closed(town, live):
    """Somebody after the closing: whom a search looks for, and the proof."""
    lived = live()
    with town.parts.database.transaction() as session:
        words = (lived.resident.phone, lived.resident.id_number, NAME)
        someone = left_of.person(session, town.parts.rings, lived.resident.id, words, system_clock())
    return lived.resident, someone, lived.do("POST", "/me/closing", {"confirm": True})


ROWS = {
    "residents": ("id", {"id", "assurance", "created_at", "closed_at", "data_key"}),
    "entitlements": (
        "resident_id",
        {"number", "resident_id", "kind", "made_at", "suspended_at", "suspended_by"},
    ),
    "guardianships": (
        "guardian_id",
        {"id", "guardian_id", "ward_id", "id_type", "relation", "basis", "state"}
        | {"requested_at", "ends_at", "confirmed_at", "confirmed_by", "ended_at", "ended_by"},
    ),
    "recovery_cases": (
        "holder_id",
        {"id", "kind", "claimant_id", "holder_id", "state", "opened_at", "opened_by", "proposal_id", "closed_at"},
    ),
    "closings": ("resident_id", {"id", "resident_id", "closed_at", "checked_at", "report"}),
}
"""By what rows that stay are found, and which of their columns may hold something, as the report says."""
DAYS = {"residents": ("created_at", "closed_at"), "entitlements": ("made_at", "suspended_at")}


def untruths(session, rings, someone):
    """Return the tables of which the report says something that is not so."""
    plain, opens = (
        {
            (trace.table, column)
            for trace in TRACES
            for column in trace.columns
            if (trace.outcome, trace.lookup) == (Outcome.KEPT, lookup)
        }
        for lookup in (Lookup.ID, Lookup.SEALED)
    )
    deleted = {
        (trace.table, column) for trace in TRACES for column in trace.columns if trace.outcome is Outcome.DELETED
    }
    found, opened = left_of.in_clear(session, someone), left_of.sealed(session, rings, someone)
    wrong = found["id"] - plain | found["hash"] - (kept_columns() - deleted) | found["word"]
    wrong |= found["number"] - {("entitlements", "number")}
    # what the guardian wrote of the ward is the ward's
    wrong |= opened - opens - {("disputes", "text_sealed")}
    return {table for table, _ in wrong} | {table for table in ROWS if _more_in(session, table, someone)}


def _more_in(session, table, someone):
    """Return the columns by which a row that stays holds more than the report says, or finer moments than days."""
    key, allowed = ROWS[table]
    rows = session.execute(text(f'SELECT * FROM "{table}" WHERE {key} = :id'), {"id": someone.id}).mappings()
    return {
        name
        for row in rows
        for name in row
        if (name not in allowed and row[name] is not None)
        or (name in DAYS.get(table, ()) and row[name] is not None and row[name] != start_of_day(row[name]))
    }


def rows_of(answer, part):
    return {row["what"]: row["rows"] for row in answer[part]}


def test_every_sort_of_trace_is_made_and_told_as_deleted(closed):
    _, _, answer = closed
    made = {trace.what for trace in TRACES if trace.outcome is Outcome.DELETED}
    rare = {"recovery_cases", "health_levels"}
    assert made - rare <= {what for what, rows in rows_of(answer, "deleted").items() if rows}
    assert rows_of(answer, "deleted")["disputes"] == 1
    assert rows_of(answer, "deleted")["disputes_for_wards"] == 1


def test_nothing_else_is_left_and_each_sentence_is_true(town, closed):
    _, someone, answer = closed
    with town.parts.database.transaction() as session:
        assert {table: _more_in(session, table, someone) for table in ROWS} == {table: set() for table in ROWS}
        assert untruths(session, town.parts.rings, someone) == set()
    # what only backups hold is no row: tests/privacy/test_shredding.py looks into the files
    assert {line["what"] for line in answer["kept"]} == {"backups"} | {
        trace.what for trace in TRACES if trace.outcome is Outcome.KEPT
    }
    assert answer["remaining"] == 0


def test_the_search_finds_what_a_living_resident_has(town, live):
    lived = live().resident
    with town.parts.database.transaction() as session:
        someone = left_of.person(session, town.parts.rings, lived.id, (lived.phone,), system_clock())
        found = left_of.in_clear(session, someone)
        opened = left_of.sealed(session, town.parts.rings, someone)
    assert {("consents", "resident_id"), ("idempotency_keys", "principal"), ("demand_steps", "by")} <= found["id"]
    assert {
        ("attempts", "subject"),
        ("recent_items", "resident_id"),
        ("disputes", "holder"),
        ("answers_of_sources", "holder"),
    } <= found["hash"]
    assert ("source_answers", "entitlement") in found["number"]
    assert {("residents", "phone_sealed"), ("disputes", "resident_sealed")} <= opened
    assert ("requests_of_scans", "content_sealed") in opened


PLANTS = {
    "consents": (
        "INSERT INTO consents (resident_id, purpose, state, requested_at) VALUES (:id, 'x', 'requested', now())"
    ),
    "consent_events": (
        "INSERT INTO consent_events (resident_id, purpose, state, at) VALUES (:id, 'x', 'granted', now())"
    ),
    "favourite_items": "INSERT INTO favourite_items (resident_id, entry, at) VALUES (:listed, 'x', now())",
    "followed_halls": "INSERT INTO followed_halls (resident_id, hall, at) VALUES (:id, 'x', now())",
    "attempts": "INSERT INTO attempts (subject, count, until) VALUES (:hash, 1, now())",
    "disputes": "UPDATE disputes SET holder = :hash WHERE id = :dispute",
    "refresh_families": (
        "INSERT INTO refresh_families (id, kind, principal_id, started_at, expires_at)"
        " VALUES (gen_random_uuid(), 'resident', :id, now(), now())"
    ),
    "idempotency_keys": (
        "INSERT INTO idempotency_keys (principal, route, key, body_hash, status, answer, created_at)"
        " VALUES ('resident:' || :id, 'x', 'x', 'x', 200, 'x', now())"
    ),
    "source_answers": (
        "INSERT INTO source_answers (entitlement, state, detail, as_of, asked_at)"
        " VALUES (:number, 'active', '{}', now(), now())"
    ),
    "residents": "UPDATE residents SET name_sealed = 'x' WHERE id = :id",
    "entitlements": "UPDATE entitlements SET made_at = now() WHERE resident_id = :id",
    "guardianships": (
        "UPDATE guardianships SET state = 'pending', ended_at = NULL, name_sealed = 'x', id_number_sealed = 'x',"
        " ward_mac = 'x' WHERE guardian_id = :id"
    ),
    "recovery_cases": (
        "INSERT INTO recovery_cases (id, holder_id, state, opened_at, closed_at, basis)"
        " VALUES (gen_random_uuid(), :id, 'rejected', now(), now(), 'x')"
    ),
    "closings": (
        "UPDATE closings SET report = report || jsonb_build_object('x', CAST(:word AS text)) WHERE resident_id = :id"
    ),
    "scans": "UPDATE scans SET detail = jsonb_build_object('x', CAST(:id AS text)) WHERE holder = :scanned",
    "uses": (
        "INSERT INTO uses (subject, n, scanner_id, purpose, at, expires_at)"
        " VALUES (CAST(:bytes AS bytea), 0, gen_random_uuid(), 'x', now(), now())"
    ),
    "audit_events": (
        "INSERT INTO audit_events (at, action, subject, details)"
        " VALUES (now(), 'x', 'x', jsonb_build_object('name', CAST(:word AS text)))"
    ),
    "alarms": (
        "INSERT INTO alarms (id, kind, subject, opened_at, last_at, count, facts)"
        " VALUES (gen_random_uuid(), 'guessing', CAST(:id AS text), now(), now(), 1, '{}')"
    ),
    "short_numbers": "INSERT INTO short_numbers (mac, code_sealed, expires_at) VALUES (:bytes, 'x', now())",
    "rate_windows": "INSERT INTO rate_windows (subject, ends_at, count) VALUES (:word, now(), 1)",
}


@pytest.mark.parametrize("table", sorted(PLANTS))
def test_a_row_that_a_sentence_denies_is_found(town, closed, table):
    resident, someone, _ = closed
    rings, plant = town.parts.rings, PLANTS[table]
    with town.parts.database.transaction() as session:
        values = {
            "id": str(resident.id) if "text" in plant or "||" in plant else resident.id,
            "bytes": resident.id.bytes,
            "word": resident.phone,
            "hash": someone.hashes[-1],
            "listed": list_owners.owner_ids(rings, resident.id)[0],
            "number": resident.numbers["medical"],
            "scanned": hashing.holder_hash(rings, resident.numbers["identity"], system_clock()),
            "dispute": session.scalar(select(Dispute.id).limit(1)),
        }
        assert session.execute(text(plant), values).rowcount > 0
        assert untruths(session, rings, someone) == {table}
        session.rollback()


def _close(town, accounts, resident):
    """Close an account as the worker does, in a transaction of its own."""
    with town.parts.database.transaction() as session:
        row = session.get_one(Resident, resident.id, with_for_update=True)
        return closing.close(accounts, session, row, change=AtShell(system_clock()), why="resident")


@pytest.mark.parametrize("number", range(5))
def test_where_a_slice_deletes_nothing_nothing_is_deleted_at_all(town, live, number):
    resident, accounts = live().resident, town.parts.get(Accounts)
    erasers = list(accounts.erasers)
    assert len(erasers) == 5
    erasers[number] = replace(erasers[number], erase=lambda *_: None)
    with pytest.raises(errors.ClosingUnsettled):
        _close(town, replace(accounts, erasers=tuple(erasers)), resident)
    with town.parts.database.transaction() as session:
        row = session.get_one(Resident, resident.id)
        assert (row.closed_at, row.phone_sealed is None) == (None, False)


def test_a_table_that_nobody_thought_of_stops_the_closing(town, live):
    """Its foreign key is found, whoever forgot to delete its rows or to list them."""
    resident = live().resident
    visits = Table("visits", Base.metadata, Column("visitor", Uuid, ForeignKey("residents.id"), primary_key=True))
    try:
        with town.parts.database.transaction() as session:
            session.execute(text("CREATE TEMPORARY TABLE visits (visitor uuid) ON COMMIT DROP"))
            session.execute(visits.insert().values(visitor=resident.id))
            row = session.get_one(Resident, resident.id, with_for_update=True)
            assert erasing.count(town.parts.get(Accounts), session, row)["visits"] == 1
            with pytest.raises(errors.ClosingUnsettled):
                closing.close(town.parts.get(Accounts), session, row, change=AtShell(system_clock()), why="resident")
            session.rollback()
    finally:
        Base.metadata.remove(visits)


def test_what_a_guardian_disputed_stays_the_wards_and_says_the_guardian_no_more(app, town, live):
    lived = live()
    guardian, ward = lived.resident, lived.ward
    answer = lived.do("POST", "/me/closing", {"confirm": True})
    assert rows_of(answer, "deleted")["disputes_for_wards"] == 1
    client = app.test_client()
    (dispute,) = client.get(f"{API}/me/disputes", headers=ward.headers).get_json()["items"]
    assert dispute["text"] == f"{NAME}当天不在"
    with town.parts.database.transaction() as session:
        row = session.get_one(Dispute, UUID(dispute["id"]))
        assert dispute_seals.open_parties(town.parts.rings, row) == [ward.id]
        told = disputes.list_recipients(session, town.parts.rings, row, system_clock())
        assert guardian.id not in told


def test_a_dispute_that_a_guardian_opens_while_the_account_closes_is_found_a_little_later(town, live):
    lived = live()
    with town.parts.database.transaction() as session:
        (held,) = session.scalars(
            select(Dispute).where(
                Dispute.holder.in_(hashing.dispute_hashes(town.parts.rings, lived.ward.numbers["identity"]))
            )
        )
        dispute, parties = held.id, held.resident_sealed
    lived.do("POST", "/me/closing", {"confirm": True})
    with town.parts.database.transaction() as session:
        session.get_one(Dispute, dispute).resident_sealed = parties
    with town.parts.database.transaction() as session:
        service.check_closings(town.parts.get(Accounts), session, system_clock() + timedelta(minutes=16))
        report = session.scalars(select(Closing.report).where(Closing.resident_id == lived.resident.id)).one()
        assert (report["late"], report["remaining"]) == ({"disputes_for_wards": 1}, 0)


@pytest.mark.parametrize("at", [0, 14])
def test_what_is_kept_until_a_day_is_kept_no_longer_than_what_it_waits_for(at):
    """At any hour: the end of a day of the city, which is never before the period is over."""
    now = start_of_day(system_clock()) + timedelta(hours=at)
    lines = {line["what"]: line["until"] for line in kept(now, Retention(), has_data_key=True)}
    assert lines["residents"] >= rfc3339(now + timedelta(days=1100))
    assert lines["alarms"] is None
    assert lines["audit_events"] >= rfc3339(now + timedelta(days=400))
    assert lines["scans"] >= rfc3339(now + timedelta(days=90))
    assert rfc3339(now + timedelta(days=31)) >= lines["backups"] >= rfc3339(now + timedelta(days=30))
    assert all(until is None or until.endswith("T16:00:00Z") for until in lines.values())
