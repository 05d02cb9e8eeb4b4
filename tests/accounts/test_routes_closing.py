"""An account is closed for good: nothing personal stays anywhere, what stays is told, and the proof is kept."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select, text

from qe_ban.accounts import errors, service
from qe_ban.accounts.models import Closing, Consent, Guardianship, Proposal, RecoveryCase, Resident
from qe_ban.accounts.service import Accounts, PersonalDataEraser, tokens
from qe_ban.app import create_app
from qe_ban.audit import service as audit
from qe_ban.audit.models import AuditEvent
from qe_ban.db import polled_cache, valkey
from qe_ban.db.base import Base
from qe_ban.db.engine import Database, DatabaseUnavailable
from qe_ban.db.limits import Limiter
from qe_ban.jobs.models import OutboxMessage
from qe_ban.jobs.service import COLUMN
from qe_ban.kernel.clock import system_clock
from qe_ban.kernel.ids import new_id
from qe_ban.keys import vault, words
from qe_ban.web import parts
from qe_ban.web.idempotency import IdempotencyKey
from qe_ban.web.parts import part
from qe_ban.zones.models import Demand, DemandStep
from tests.conftest import closing_pool
from tests.factories.accounts import API, PersonFactory, bearer, random_address, together
from tests.factories.digests import plain_digest

CLOSING = f"{API}/me/closing"
KEPT = {"entitlements", "closings"}
"""Tables that keep rows of a closed account; whoever adds another says why in `rules.closing`."""


@pytest.fixture
def rich(city, database):
    """Somebody who left something everywhere."""
    resident = city.resident().step_up()
    client, headers, now = city.client, resident.headers, system_clock()
    client.put(f"{API}/me/consents/social-enquiry", headers=headers)
    client.put(f"{API}/me/hall", json={"hall": "city", "age_mode": "elder"}, headers=headers)
    client.put(f"{API}/me/halls/shinan", headers=headers)
    with database.transaction() as session:
        sealed = dict.fromkeys(("text_sealed", "contact_sealed", "phone_sealed"), b"x")
        times = dict.fromkeys(("consented_at", "created_at", "updated_at"), now)
        words = {"zone": "karos", "state": "received", "firm": "某公司", "uscc": "x", "industry": "y", "title": "z"}
        demand = Demand(
            id=new_id(), resident_id=resident.id, revision=1, block="b", version=1, **words, **sealed, **times
        )
        session.add(demand)
        session.flush()
        session.add(DemandStep(demand_id=demand.id, at=now, by_kind="resident", by=new_id(), state="received"))
        kept = {"route": "zones.send", "key": "k", "body_hash": b"h", "status": 201, "answer": b"{}"}
        session.add(IdempotencyKey(principal=f"resident:{resident.id}", created_at=now, **kept))
    return resident


def close(city, resident, body=None):
    return city.client.post(CLOSING, json={"confirm": True} if body is None else body, headers=resident.headers)


def rows_of(answer, part):
    return {row["what"]: row["rows"] for row in answer.get_json()[part] if row["rows"]}


def rows_left(database, resident_id):
    """Count a resident's rows in every table that names residents, whichever slice it is of."""
    found = {}
    with database.transaction() as session:
        for table in Base.metadata.sorted_tables:
            for key in table.foreign_keys:
                if key.column.table.name == "residents":
                    wanted = text(f'SELECT count(*) FROM "{table.name}" WHERE "{key.parent.name}" = :id')
                    found[table.name] = found.get(table.name, 0) + session.scalar(wanted, {"id": resident_id})
    return {table for table, rows in found.items() if rows}


def test_what_would_go_and_what_would_stay_is_told_first(city, rich):
    answer = city.client.get(CLOSING, headers=rich.headers)
    assert answer.status_code == 200
    deletes = rows_of(answer, "deletes")
    tables = {"consents", "consent_events", "refresh_families", "resident_halls", "followed_halls", "demands"}
    assert tables | {"demand_steps", "idempotency_keys", "personal_columns"} <= set(deletes)
    keeps = {row["what"]: row["until"] for row in answer.get_json()["keeps"]}
    assert keeps["scans"] is not None
    assert keeps["audit_events"] > keeps["scans"]
    assert keeps["closings"] == keeps["residents"] == keeps["guardianships"] > keeps["entitlements"] > keeps["scans"]
    assert rich.me().status_code == 200


