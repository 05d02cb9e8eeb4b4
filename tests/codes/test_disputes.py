"""A resident disputes a scan of the ledger, the venue's district answers, and nobody else reads a word of it."""

import json
from datetime import datetime, time, timedelta

import pytest
from sqlalchemy import text, update

from qe_ban.codes import service as codes
from qe_ban.codes.models import Dispute
from qe_ban.jobs import service as jobs
from qe_ban.kernel.clock import CITY_TIME
from qe_ban.kernel.ids import new_id
from qe_ban.keys import vault
from tests.codes.test_verify_races import at_once

API = "/api/v1"
SHINAN, LAOSHAN = "370202", "370212"
WORDS = "我当天不在青岛，请核实\n谢谢"


@pytest.fixture
def scanned(client, town, scan, issue):
    """Let a person be scanned in a district; gives the ledger's entry."""

    def call(person, district=SHINAN):
        scan(town.terminal("gate-entry", district=district), issue(person), "gate-entry")
        return client.get(f"{API}/codes/ledger", headers=person.headers).get_json()["items"][0]

    return call


@pytest.fixture
def dispute(client):
    def call(person, entry_id, words=WORDS, status=201, **query):
        answer = client.post(
            f"{API}/codes/ledger/{entry_id}/dispute", json={"text": words}, query_string=query, headers=person.headers
        )
        assert answer.status_code == status, answer.get_data(as_text=True)
        return answer.get_json()

    return call


@pytest.fixture
def answer(client):
    def call(staff, dispute_id, words="经核实，系工作人员误扫", *, upheld=True):
        return client.post(f"{API}/disputes/{dispute_id}/answer", json={"text": words, "upheld": upheld}, headers=staff)

    return call


def listed(client, staff, **query):
    found = client.get(f"{API}/disputes", query_string={"limit": 100} | query, headers=staff)
    assert found.status_code == 200, found.get_data(as_text=True)
    return [row["id"] for row in found.get_json()["items"]]


def mine(client, person, **query):
    return client.get(f"{API}/me/disputes", query_string=query, headers=person.headers).get_json()["items"]


def test_a_dispute_is_opened_answered_and_read_by_whom_it_concerns(client, town, scanned, dispute, answer):
    person, staff = town.resident(), town.staff("district_admin", district=SHINAN)
    entry = scanned(person)
    opened = dispute(person, entry["id"])
    assert (opened["state"], opened["state_name"], opened["text"], opened["answer"]) == ("open", "待答复", WORDS, None)
    assert opened["scan"] == entry
    due, day = (
        datetime.fromisoformat(opened["due_at"]),
        datetime.fromisoformat(opened["opened_at"]).astimezone(CITY_TIME),
    )
    assert due == datetime.combine(day + timedelta(days=15), time(23, 59, 59), CITY_TIME)
    assert opened["id"] in listed(client, staff)
    seen = client.get(f"{API}/disputes/{opened['id']}", headers=staff)
    assert (seen.get_json()["text"], seen.headers["Cache-Control"]) == (WORDS, "no-store")
    settled = answer(staff, opened["id"])
    assert settled.status_code == 200
    assert settled.get_json()["state"] == "upheld"
    (row,) = mine(client, person)
    assert (row["state_name"], row["answer"], row["overdue"]) == ("异议成立", "经核实，系工作人员误扫", False)
    assert row["answered_at"] is not None


def test_a_scan_is_disputed_once_however_often_it_is_tried_at_once(client, town, scanned, dispute, make_app):
    person = town.resident()
    path = f"{API}/codes/ledger/{scanned(person)['id']}/dispute"
    clients = [make_app().test_client() for _ in range(3)]
    answers = at_once(9, lambda n: clients[n % 3].post(path, json={"text": "不对"}, headers=person.headers))
    assert sorted(found.status_code for found in answers) == [201] + [409] * 8
    assert {found.get_json()["code"] for found in answers if found.status_code == 409} == {"codes.dispute_exists"}
    assert len(mine(client, person)) == 1


def test_another_ones_scan_is_none_and_another_ones_dispute_is_not_seen(client, town, scanned, dispute):
    person, stranger = town.resident(), town.resident()
    entry = scanned(person)
    for caller, scan_id in ((stranger, entry["id"]), (person, entry["scan_id"]), (person, str(new_id()))):
        assert dispute(caller, scan_id, status=404)["code"] == "codes.scan_not_found"
    dispute(person, entry["id"])
    assert mine(client, stranger) == []


def test_a_guardian_disputes_for_a_ward_and_both_are_told(client, town, scanned, dispute, answer):
    guardian, ward = town.resident(), town.resident()
    for_ = town.guard(guardian, ward)
    opened = dispute(guardian, scanned(ward)["id"], **{"for": for_})
    assert [row["id"] for row in mine(client, ward)] == [opened["id"]]
    assert mine(client, guardian) == []
    assert [row["id"] for row in mine(client, guardian, **{"for": for_})] == [opened["id"]]
    answer(town.staff("city_admin"), opened["id"])
    assert notices(town) & {guardian.phone, ward.phone} == {guardian.phone, ward.phone}


