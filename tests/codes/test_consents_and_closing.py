"""What a resident takes back or closes is over at the next scan, whichever worker judges it."""

import threading
import uuid
from datetime import timedelta

import pytest
from sqlalchemy import select

from qe_ban.accounts import service as accounts
from qe_ban.accounts.models import Closing, Consent, Guardianship
from qe_ban.accounts.service import Accounts
from qe_ban.codes import queries
from qe_ban.codes.models import Dispute, Entitlement, Scan, SourceAnswer
from tests.factories.waits import wait_for

ME = "/api/v1/me"
PURPOSE = "senior-discount"


@pytest.fixture
def old(town):
    return town.resident(born="19400307")


def reason(scan, terminal, code, purpose, **more):
    return scan(terminal, code, purpose, **more)["reason"]


def close(client, person):
    answer = client.post(f"{ME}/closing", json={"confirm": True}, headers=person.headers)
    assert answer.status_code == 200, answer.get_json()
    return answer.get_json()


def test_a_withdrawn_consent_counts_at_the_next_scan_on_every_worker(town, old, scan, issue, client, make_app):
    other_worker = make_app().test_client()
    one, other = town.terminal(PURPOSE), town.terminal(PURPOSE)
    client.put(f"{ME}/consents/{PURPOSE}", headers=old.headers)
    assert reason(scan, one, issue(old), PURPOSE, at=other_worker) == "ok"
    assert client.delete(f"{ME}/consents/{PURPOSE}", headers=old.headers).status_code == 200
    for at in (client, other_worker):
        assert reason(scan, other, issue(old), PURPOSE, at=at) == "consent_required"


def test_a_scan_that_asks_again_leaves_a_withdrawn_consent_withdrawn_and_to_be_given(town, old, scan, issue, client):
    terminal = town.terminal(PURPOSE)
    for method in ("put", "delete"):
        getattr(client, method)(f"{ME}/consents/{PURPOSE}", headers=old.headers)
    assert reason(scan, terminal, issue(old), PURPOSE) == "consent_required"
    town.turn_over()
    (stands,) = client.get(f"{ME}/consents", headers=old.headers).get_json()["items"]
    assert (stands["state"], stands["granted_at"]) == ("withdrawn", None)
    client.put(f"{ME}/consents/{PURPOSE}", headers=old.headers)
    assert reason(scan, terminal, issue(old), PURPOSE) == "ok"


def test_a_request_can_be_declined(town, old, scan, issue, client):
    terminal = town.terminal(PURPOSE)
    reason(scan, terminal, issue(old), PURPOSE)
    town.turn_over()
    consent = client.delete(f"{ME}/consents/{PURPOSE}", headers=old.headers).get_json()
    assert (consent["state"], consent["requested_at"] is not None) == ("withdrawn", True)
    assert reason(scan, terminal, issue(old), PURPOSE) == "consent_required"


def test_codes_of_a_closed_account_are_revoked_and_its_answers_and_disputes_gone(town, scan, issue, client, database):
    person, terminal = town.resident(), town.terminal("identity-check")
    code, scan_id = issue(person), str(uuid.uuid4())
    assert scan(terminal, code, "identity-check", scan_id=scan_id)["accepted"]
    (entry,) = client.get("/api/v1/codes/ledger", headers=person.headers).get_json()["items"]
    response = client.post(
        f"/api/v1/codes/ledger/{entry['id']}/dispute", json={"text": "非本人"}, headers=person.headers
    )
    assert response.status_code == 201, response.get_json()
    row_counts = {row["what"]: row["rows"] for row in close(client, person)["deleted"]}
    assert (row_counts["source_answers"], row_counts["disputes"]) == (3, 1)
    with database.transaction() as session:
        numbers = session.scalars(select(Entitlement.number).where(Entitlement.resident_id == person.id)).all()
        assert len(numbers) == 5
        assert session.scalars(select(SourceAnswer).where(SourceAnswer.entitlement.in_(numbers))).all() == []
        assert session.get(Dispute, uuid.UUID(response.get_json()["id"])) is None
        assert session.scalars(select(Scan).where(Scan.scan_id == uuid.UUID(scan_id))).one().accepted, "scans stand"
    assert reason(scan, terminal, town.code(person.numbers["identity"], "identity"), "identity-check") == "revoked"
    repeat = scan(terminal, code, "identity-check", scan_id=scan_id)
    assert (repeat["repeat"], repeat["holder"]) == (True, {})
    assert client.get("/api/v1/codes", headers=person.headers).status_code == 401


