"""A resident disputes a scan of the ledger, the venue's district answers, and nobody else reads a word of it."""

import json
from datetime import datetime, time, timedelta

import pytest
from sqlalchemy import text, update

from qe_ban.accounts import service as accounts
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
def scan_entry(client, town, scan, issue):
    """Let a person be scanned in a district; returns the ledger's entry."""

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


def list_ids(client, staff, **query):
    response = client.get(f"{API}/disputes", query_string={"limit": 100} | query, headers=staff)
    assert response.status_code == 200, response.get_data(as_text=True)
    return [row["id"] for row in response.get_json()["items"]]


def mine(client, person, **query):
    return client.get(f"{API}/me/disputes", query_string=query, headers=person.headers).get_json()["items"]


def test_a_dispute_is_opened_answered_and_read_by_whom_it_concerns(client, town, scan_entry, dispute, answer):
    person, staff = town.resident(), town.staff("district_admin", district=SHINAN)
    entry = scan_entry(person)
    dispute_ = dispute(person, entry["id"])
    assert (dispute_["state"], dispute_["state_name"], dispute_["text"], dispute_["answer"]) == (
        "open",
        "待答复",
        WORDS,
        None,
    )
    assert dispute_["scan"] == entry
    due, day = (
        datetime.fromisoformat(dispute_["due_at"]),
        datetime.fromisoformat(dispute_["opened_at"]).astimezone(CITY_TIME),
    )
    assert due == datetime.combine(day + timedelta(days=15), time(23, 59, 59), CITY_TIME)
    assert dispute_["id"] in list_ids(client, staff)
    seen_ids = client.get(f"{API}/disputes/{dispute_['id']}", headers=staff)
    assert (seen_ids.get_json()["text"], seen_ids.headers["Cache-Control"]) == (WORDS, "no-store")
    answer_response = answer(staff, dispute_["id"])
    assert answer_response.status_code == 200
    assert answer_response.get_json()["state"] == "upheld"
    (row,) = mine(client, person)
    assert (row["state_name"], row["answer"], row["overdue"]) == ("异议成立", "经核实，系工作人员误扫", False)
    assert row["answered_at"] is not None


def test_a_scan_is_disputed_once_however_often_it_is_tried_at_once(client, town, scan_entry, dispute, make_app):
    person = town.resident()
    path = f"{API}/codes/ledger/{scan_entry(person)['id']}/dispute"
    clients = [make_app().test_client() for _ in range(3)]
    answers = at_once(9, lambda n: clients[n % 3].post(path, json={"text": "不对"}, headers=person.headers))
    assert sorted(result.status_code for result in answers) == [201] + [409] * 8
    assert {result.get_json()["code"] for result in answers if result.status_code == 409} == {"codes.dispute_exists"}
    assert len(mine(client, person)) == 1


def test_another_ones_scan_is_none_and_another_ones_dispute_is_not_seen(client, town, scan_entry, dispute):
    person, stranger = town.resident(), town.resident()
    entry = scan_entry(person)
    for caller, scan_id in ((stranger, entry["id"]), (person, entry["scan_id"]), (person, str(new_id()))):
        assert dispute(caller, scan_id, status=404)["code"] == "codes.scan_not_found"
    dispute(person, entry["id"])
    assert mine(client, stranger) == []


def test_a_guardian_disputes_for_a_ward_and_both_are_told(client, town, scan_entry, dispute, answer):
    guardian, ward = town.resident(), town.resident()
    for_ = town.guard(guardian, ward)
    dispute_ = dispute(guardian, scan_entry(ward)["id"], **{"for": for_})
    assert [row["id"] for row in mine(client, ward)] == [dispute_["id"]]
    assert mine(client, guardian) == []
    assert [row["id"] for row in mine(client, guardian, **{"for": for_})] == [dispute_["id"]]
    answer(town.staff("city_admin"), dispute_["id"])
    assert notices(town) & {guardian.phone, ward.phone} == {guardian.phone, ward.phone}


def test_whose_acting_is_over_is_not_told_and_the_ward_is(town, scan_entry, dispute, answer):
    guardian, ward = town.resident(), town.resident()
    for_ = town.guard(guardian, ward)
    dispute_ = dispute(guardian, scan_entry(ward)["id"], **{"for": for_})
    town.unguard(guardian, for_)
    answer(town.staff("city_admin"), dispute_["id"])
    assert notices(town) & {guardian.phone, ward.phone} == {ward.phone}