def test_whose_acting_is_over_is_not_told_and_the_ward_is(town, scanned, dispute, answer):
    guardian, ward = town.resident(), town.resident()
    for_ = town.guard(guardian, ward)
    opened = dispute(guardian, scanned(ward)["id"], **{"for": for_})
    town.unguard(guardian, for_)
    answer(town.staff("city_admin"), opened["id"])
    assert notices(town) & {guardian.phone, ward.phone} == {ward.phone}


def test_a_guardian_reads_no_words_of_another_ones_dispute(client, town, scanned, dispute, answer):
    first, second, ward = town.resident(), town.resident(), town.resident()
    for_first, for_second = town.guard(first, ward), town.guard(second, ward)
    made = [
        dispute(ward, scanned(ward)["id"], "监护人拿走了我的手机"),
        dispute(first, scanned(ward)["id"], "不是我们", **{"for": for_first}),
    ]
    for one in made:
        answer(town.staff("city_admin"), one["id"], "已核实")
    for guardian, for_, words in ((first, for_first, ["不是我们", None]), (second, for_second, [None, None])):
        rows = mine(client, guardian, **{"for": for_})
        assert [row["id"] for row in rows] == [made[1]["id"], made[0]["id"]]
        assert [row["text"] for row in rows] == words
        assert [row["answer"] for row in rows] == [word and "已核实" for word in words]
        assert {row["state"] for row in rows} == {"upheld"}
    assert [row["text"] for row in mine(client, ward)] == ["不是我们", "监护人拿走了我的手机"]


def test_what_guardians_do_with_disputes_is_audited_and_names_nobody_beside_a_scan(client, town, scanned, dispute):
    guardian, ward = town.resident(), town.resident()
    for_ = town.guard(guardian, ward)
    opened = dispute(guardian, scanned(ward)["id"], **{"for": for_})
    mine(client, guardian, **{"for": for_})
    query = text("SELECT * FROM audit_events WHERE subject = :id ORDER BY id")
    with town.parts.database.transaction() as session:
        codes.record_disputes(session, town.parts.rings, town.now + timedelta(days=1))
        session.flush()
        acts = session.execute(query, {"id": for_}).all()
        (plain,) = session.execute(query, {"id": opened["id"]}).all()
    assert [(act.action, act.actor_id) for act in acts] == [
        ("disputes.list", guardian.id),
        ("disputes.dispute", guardian.id),
    ]
    assert acts[1].request_id is None
    assert (plain.action, plain.actor_id, plain.request_id) == ("disputes.open", None, None)
    assert opened["id"] not in str(acts)


def notices(town):
    """The phones that wait to be told of an answer."""
    with town.parts.database.transaction() as session:
        rows = session.execute(text("SELECT id, payload FROM outbox WHERE topic = 'notice'")).all()
    payloads = [json.loads(vault.unseal(town.parts.rings, jobs.COLUMN, row.id, row.payload)) for row in rows]
    return {payload["phone"] for payload in payloads if payload["template"] == "dispute_answered"}


def test_staff_see_and_answer_what_their_district_covers(client, town, scanned, dispute, answer):
    first, second = town.resident(), town.resident()
    here = dispute(first, scanned(first)["id"])["id"]
    there = dispute(second, scanned(second, LAOSHAN)["id"])["id"]
    shinan, laoshan = (town.staff("district_admin", district=district) for district in (SHINAN, LAOSHAN))
    city = town.staff("city_admin")
    assert [(here in seen, there in seen) for seen in (listed(client, who) for who in (shinan, laoshan, city))] == [
        (True, False),
        (False, True),
        (True, True),
    ]
    for staff, foreign in ((shinan, there), (laoshan, here), (city, str(new_id()))):
        for found in (client.get(f"{API}/disputes/{foreign}", headers=staff), answer(staff, foreign)):
            assert (found.status_code, found.get_json()["code"]) == (404, "codes.dispute_not_found")
    assert answer(city, there).status_code == 200


@pytest.mark.parametrize("roles", [("editor",), ("reviewer",), ("clerk",), ("auditor",), ("security_admin",)])
def test_other_roles_answer_nothing(client, town, answer, roles):
    staff = town.staff(*roles)
    assert client.get(f"{API}/disputes", headers=staff).status_code == 403
    assert answer(staff, str(new_id())).status_code == 403


def test_of_two_answers_at_once_one_stands_and_one_message_leaves(client, town, scanned, dispute, make_app):
    person = town.resident()
    opened = dispute(person, scanned(person)["id"])["id"]
    staff = [town.staff("city_admin"), town.staff("district_admin", district=SHINAN)]
    clients = [make_app().test_client() for _ in range(2)]

    def one(n):
        body = {"text": f"答复{n}", "upheld": n % 2 == 0}
        return clients[n].post(f"{API}/disputes/{opened}/answer", json=body, headers=staff[n])

    answers = at_once(2, one)
    assert sorted(found.status_code for found in answers) == [200, 409]
    (lost,) = [found.get_json()["code"] for found in answers if found.status_code == 409]
    assert lost == "codes.dispute_answered"
    (won,) = [found.get_json() for found in answers if found.status_code == 200]
    assert mine(client, person)[0]["answer"] == won["answer"]
    assert person.phone in notices(town)


