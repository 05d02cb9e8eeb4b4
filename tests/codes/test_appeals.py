"""Who had a part in a venue judges no complaint there, and what a district dismissed goes to the city once."""

import json
from datetime import datetime, time, timedelta

import pytest
from sqlalchemy import text

from qe_ban.codes import service as codes
from qe_ban.db.retention import Period, Sweeper
from qe_ban.jobs import service as jobs
from qe_ban.kernel.clock import CITY_TIME
from qe_ban.kernel.ids import new_id
from qe_ban.keys import vault
from tests.codes.test_disputes import API, SHINAN, answer, dispute, list_ids, mine, scan_entry  # noqa: F401  fixtures
from tests.codes.test_verify_races import at_once
from tests.factories.endings import DAYS

WORDS = "区里没有核实，请市里查一查"


@pytest.fixture
def appeal(client):
    def call(person, dispute_id, words=WORDS, **query):
        path = f"{API}/me/disputes/{dispute_id}/appeal"
        return client.post(path, json={"text": words}, query_string=query, headers=person.headers)

    return call


@pytest.fixture
def answer_appeal(client):
    def call(staff, dispute_id, words="市级复核结果", *, upheld=True):
        path = f"{API}/disputes/{dispute_id}/appeal/answer"
        return client.post(path, json={"text": words, "upheld": upheld}, headers=staff)

    return call


@pytest.fixture
def dismiss(town, scan_entry, dispute, answer):  # noqa: F811
    """Return a dispute of a person that the city's `first` dismissed; returns its id."""

    def call(person, first=None):
        appealed_id = dispute(person, scan_entry(person)["id"])["id"]
        assert (
            answer(first or town.staff("district_admin", district=SHINAN), appealed_id, upheld=False).status_code == 200
        )
        return appealed_id

    return call


def code_of(response):
    return response.status_code, response.get_json().get("code")


def phones_of_notices(town, template):
    with town.parts.database.transaction() as session:
        rows = session.execute(text("SELECT id, payload FROM outbox WHERE topic = 'notice'")).all()
    payloads = [json.loads(vault.unseal(town.parts.rings, jobs.COLUMN, row.id, row.payload)) for row in rows]
    return [payload["phone"] for payload in payloads if payload["template"] == template]


class TestWhoAnswers:
    @pytest.fixture
    def at(self, client, town, scan, issue, dispute):  # noqa: F811
        """Let a person be scanned in a venue and dispute it; returns the dispute's id."""

        def call(venue, purpose="gate-entry"):
            person = town.resident()
            scan(town.terminal(purpose, venue=venue), issue(person), purpose)
            (entry,) = client.get(f"{API}/codes/ledger", headers=person.headers).get_json()["items"]
            return dispute(person, entry["id"])["id"]

        return call

    @pytest.fixture
    def post(self, client):
        def call(staff, path, body=None, status=201, method="post"):
            response = client.open(f"{API}/venues{path}", method=method.upper(), json=body, headers=staff)
            assert response.status_code == status, response.get_data(as_text=True)
            return response.get_json()

        return call

    @pytest.fixture
    def venue(self, post):
        def call(staff, scene="transport"):
            body = {"name": "湛山站", "district": SHINAN, "address": "香港中路9号", "scene": scene}
            return post(staff, "", body)["id"]

        return call

    def test_who_made_the_venue_does_not_answer(self, client, town, at, venue, answer):  # noqa: F811
        maker, colleague = (town.staff("district_admin", district=SHINAN) for _ in range(2))
        case_id = at(venue(maker))
        for upheld in (True, False):
            assert code_of(answer(maker, case_id, upheld=upheld)) == (403, "codes.dispute_involved")
        assert client.get(f"{API}/disputes/{case_id}", headers=maker).get_json()["state"] == "open"
        assert answer(colleague, case_id).status_code == 200

    def test_who_renamed_it_or_invited_or_approved_its_scanner_does_not_answer(self, town, at, venue, post, answer):  # noqa: F811
        maker, renamer, inviter, proposer = (town.staff("district_admin", district=SHINAN) for _ in range(4))
        approver, outside = town.staff("city_admin"), town.staff("city_admin")
        place = venue(maker, "government")
        post(renamer, f"/{place}", {"name": "湛山大厅"}, 200, "patch")
        post(inviter, f"/{place}/scanners", {"purposes": ["identity-check"]})
        waiting = post(proposer, f"/{place}/scanners", {"purposes": ["window-acceptance"]})["id"]
        post(approver, f"/invitations/{waiting}/approve", status=200)
        case_id = at(place, "identity-check")
        for officer in (maker, renamer, inviter, proposer, approver):
            assert code_of(answer(officer, case_id)) == (403, "codes.dispute_involved")
        assert answer(outside, case_id).status_code == 200

    def test_a_part_in_another_venue_hinders_nobody(self, town, at, venue, answer):  # noqa: F811
        one, other = (town.staff("district_admin", district=SHINAN) for _ in range(2))
        venue(other)
        assert answer(other, at(venue(one))).status_code == 200

    def test_a_dispute_that_does_not_name_its_venue_is_found_by_the_name(self, town, at, venue, answer):  # noqa: F811
        maker = town.staff("district_admin", district=SHINAN)
        case_id = at(venue(maker))
        with town.parts.database.transaction() as session:
            session.execute(text("UPDATE disputes SET venue_id = NULL WHERE id = :id"), {"id": case_id})
        assert code_of(answer(maker, case_id)) == (403, "codes.dispute_involved")