def test_a_guardian_reads_no_words_of_another_ones_dispute(client, town, scan_entry, dispute, answer):
    first, second, ward = town.resident(), town.resident(), town.resident()
    for_first, for_second = town.guard(first, ward), town.guard(second, ward)
    dispute_ids = [
        dispute(ward, scan_entry(ward)["id"], "监护人拿走了我的手机"),
        dispute(first, scan_entry(ward)["id"], "不是我们", **{"for": for_first}),
    ]
    for one in dispute_ids:
        answer(town.staff("city_admin"), one["id"], "已核实")
    for guardian, for_, words in ((first, for_first, ["不是我们", None]), (second, for_second, [None, None])):
        rows = mine(client, guardian, **{"for": for_})
        assert [row["id"] for row in rows] == [dispute_ids[1]["id"], dispute_ids[0]["id"]]
        assert [row["text"] for row in rows] == words
        assert [row["answer"] for row in rows] == [word and "已核实" for word in words]
        assert {row["state"] for row in rows} == {"upheld"}
    assert [row["text"] for row in mine(client, ward)] == ["不是我们", "监护人拿走了我的手机"]


def test_what_guardians_do_with_disputes_is_audited_and_names_nobody_beside_a_scan(client, town, scan_entry, dispute):
    guardian, ward = town.resident(), town.resident()
    for_ = town.guard(guardian, ward)
    dispute_ = dispute(guardian, scan_entry(ward)["id"], **{"for": for_})
    mine(client, guardian, **{"for": for_})
    query = text("SELECT * FROM audit_events WHERE subject = :id ORDER BY id")
    with town.parts.database.transaction() as session:
        tomorrow = town.now + timedelta(days=1)
        accounts.record_acts_for_wards(session, town.parts.rings, tomorrow)
        codes.record_disputes(session, town.parts.rings, tomorrow)
        session.flush()
        acts = session.execute(query, {"id": for_}).all()
        (plain,) = session.execute(query, {"id": dispute_["id"]}).all()
    assert [(act.action, act.actor_id) for act in acts] == [
        ("disputes.list", guardian.id),
        ("disputes.dispute", guardian.id),
    ]
    assert acts[1].request_id is None
    assert (plain.action, plain.actor_id, plain.request_id) == ("disputes.open", None, None)
    assert dispute_["id"] not in str(acts)


def notices(town):
    """Return the phones that wait to be told of an answer."""
    with town.parts.database.transaction() as session:
        rows = session.execute(text("SELECT id, payload FROM outbox WHERE topic = 'notice'")).all()
    payloads = [json.loads(vault.unseal(town.parts.rings, jobs.COLUMN, row.id, row.payload)) for row in rows]
    return {payload["phone"] for payload in payloads if payload["template"] == "dispute_answered"}


def test_staff_see_and_answer_what_their_district_covers(client, town, scan_entry, dispute, answer):
    first, second = town.resident(), town.resident()
    here = dispute(first, scan_entry(first)["id"])["id"]
    there = dispute(second, scan_entry(second, LAOSHAN)["id"])["id"]
    shinan, laoshan = (town.staff("district_admin", district=district) for district in (SHINAN, LAOSHAN))
    city = town.staff("city_admin")
    assert [(here in ids, there in ids) for ids in (list_ids(client, who) for who in (shinan, laoshan, city))] == [
        (True, False),
        (False, True),
        (True, True),
    ]
    for staff, foreign in ((shinan, there), (laoshan, here), (city, str(new_id()))):
        for response in (client.get(f"{API}/disputes/{foreign}", headers=staff), answer(staff, foreign)):
            assert (response.status_code, response.get_json()["code"]) == (404, "codes.dispute_not_found")
    assert answer(city, there).status_code == 200


@pytest.mark.parametrize("roles", [("editor",), ("reviewer",), ("clerk",), ("auditor",), ("security_admin",)])
def test_other_roles_answer_nothing(client, town, answer, roles):
    staff = town.staff(*roles)
    assert client.get(f"{API}/disputes", headers=staff).status_code == 403
    assert answer(staff, str(new_id())).status_code == 403


def test_of_two_answers_at_once_one_stands_and_one_message_leaves(client, town, scan_entry, dispute, make_app):
    person = town.resident()
    dispute_ = dispute(person, scan_entry(person)["id"])["id"]
    staff = [town.staff("city_admin"), town.staff("district_admin", district=SHINAN)]
    clients = [make_app().test_client() for _ in range(2)]

    def one(n):
        body = {"text": f"答复{n}", "upheld": n % 2 == 0}
        return clients[n].post(f"{API}/disputes/{dispute_}/answer", json=body, headers=staff[n])

    answers = at_once(2, one)
    assert sorted(result.status_code for result in answers) == [200, 409]
    (loser,) = [result.get_json()["code"] for result in answers if result.status_code == 409]
    assert loser == "codes.dispute_answered"
    (winner,) = [result.get_json() for result in answers if result.status_code == 200]
    assert mine(client, person)[0]["answer"] == winner["answer"]
    assert person.phone in notices(town)


