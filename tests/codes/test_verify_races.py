"""What happens when the same scan comes twice, at once or later: real threads, real connections."""

import hashlib
import uuid
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import text

from qe_ban.codes import token
from tests.factories.waits import HANG_TIMEOUT


def at_once(count, work):
    """Run `work(n)` in threads that all start together."""
    barrier = Barrier(count)

    def run(n):
        barrier.wait(timeout=HANG_TIMEOUT)
        return work(n)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


@pytest.fixture
def clients(make_app):
    """Return four apps with their own pools and key snapshots, as four workers have them."""
    apps = [make_app() for _ in range(4)]
    return [app.test_client() for app in apps]


def test_a_repeat_gives_the_stored_verdict_with_holder_data(town, scan, issue):
    person, window, scan_id = town.resident(), town.terminal("window-acceptance"), str(uuid.uuid4())
    code = issue(person)
    first = scan(window, code, "window-acceptance", scan_id=scan_id)
    again = scan(window, code, "window-acceptance", scan_id=scan_id)
    assert (first["repeat"], again["repeat"]) == (False, True)
    assert again["holder"] == first["holder"] == {"name": person.name, "id_number": person.id_number}
    assert {**again, "repeat": False, "server_time": ""} == {**first, "server_time": ""}


def test_a_repeat_that_discloses_is_audited_as_well(town, scan, issue):
    person, window, scan_id = town.resident(), town.terminal("window-acceptance"), str(uuid.uuid4())
    code = issue(person)
    for _ in range(3):
        scan(window, code, "window-acceptance", scan_id=scan_id)
    with town.parts.database.transaction() as session:
        query = text("SELECT details FROM audit_events WHERE actor_id = :id AND action = 'codes.disclose'")
        details = session.scalars(query, {"id": window.id}).all()
    assert [detail.get("repeats") for detail in details] == [None, scan_id, scan_id]


def test_a_repeat_of_a_refusal_is_the_refusal_even_when_it_would_pass_now(town, scan, issue, client):
    person, terminal, scan_id = town.resident(), town.terminal("identity-check"), str(uuid.uuid4())
    code = issue(person)
    client.post("/api/v1/codes/identity/suspend", headers=person.headers)
    assert scan(terminal, code, "identity-check", scan_id=scan_id)["reason"] == "suspended"
    client.post("/api/v1/codes/identity/resume", headers=person.headers)
    again = scan(terminal, code, "identity-check", scan_id=scan_id)
    assert (again["reason"], again["repeat"], again["holder"]) == ("suspended", True, {})


@pytest.mark.parametrize("change", ["code", "purpose", "document"])
def test_a_scan_id_with_another_request_is_a_conflict(town, scan, issue, change):
    person, window, scan_id = town.resident(), town.terminal("identity-check", "window-acceptance"), str(uuid.uuid4())
    code = issue(person)
    scan(window, code, "identity-check", scan_id=scan_id)
    other = {"code": (issue(person), "identity-check", {}), "purpose": (code, "window-acceptance", {})}.get(
        change, (code, "identity-check", {"document": "12345X"})
    )
    problem = scan(window, other[0], other[1], scan_id=scan_id, status=409, **other[2])
    assert problem["code"] == "codes.scan_id_reused"


def test_two_identical_requests_at_the_same_instant_give_one_scan(town, scan, issue, clients, client):
    person, terminal = town.resident(), town.terminal("settlement")
    for _ in range(5):
        code, scan_id = issue(person, "medical"), str(uuid.uuid4())
        verdicts = at_once(
            8, lambda n, c=code, i=scan_id: scan(terminal, c, "settlement", scan_id=i, at=clients[n % 4])
        )
        assert {verdict["reason"] for verdict in verdicts} == {"ok"}
        assert sum(not verdict["repeat"] for verdict in verdicts) == 1
    rows = client.get("/api/v1/codes/ledger", headers=person.headers).get_json()["items"]
    assert len(rows) == 5