def test_closing_deletes_all_that_is_personal_and_proves_it(city, rich, database):
    planned = rows_of(city.client.get(CLOSING, headers=rich.headers), "deletes")
    answer = close(city, rich)
    assert answer.status_code == 200, answer.get_json()
    assert answer.get_json()["remaining"] == 0
    assert rows_of(answer, "deleted") == planned
    assert rows_left(database, rich.id) <= KEPT
    row = city.row(rich.id)
    personal = (row.phone_index, row.phone_sealed, row.name_sealed, row.id_number_sealed, row.id_index, row.id_type)
    assert personal == (None,) * 6
    assert (row.assurance, row.verified_at, row.moments_sealed) == ("none", None, None)
    assert city.notices_to(rich.phone) == ["account_closed"]
    with database.transaction() as session:
        proof = session.scalars(select(Closing).where(Closing.resident_id == rich.id)).one()
        event = session.scalars(
            select(AuditEvent)
            .where(AuditEvent.action == "accounts.close_account")
            .where(AuditEvent.subject == str(rich.id))
        ).one()
        gone = session.scalars(select(IdempotencyKey).where(IdempotencyKey.principal == f"resident:{rich.id}")).all()
    assert gone == []
    assert str(proof.id) == answer.get_json()["id"]
    said = json.dumps([proof.report, event.details], ensure_ascii=False)
    for hidden in (rich.phone, rich.person.id_number, rich.person.name):
        assert hidden not in said


def test_sign_ins_end_and_phone_and_number_are_free_again(city):
    resident = city.resident()
    other = city.visitor(resident.phone)
    resident.step_up()
    close(city, resident)
    for ended in (resident, other):
        assert ended.me().status_code == 401
        assert ended.renew().status_code == 400
    again = city.visitor(resident.phone)
    assert again.id != resident.id
    named = city.client.put(f"{API}/me/real-name", json=resident.person.body(), headers=again.headers)
    assert (named.status_code, named.get_json()) == (200, {"assurance": "verified"})


def test_closing_takes_an_express_word_and_a_fresh_face(city, app):
    resident = city.resident()
    assert close(city, resident).get_json()["code"] == "step_up_required"
    assert city.client.get(CLOSING, headers=resident.headers).status_code == 403
    resident.step_up()
    for body in (
        {},
        {"confirm": False},
        {"confirm": "true"},
        {"confirm": 1},
        {"confirm": None},
        {"confirm": True, "x": 1},
    ):
        assert close(city, resident, body).status_code == 422
    assert resident.me().status_code == 200
    family = service.principal_from(city.accounts, resident.access, system_clock())
    stale = tokens.access(
        city.accounts,
        kind=family.kind,
        subject=family.id,
        session=family.session,
        scopes=family.scopes,
        stepped_up_at=system_clock() - timedelta(minutes=11),
        now=system_clock(),
    )
    answer = city.client.post(CLOSING, json={"confirm": True}, headers=bearer(stale.access))
    assert (answer.status_code, answer.get_json()["code"]) == (403, "step_up_required")


def test_of_two_closings_at_once_one_is_answered(city, database):
    resident = city.resident().step_up()
    answers = together(3, lambda _: close(city, resident))
    assert sorted(answer.status_code for answer in answers) == [200, 401, 401]
    with database.transaction() as session:
        assert len(session.scalars(select(Closing).where(Closing.resident_id == resident.id)).all()) == 1


def test_an_account_that_is_claimed_is_closed_and_its_case_with_it(city, window):
    holder = city.resident()
    claimant = city.claimant_of(holder)
    case = window.case_of(holder)
    proposed = window.propose(case).get_json()
    assert close(city, holder.step_up()).status_code == 200
    assert window.approve(proposed).get_json()["code"] == "accounts.recovery_case_over"
    assert city.notices_to(claimant.phone) == ["recovery_rejected"]
    (ended,) = [one for one in window.cases("rejected") if one["id"] == case["id"]]
    assert (ended["basis"], ended["holder"]["phone"], ended["holder"]["name"]) == (None, None, None)
    named = city.client.put(f"{API}/me/real-name", json=holder.person.body(), headers=claimant.headers)
    assert named.status_code == 200, "the number is free"