def test_a_dismissal_is_appealed_of_answered_by_the_city_and_told(client, town, dismiss, appeal, answer_appeal):
    person = town.resident()
    appealed_id = dismiss(person)
    (row,) = mine(client, person)
    since = datetime.fromisoformat(row["answered_at"])
    assert datetime.fromisoformat(row["appeal_until"]) - since == timedelta(days=30)
    appealed_dispute = appeal(person, appealed_id)
    assert appealed_dispute.status_code == 201, appealed_dispute.get_data(as_text=True)
    assert appealed_dispute.headers["Cache-Control"] == "no-store"
    row = appealed_dispute.get_json()
    assert (row["state"], row["state_name"], row["appeal_until"]) == ("appealed", "申诉待市级答复", None)
    assert (row["appeal"]["text"], row["appeal"]["answer"], row["overdue"]) == (WORDS, None, False)
    day = datetime.fromisoformat(row["appeal"]["opened_at"]).astimezone(CITY_TIME)
    end = datetime.combine(day + timedelta(days=15), time(23, 59, 59), CITY_TIME)
    assert datetime.fromisoformat(row["appeal"]["due_at"]) == end
    city = town.staff("city_admin")
    assert appealed_id in list_ids(client, city, state="appealed")
    assert appealed_id not in list_ids(client, city, state="dismissed")
    response = answer_appeal(city, appealed_id)
    assert (response.status_code, response.get_json()["state"]) == (200, "appeal_upheld")
    (row,) = mine(client, person)
    assert (row["state_name"], row["appeal"]["answer"]) == ("申诉成立", "市级复核结果")
    assert phones_of_notices(town, "appeal_answered").count(person.phone) == 1


def test_the_city_answers_and_nobody_who_answered_before(town, dismiss, appeal, answer_appeal):
    first, person = town.staff("city_admin"), town.resident()
    appealed_id = dismiss(person, first)
    appeal(person, appealed_id)
    district = town.staff("district_admin", district=SHINAN)
    assert code_of(answer_appeal(district, appealed_id)) == (403, "codes.appeal_for_city")
    assert code_of(answer_appeal(first, appealed_id)) == (403, "codes.dispute_involved")
    assert answer_appeal(town.staff("city_admin"), appealed_id, upheld=False).get_json()["state"] == "appeal_dismissed"
    assert code_of(answer_appeal(town.staff("city_admin"), appealed_id)) == (409, "codes.appeal_answered")


def test_there_is_one_appeal_and_only_of_a_dismissal(town, scan_entry, dispute, answer, dismiss, appeal, answer_appeal):  # noqa: F811
    person, city = town.resident(), town.staff("city_admin")
    appealed_id = dispute(person, scan_entry(person)["id"])["id"]
    assert code_of(appeal(person, appealed_id)) == (409, "codes.nothing_to_appeal")
    assert code_of(answer_appeal(city, appealed_id)) == (409, "codes.appeal_answered")
    answer(city, appealed_id, upheld=True)
    assert code_of(appeal(person, appealed_id)) == (409, "codes.nothing_to_appeal")
    other = dismiss(person)
    assert appeal(person, other).status_code == 201
    assert code_of(appeal(person, other)) == (409, "codes.appeal_exists")
    answer_appeal(city, other, upheld=False)
    assert code_of(appeal(person, other)) == (409, "codes.appeal_exists")


def test_of_many_appeals_at_once_one_stands(town, dismiss, make_app):
    person = town.resident()
    path = f"{API}/me/disputes/{dismiss(person)}/appeal"
    clients = [make_app().test_client() for _ in range(3)]
    answers = at_once(6, lambda n: clients[n % 3].post(path, json={"text": "不服"}, headers=person.headers))
    assert sorted(code_of(response) for response in answers) == [(201, None)] + [(409, "codes.appeal_exists")] * 5


@pytest.mark.parametrize(("age", "status"), [(timedelta(days=30, minutes=-5), 201), (timedelta(days=30), 409)])
def test_after_thirty_days_it_is_too_late(town, dismiss, appeal, age, status):
    person = town.resident()
    appealed_id = dismiss(person)
    with town.parts.database.transaction() as session:
        query = text("UPDATE disputes SET answered_at = now() - CAST(:age AS interval) WHERE id = :id")
        session.execute(query, {"age": age, "id": appealed_id})
    late = appeal(person, appealed_id)
    assert late.status_code == status
    assert status == 201 or late.get_json()["code"] == "codes.appeal_late"