def test_closing_while_scans_run_fails_none_of_them(town, make_app, issue, client, database):
    person, terminal = town.resident(born="19400307"), town.terminal(PURPOSE, "identity-check")
    workers, verdicts, is_closed = [make_app().test_client() for _ in range(2)], [], threading.Event()

    def scan_on(worker):
        late = 0
        while late < 4:
            after = is_closed.is_set()
            late += after
            purpose = ("identity-check", PURPOSE)[len(verdicts) % 2]
            code = town.code(person.numbers["identity"], "identity")
            body = {"scan_id": str(uuid.uuid4()), "code": code, "purpose": purpose}
            answer = worker.post("/api/v1/codes/verify", json=body, headers=terminal.headers)
            verdicts.append((answer.status_code, answer.get_json().get("reason"), after))

    threads = [threading.Thread(target=scan_on, args=(worker,)) for worker in workers]
    for thread in threads:
        thread.start()
    try:
        wait_for(lambda: {"ok", "consent_required"} <= {why for _, why, _ in verdicts})
        close(client, person)
    finally:
        is_closed.set()
        for thread in threads:
            thread.join()
    assert {status for status, *_ in verdicts} == {200}
    assert {why for _, why, _ in verdicts} == {"ok", "consent_required", "revoked"}
    assert {why for _, why, after in verdicts if after} == {"revoked"}
    with database.transaction() as session:
        accounts.check_closings(town.parts.get(Accounts), session, town.now + timedelta(minutes=16))
    with database.transaction() as session:
        assert session.scalars(select(Consent).where(Consent.resident_id == person.id)).all() == []
        proof = session.scalars(select(Closing).where(Closing.resident_id == person.id)).one()
    assert (proof.checked_at is not None, proof.report["remaining"]) == (True, 0)


@pytest.mark.parametrize("kept_before", [False, True], ids=["first", "repeat"])
def test_a_scan_that_read_before_the_account_was_closed_finds_it_closed(
    town, scan, issue, client, monkeypatch, kept_before
):
    person, terminal, scan_id = town.resident(), town.terminal("window-acceptance"), str(uuid.uuid4())
    code, facts, closings = issue(person), queries.read_facts, []
    if kept_before:
        assert scan(terminal, code, "window-acceptance", scan_id=scan_id)["holder"]

    def read(*args, number, **more):
        records = facts(*args, number=number, **more)
        # of a repeat the first look is at the kept scan alone
        if not closings and records.holder is not None:
            closings.append(close(client, person))
        return records

    monkeypatch.setattr(queries, "read_facts", read)
    verdict = scan(terminal, code, "window-acceptance", scan_id=scan_id)
    assert (verdict["reason"], verdict["holder"]) == ("ok" if kept_before else "revoked", {})
    assert len(closings) == 1


def test_closing_ends_acting_for_others_on_both_sides_at_once(town, scan, client, database):
    parent, child, carer = town.resident(), town.resident(born="20180307"), town.resident()
    ward, other = town.guard(parent, child), town.guard(carer, parent, basis="entrusted")
    terminal = town.terminal("identity-check")
    response = client.post(f"/api/v1/codes/identity/issue?for={ward}", headers=parent.headers).get_json()["code"]
    assert close(client, parent)["ended"][0] == {"what": "guardianships", "name": "监护与代办关系", "rows": 2}
    with database.transaction() as session:
        rows = session.scalars(select(Guardianship).where(Guardianship.id.in_([ward, other]))).all()
        assert {(row.state, row.ended_by) for row in rows} == {("ended", "closing")}
    assert client.get(f"/api/v1/codes?for={other}", headers=carer.headers).status_code == 404
    assert reason(scan, terminal, response, "identity-check") == "revoked"


def test_a_repeat_tells_no_more_after_the_consent_was_taken_back_and_again_when_it_is_given(
    town, old, scan, issue, client
):
    terminal, scan_id, code = town.terminal(PURPOSE), str(uuid.uuid4()), issue(old)
    client.put(f"{ME}/consents/{PURPOSE}", headers=old.headers)
    first = scan(terminal, code, PURPOSE, scan_id=scan_id)
    assert first["holder"]
    client.delete(f"{ME}/consents/{PURPOSE}", headers=old.headers)
    again = scan(terminal, code, PURPOSE, scan_id=scan_id)
    assert (again["reason"], again["repeat"], again["holder"]) == ("ok", True, {})
    client.put(f"{ME}/consents/{PURPOSE}", headers=old.headers)
    assert scan(terminal, code, PURPOSE, scan_id=scan_id)["holder"] == first["holder"]


def test_a_repeat_tells_nothing_of_a_kind_that_was_reported_lost(town, scan, issue, client):
    person, terminal, scan_id = town.resident(), town.terminal("window-acceptance"), str(uuid.uuid4())
    code = issue(person)
    assert scan(terminal, code, "window-acceptance", scan_id=scan_id)["holder"]
    client.post("/api/v1/codes/identity/suspend", headers=person.headers)
    again = scan(terminal, code, "window-acceptance", scan_id=scan_id)
    assert (again["reason"], again["repeat"], again["holder"]) == ("ok", True, {})