def test_closing_and_settling_at_once_leave_one_outcome(city, window):
    holder = city.resident()
    claimant = city.claimant_of(holder)
    proposed = window.propose(window.case_of(holder)).get_json()
    holder.step_up()
    closed, settled = together(2, lambda number: window.approve(proposed) if number else close(city, holder))
    assert (closed.status_code, settled.status_code) in {(200, 409), (401, 200), (200, 200), (503, 200), (200, 503)}
    if closed.status_code == 200:
        assert city.row(holder.id).closed_at is not None
    if settled.status_code == 200 and closed.status_code != 200:
        assert city.visitor(claimant.phone).id == holder.id


def test_what_is_written_at_the_last_moment_is_deleted_a_little_later_and_said(city, app, database):
    resident = city.resident().step_up()
    close(city, resident)
    now = system_clock()
    with database.transaction() as session:
        session.add(Consent(resident_id=resident.id, purpose="social-enquiry", state="requested", requested_at=now))

    def proof():
        with database.transaction() as session:
            return session.scalars(select(Closing).where(Closing.resident_id == resident.id)).one()

    with app.app_context():
        accounts = part(Accounts)
    for at, checked in ((now + timedelta(minutes=14), False), (now + timedelta(minutes=16), True)):
        with database.transaction() as session:
            service.check_closings(accounts, session, at)
        assert (proof().checked_at is not None) is checked
    assert (proof().report["late"], proof().report["remaining"]) == ({"consents": 1}, 0)
    with database.transaction() as session:
        checks = (AuditEvent.action == "accounts.check_closing") & (AuditEvent.subject == str(resident.id))
        event = session.scalars(select(AuditEvent).where(checks)).one()
    assert event.details == {"late": {"consents": 1}, "remaining": 0}
    assert rows_left(database, resident.id) <= KEPT


def guarded(city, basis):
    """Give a stepped-up resident for whom somebody acts on this basis, and the guardianship."""
    ward, guardian, now = city.resident().step_up(), city.resident(), system_clock()
    row = Guardianship(
        id=new_id(),
        guardian_id=guardian.id,
        ward_id=ward.id,
        id_type="resident_id",
        relation="parent",
        basis=basis,
        state="active",
        requested_at=now,
        confirmed_at=now,
        confirmed_by="window",
    )
    with city.database.transaction() as session:
        session.add(row)
    return ward, row.id


@pytest.mark.parametrize("basis", ["custody", "court"])
def test_whom_others_have_custody_of_does_not_close_the_account(city, basis):
    ward, guardianship = guarded(city, basis)
    for answer in (city.client.get(CLOSING, headers=ward.headers), close(city, ward)):
        assert (answer.status_code, answer.get_json()["code"]) == (409, "accounts.window_needed")
    assert (ward.me().status_code, city.notices_to(ward.phone)) == (200, [])
    with city.database.transaction() as session:
        session.get_one(Guardianship, guardianship).ends_at = system_clock()
    assert close(city, ward).status_code == 200, "it is over"


def test_an_entrusted_guardian_keeps_nobody_from_closing(city):
    assert close(city, guarded(city, "entrusted")[0]).status_code == 200


def test_the_proof_is_given_again_to_whoever_has_its_id(city):
    resident = city.resident().step_up()
    proof = close(city, resident).get_json()
    again = city.client.get(f"{API}/closings/{proof['id']}")
    assert (again.status_code, again.get_json(), again.headers["Cache-Control"]) == (200, proof, "no-store")
    with city.database.transaction() as session:
        rows = session.scalars(select(OutboxMessage).where(OutboxMessage.topic == "notice")).all()
    said = [json.loads(vault.unseal(city.rings, COLUMN, row.id, row.payload)) for row in rows if row.payload]
    assert [one["proof"] for one in said if one["phone"] == resident.phone] == [proof["id"]]
    unknown = city.client.get(f"{API}/closings/{new_id()}")
    assert (unknown.status_code, unknown.get_json()["code"]) == (404, "accounts.closing_not_found")