def test_one_of_many_parallel_scans_of_a_single_use_code_is_accepted(town, scan, issue, clients):
    person = town.resident()
    desks = [town.terminal("settlement") for _ in range(4)]
    for _ in range(3):
        code = issue(person, "medical")
        verdicts = at_once(16, lambda n, c=code: scan(desks[n % 4], c, "settlement", at=clients[n % 4]))
        assert sorted(verdict["reason"] for verdict in verdicts) == ["ok"] + ["replayed"] * 15
        assert all(verdict["holder"] == {} for verdict in verdicts if not verdict["accepted"])


def test_a_code_discloses_at_one_of_many_parallel_scanners(town, scan, issue, clients):
    code = issue(town.resident())
    desks = [town.terminal("identity-check") for _ in range(8)]
    verdicts = at_once(8, lambda n: scan(desks[n], code, "identity-check", at=clients[n % 4]))
    assert sum(verdict["accepted"] for verdict in verdicts) == 1


def test_a_pass_enters_once_of_many_parallel_showings(town, scan, clients):
    number = town.resident().numbers["identity"]
    gate, cti = town.terminal("admission"), town.cti(number, "pass")
    codes = [town.presented(number, "identity", cti=cti) for _ in range(8)]
    verdicts = at_once(8, lambda n: scan(gate, codes[n], "admission", at=clients[n % 4]))
    assert sum(verdict["accepted"] for verdict in verdicts) == 1


def uses_of(town, what, cti):
    """Return how often something was used of a code, as the scans' own table counts it."""
    subject = hashlib.sha256(what + b"\0" + cti + b"\0").digest()
    with town.parts.database.transaction() as session:
        return session.scalar(text("SELECT count(*) FROM uses WHERE subject = :subject"), {"subject": subject})


def test_at_most_five_documents_are_compared_however_many_are_tried_at_once(town, scan, clients):
    window = town.terminal("identity-check")
    for _ in range(4):
        person = town.resident()
        paper = town.code(person.numbers["identity"], "identity", "printed", life=86400)
        right = person.id_number[-6:]
        documents = [*[f"{n:06d}" for n in range(40) if f"{n:06d}" != right][:23], right]

        def one(n, paper=paper, documents=documents):
            body = {"scan_id": str(uuid.uuid4()), "code": paper, "purpose": "identity-check", "document": documents[n]}
            answer = clients[n % 4].post("/api/v1/codes/verify", json=body, headers=window.headers)
            return answer.status_code == 200 and answer.get_json()["reason"]

        verdicts = at_once(24, one)
        cti = token.parse(paper).claims.cti
        comparisons, failures = (uses_of(town, what, cti) for what in (b"document", b"document-mismatch"))
        assert failures <= 5
        assert comparisons == failures + verdicts.count("ok"), "every comparison stood in line, the right one too"
        if "ok" not in verdicts:
            assert scan(window, paper, "identity-check", document=right)["reason"] == "document_mismatch"


@pytest.mark.slow
def test_a_thousand_parallel_scans_over_two_canteens_redeem_one_meal(town, scan, clients, client):
    person = town.resident()
    number = person.numbers["dining"]
    canteens = [town.terminal("meal-redemption") for _ in range(2)]
    codes = [town.code(number, "dining", life=300) for _ in range(40)]

    def one(n):
        return [
            scan(canteens[k % 2], codes[(n + k) % 40], "meal-redemption", at=clients[n % 4])["reason"]
            for k in range(50)
        ]

    reasons = [reason for reasons_of_one in at_once(20, one) for reason in reasons_of_one]
    assert len(reasons) == 1000
    assert reasons.count("ok") == 1
    assert set(reasons) == {"ok", "used", "replayed"}
    person_rows = client.get("/api/v1/codes/ledger?limit=100", headers=person.headers).get_json()
    assert len(person_rows["items"]) == 100
    assert person_rows["next"]


def test_a_repeat_while_the_first_answer_is_lost_redeems_the_meal_once(town, scan, issue):
    person, canteen, scan_id = town.resident(), town.terminal("meal-redemption"), str(uuid.uuid4())
    code = issue(person, "dining")
    verdicts = [scan(canteen, code, "meal-redemption", scan_id=scan_id) for _ in range(3)]
    assert [(verdict["reason"], verdict["repeat"]) for verdict in verdicts] == [
        ("ok", False),
        ("ok", True),
        ("ok", True),
    ]
    assert verdicts[1]["detail"] == verdicts[0]["detail"]