def test_what_is_overdue_is_found_and_what_is_answered_is_not_overdue(client, town, scanned, dispute, answer):
    staff, late, soon, done = town.staff("city_admin"), *(town.resident() for _ in range(3))
    ids = [dispute(person, scanned(person)["id"])["id"] for person in (late, soon, done)]
    answer(staff, ids[2], upheld=False)
    with town.parts.database.transaction() as session:
        over = update(Dispute).where(Dispute.id.in_([ids[0], ids[2]])).values(due_at=town.now - timedelta(minutes=1))
        session.execute(over)
    overdue, others = set(listed(client, staff, overdue="true")), set(listed(client, staff, overdue="false"))
    assert [one in overdue for one in ids] == [True, False, False]
    assert [one in others for one in ids] == [False, True, True]
    assert mine(client, late)[0]["overdue"] is True
    dismissed = listed(client, staff, state="dismissed")
    assert [one in dismissed for one in ids] == [False, False, True]
    assert [one in listed(client, staff, state="open") for one in ids] == [True, True, False]


def test_the_list_is_read_page_by_page(client, town, scanned, dispute):
    person = town.resident()
    made = [dispute(person, scanned(person)["id"])["id"] for _ in range(3)]
    seen, query = [], {"limit": 2}
    while True:
        page = client.get(f"{API}/me/disputes", query_string=query, headers=person.headers).get_json()
        seen += [row["id"] for row in page["items"]]
        if page["next"] is None:
            break
        query = {"limit": 2, "cursor": page["next"]}
    assert seen == made[::-1]


def test_no_text_stands_open_anywhere_and_nobody_is_named_beside_a_scan(client, town, scanned, dispute, answer):
    person, staff = town.resident(), town.staff("city_admin")
    opened = dispute(person, scanned(person)["id"], "秘密的话")["id"]
    client.get(f"{API}/disputes/{opened}", headers=staff)
    answer(staff, opened, "秘密的答复")
    with town.parts.database.transaction() as session:
        codes.record_disputes(session, town.parts.rings, town.now + timedelta(days=1))
        session.flush()
        row = session.execute(text("SELECT * FROM disputes WHERE id = :id"), {"id": opened}).one()
        events = session.execute(
            text("SELECT * FROM audit_events WHERE subject = :id ORDER BY id"), {"id": opened}
        ).all()
    assert [event.action for event in events] == ["disputes.read", "disputes.answer", "disputes.open"]
    assert [event.actor_kind for event in events] == ["staff", "staff", None]
    assert events[1].details == {"before": {"state": "open"}, "after": {"state": "upheld"}}
    for told in (str(row), str(events)):
        assert "秘密" not in told
        assert str(person.id) not in told
        assert person.id_number not in told


def test_a_dispute_outlives_its_scan(client, town, scanned, dispute, answer):
    person = town.resident()
    entry = scanned(person)
    opened = dispute(person, entry["id"])["id"]
    with town.parts.database.transaction() as session:
        session.execute(text("DELETE FROM scans WHERE id = :id"), {"id": entry["id"]})
    assert mine(client, person)[0]["scan"] == entry
    assert answer(town.staff("city_admin"), opened).status_code == 200


@pytest.mark.parametrize(
    "body",
    [{}, {"text": ""}, {"text": "  \n"}, {"text": "字" * 1001}, {"text": 7}, {"text": None}, {"text": "a\u202eb"}],
    ids=lambda body: str(body)[:30],
)
def test_a_badly_shaped_text_is_a_bad_field(client, town, scanned, body):
    person = town.resident()
    path = f"{API}/codes/ledger/{scanned(person)['id']}/dispute"
    said = client.post(path, json=body, headers=person.headers)
    assert (said.status_code, list(said.get_json()["errors"])) == (422, ["text"])
    path, staff = f"{API}/disputes/{new_id()}/answer", town.staff("city_admin")
    said = client.post(path, json=body | {"upheld": True}, headers=staff)
    assert (said.status_code, list(said.get_json()["errors"])) == (422, ["text"])


@pytest.mark.parametrize("upheld", ["true", 1, None, "missing"])
def test_an_answer_says_yes_or_no(client, town, upheld):
    body = {"text": "好"} | ({} if upheld == "missing" else {"upheld": upheld})
    said = client.post(f"{API}/disputes/{new_id()}/answer", json=body, headers=town.staff("city_admin"))
    assert (said.status_code, list(said.get_json()["errors"])) == (422, ["upheld"])


@pytest.mark.parametrize("query", [{"state": "closed"}, {"overdue": "yes"}, {"cursor": "x"}, {"limit": "0"}])
def test_a_bad_question_is_a_bad_field(client, town, query):
    said = client.get(f"{API}/disputes", query_string=query, headers=town.staff("city_admin"))
    assert (said.status_code, list(said.get_json()["errors"])) == (422, list(query))