def test_the_proofs_id_is_random_throughout_and_tries_are_counted(city, settings):
    first, second = (close(city, city.resident().step_up()).get_json()["id"] for _ in range(2))
    # two ids by the clock share their first 44 bits within some milliseconds
    assert first[:11] != second[:11]
    made, now = create_app(settings), system_clock()
    with closing_pool(made):
        with made.app_context():
            given = part(Accounts)
            # a clock that stands: the limit is counted in windows
            limiter = Limiter(valkey.connect(settings.redis_url), part(Database), lambda: now, plain_digest)
        parts.provide(made, replace(given, limiter=limiter, tries_per_address=3))
        client, somebody = made.test_client(), {"REMOTE_ADDR": random_address()}
        answers = [client.get(f"{API}/closings/{new_id()}", environ_overrides=somebody) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [404, 404, 404, 429]


def test_what_was_closed_is_answered_even_where_the_database_goes_away_then(city, settings, monkeypatch):
    resident = city.resident().step_up()

    def load(session, before):
        if session.get_one(Resident, resident.id).closed_at is not None:
            monkeypatch.setattr(polled_cache, "USABLE", -1.0)
            raise DatabaseUnavailable
        return frozenset()

    made = create_app(settings)
    with closing_pool(made):
        with made.app_context():
            kept = part(Database)
            parts.provide(made, replace(part(Accounts), revocations=polled_cache.PolledCache(kept, load)))
        answer = made.test_client().post(CLOSING, json={"confirm": True}, headers=resident.headers)
    assert (answer.status_code, answer.get_json()["remaining"]) == (200, 0)


@pytest.mark.parametrize("late", [1, 9])
def test_rows_that_come_back_while_it_closes_are_deleted_and_where_they_never_end_nothing_is(city, app, late):
    resident = city.resident().step_up()
    written = []

    def count(session, _resident):
        return {"somewhere": len(written)}

    def erase(_session, _resident, _now):
        # as others do whose tables do not wait for the account's row
        written[:] = [] if len(erased) >= late else [1]
        erased.append(1)

    erased = []
    with app.app_context():
        accounts = replace(part(Accounts), erasers=(PersonalDataEraser(count, erase),))
    principal = service.principal_from(accounts, resident.access, system_clock())
    change = audit.Change(principal, system_clock())
    if late == 1:
        with city.database.transaction() as session:
            closing = service.close_account(accounts, session, change=change)
        assert (closing.report["remaining"], len(erased)) == (0, 2)
    else:
        with pytest.raises(errors.ClosingUnsettled), city.database.transaction() as session:
            service.close_account(accounts, session, change=change)
        assert resident.me().status_code == 200


def test_words_about_a_claimant_go_with_the_claimants_account_too(city, window, database):
    holder = city.resident()
    claimant = city.claimant_of(holder)
    case = window.case_of(holder)
    proposed = window.propose(case).get_json()
    named = city.register.add(PersonFactory(phone=claimant.phone))
    named = city.client.put(f"{API}/me/real-name", json=named.body(), headers=claimant.headers)
    assert named.status_code == 200, named.get_json()
    assert rows_of(close(city, claimant.step_up()), "ended")["recovery_cases"] == 1
    with database.transaction() as session:
        row = session.get_one(RecoveryCase, case["id"])
        assert (row.state, row.basis_sealed, row.decision_basis_sealed) == ("rejected", None, None)
        assert session.get_one(Proposal, proposed["proposal"]["id"]).withdrawn_at is not None


def test_why_a_case_was_settled_stays_while_its_holder_does(city, window, database):
    holder = city.resident()
    city.claimant_of(holder)
    case = window.case_of(holder)
    window.settle(case)
    with database.transaction() as session:
        row = session.get_one(RecoveryCase, case["id"])
        kept = words.read(
            city.accounts.rings, words.RECOVERY_DECISION, row.id, row.decision_basis_sealed, row.decision_basis
        )
        assert (row.decision_basis, kept) == (None, "已与登记信息核对")