def test_what_is_overdue_is_found_and_what_is_answered_is_not_overdue(client, town, scan_entry, dispute, answer):
    staff, late, soon, answered_id = town.staff("city_admin"), *(town.resident() for _ in range(3))
    ids = [dispute(person, scan_entry(person)["id"])["id"] for person in (late, soon, answered_id)]
    answer(staff, ids[2], upheld=False)
    with town.parts.database.transaction() as session:
        over = update(Dispute).where(Dispute.id.in_([ids[0], ids[2]])).values(due_at=town.now - timedelta(minutes=1))
        session.execute(over)
    overdue, others = set(list_ids(client, staff, overdue="true")), set(list_ids(client, staff, overdue="false"))
    assert [one in overdue for one in ids] == [True, False, False]
    assert [one in others for one in ids] == [False, True, True]
    assert mine(client, late)[0]["overdue"] is True
    dismissal_ids = list_ids(client, staff, state="dismissed")
    assert [one in dismissal_ids for one in ids] == [False, False, True]
    assert [one in list_ids(client, staff, state="open") for one in ids] == [True, True, False]


def test_the_list_is_read_page_by_page(client, town, scan_entry, dispute):
    person = town.resident()
    dispute_ids = [dispute(person, scan_entry(person)["id"])["id"] for _ in range(3)]
    seen_ids, query = [], {"limit": 2}
    while True:
        page = client.get(f"{API}/me/disputes", query_string=query, headers=person.headers).get_json()
        seen_ids += [row["id"] for row in page["items"]]
        if page["next"] is None:
            break
        query = {"limit": 2, "cursor": page["next"]}
    assert seen_ids == dispute_ids[::-1]


def test_no_text_stands_open_anywhere_and_nobody_is_named_beside_a_scan(client, town, scan_entry, dispute, answer):
    person, staff = town.resident(), town.staff("city_admin")
    dispute_ = dispute(person, scan_entry(person)["id"], "秘密的话")["id"]
    client.get(f"{API}/disputes/{dispute_}", headers=staff)
    answer(staff, dispute_, "秘密的答复")
    with town.parts.database.transaction() as session:
        codes.record_disputes(session, town.parts.rings, town.now + timedelta(days=1))
        session.flush()
        row = session.execute(text("SELECT * FROM disputes WHERE id = :id"), {"id": dispute_}).one()
        events = session.execute(
            text("SELECT * FROM audit_events WHERE subject = :id ORDER BY id"), {"id": dispute_}
        ).all()
    assert [event.action for event in events] == ["disputes.read", "disputes.answer", "disputes.open"]
    assert [event.actor_kind for event in events] == ["staff", "staff", None]
    assert events[1].details == {"before": {"state": "open"}, "after": {"state": "upheld"}}
    for row_text in (str(row), str(events)):
        assert "秘密" not in row_text
        assert str(person.id) not in row_text
        assert person.id_number not in row_text


def test_a_dispute_outlives_its_scan(client, town, scan_entry, dispute, answer):
    person = town.resident()
    entry = scan_entry(person)
    dispute_ = dispute(person, entry["id"])["id"]
    with town.parts.database.transaction() as session:
        session.execute(text("DELETE FROM scans WHERE id = :id"), {"id": entry["id"]})
    assert mine(client, person)[0]["scan"] == entry
    assert answer(town.staff("city_admin"), dispute_).status_code == 200


@pytest.mark.parametrize(
    "body",
    [{}, {"text": ""}, {"text": "  \n"}, {"text": "字" * 1001}, {"text": 7}, {"text": None}, {"text": "a\u202eb"}],
    ids=lambda body: str(body)[:30],
)
def test_a_badly_shaped_text_is_a_bad_field(client, town, scan_entry, body):
    person = town.resident()
    path = f"{API}/codes/ledger/{scan_entry(person)['id']}/dispute"
    rejection = client.post(path, json=body, headers=person.headers)
    assert (rejection.status_code, list(rejection.get_json()["errors"])) == (422, ["text"])
    path, staff = f"{API}/disputes/{new_id()}/answer", town.staff("city_admin")
    rejection = client.post(path, json=body | {"upheld": True}, headers=staff)
    assert (rejection.status_code, list(rejection.get_json()["errors"])) == (422, ["text"])


@pytest.mark.parametrize("upheld", ["true", 1, None, "missing"])
def test_an_answer_says_yes_or_no(client, town, upheld):
    body = {"text": "好"} | ({} if upheld == "missing" else {"upheld": upheld})
    rejection = client.post(f"{API}/disputes/{new_id()}/answer", json=body, headers=town.staff("city_admin"))
    assert (rejection.status_code, list(rejection.get_json()["errors"])) == (422, ["upheld"])


@pytest.mark.parametrize("query", [{"state": "closed"}, {"overdue": "yes"}, {"cursor": "x"}, {"limit": "0"}])
def test_a_bad_question_is_a_bad_field(client, town, query):
    rejection = client.get(f"{API}/disputes", query_string=query, headers=town.staff("city_admin"))
    assert (rejection.status_code, list(rejection.get_json()["errors"])) == (422, list(query))