def test_another_ones_dismissal_is_none(town, dismiss, appeal):
    person, stranger = town.resident(), town.resident()
    appealed_id = dismiss(person)
    for caller, target in ((stranger, appealed_id), (person, str(new_id()))):
        assert code_of(appeal(caller, target)) == (404, "codes.dispute_not_found")


def test_a_guardian_appeals_of_the_own_dispute_and_reads_no_words_of_the_wards(
    client,
    town,
    scan_entry,  # noqa: F811
    dispute,  # noqa: F811
    answer,  # noqa: F811
    appeal,
    answer_appeal,
):
    guardian, other, ward, city = town.resident(), town.resident(), town.resident(), town.staff("city_admin")
    for_, for_other = town.guard(guardian, ward), town.guard(other, ward)
    appealed_id = [dispute(guardian, scan_entry(ward)["id"], **{"for": for_})["id"] for _ in range(2)]
    for one in appealed_id:
        answer(city, one, upheld=False)
    assert code_of(appeal(other, appealed_id[0], **{"for": for_other})) == (404, "codes.dispute_not_found")
    assert appeal(guardian, appealed_id[0], **{"for": for_}).status_code == 201
    assert appeal(ward, appealed_id[1], "监护人拿走了我的手机").status_code == 201
    rows = {row["id"]: row["appeal"]["text"] for row in mine(client, guardian, **{"for": for_})}
    assert rows == {appealed_id[0]: WORDS, appealed_id[1]: None}
    for one in appealed_id:
        answer_appeal(town.staff("city_admin"), one)
    phones = phones_of_notices(town, "appeal_answered")
    assert (phones.count(guardian.phone), phones.count(ward.phone)) == (1, 2)


def test_appeals_are_audited_and_no_word_stands_open(town, dismiss, appeal, answer_appeal):
    person = town.resident()
    appealed_id = dismiss(person)
    appeal(person, appealed_id, "秘密的话")
    answer_appeal(town.staff("city_admin"), appealed_id, "秘密的答复")
    with town.parts.database.transaction() as session:
        codes.record_disputes(session, town.parts.rings, town.now + timedelta(days=1))
        session.flush()
        row = session.execute(text("SELECT * FROM disputes WHERE id = :id"), {"id": appealed_id}).one()
        events = session.execute(
            text("SELECT * FROM audit_events WHERE subject = :id ORDER BY id"), {"id": appealed_id}
        ).all()
    assert [(event.action, event.actor_kind) for event in events] == [
        ("disputes.answer", "staff"),
        ("disputes.answer_appeal", "staff"),
        ("disputes.open", None),
        ("disputes.appeal", None),
    ]
    assert events[1].details == {"before": {"state": "appealed"}, "after": {"state": "appeal_upheld"}}
    for row_text in (str(row), str(events)):
        assert "秘密" not in row_text
        assert str(person.id) not in row_text


def test_the_database_holds_that_another_person_answers_the_appeal(town, dismiss, appeal):
    person = town.resident()
    appealed_id = dismiss(person)
    appeal(person, appealed_id)
    same = text("""
        UPDATE disputes SET appeal_state = 'upheld', appeal_answer_sealed = '\\x01', appeal_answered_at = now(),
               appeal_answered_by = answered_by WHERE id = :id
    """)
    with pytest.raises(Exception, match="appeal_by_another"), town.parts.database.transaction() as session:
        session.execute(same, {"id": appealed_id})


def test_an_appeal_that_waits_is_found_overdue_and_kept(client, town, dismiss, appeal):
    person = town.resident()
    appealed_id = dismiss(person)
    appeal(person, appealed_id)
    with town.parts.database.transaction() as session:
        late = (
            "UPDATE disputes SET appeal_due_at = now() - interval '1 minute', answered_at = now() - interval '500 days'"
        )
        session.execute(text(f"{late} WHERE id = :id"), {"id": appealed_id})
    city = town.staff("city_admin")
    assert appealed_id in list_ids(client, city, overdue="true")
    assert appealed_id not in list_ids(client, city, overdue="false")
    Sweeper(town.parts.database, lambda: town.now, codes.ENDINGS, DAYS | {Period.SCANS: 500}).run()
    assert [row["id"] for row in mine(client, person)] == [appealed_id]
    assert mine(client, person)[0]["overdue"] is True


@pytest.mark.parametrize("body", [{}, {"text": ""}, {"text": "字" * 1001}, {"text": 7}, {"text": "好", "upheld": 1}])
def test_a_badly_shaped_appeal_is_a_bad_field(client, town, body):
    person = town.resident()
    response = client.post(f"{API}/me/disputes/{new_id()}/appeal", json=body, headers=person.headers)
    assert response.status_code == 422
