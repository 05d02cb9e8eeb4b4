"""The ids by which staff name residents: their own, for one case, with an end; the resident's own id is nobody's."""

from datetime import UTC, datetime, time, timedelta
from uuid import uuid4

import pytest
from sqlalchemy import select

from qe_ban.accounts.service.look_ups import LookUpIds
from qe_ban.db.overlaps import PREVIOUS, ReleaseOverlap
from qe_ban.keys.models import Key, Ring
from tests.factories.health import API, CASE, INBOX

LOOK_UP = f"{API}/residents/look-up"


@pytest.fixture
def look_up(client, ward):
    def do(person, by=None, case_number=CASE):
        body = {"phone": person.phone, "case_number": case_number}
        answer = client.post(LOOK_UP, json=body, headers=by or ward.officer)
        assert answer.status_code == 200, answer.get_json()
        return answer.get_json()["id"]

    return do


def propose(ward, id_, **fields):
    return ward.propose(residents=[id_], expected_count=1, **fields)


def test_a_look_ups_id_names_the_resident_for_whom_it_was_given(town, ward, look_up):
    person = town.resident()
    id_ = look_up(person)
    assert id_ != str(person.id)
    answer = propose(ward, id_)
    assert answer.status_code == 201, answer.get_json()
    assert [resident["id"] for resident in answer.get_json()["residents"]] == [id_]


def test_each_member_of_staff_case_and_resident_has_another_id(town, ward, look_up):
    person, other = town.resident(), town.resident()
    ids = [
        look_up(person),
        look_up(other),
        look_up(person, case_number="WJ-2026-0002"),
        look_up(person, by=ward.staff("health_officer")),
    ]
    assert len(set(ids)) == 4
    assert look_up(person) == ids[0], "who asks again for the same case learns nothing new"


def test_another_officer_another_case_and_the_residents_own_id_name_nobody(town, ward, look_up):
    person = town.resident()
    id_ = look_up(person)
    for answer in (
        propose(ward, id_, by=ward.staff("health_officer")),
        propose(ward, id_, case_number="WJ-2026-0002"),
        propose(ward, str(person.id)),
    ):
        assert (answer.status_code, answer.get_json()["code"]) == (422, "health.change_invalid")
        assert answer.get_json()["unknown"] in ([id_], [str(person.id)])


@pytest.mark.parametrize(("after", "is_good"), [(timedelta(hours=12), True), (timedelta(hours=24), False)])
def test_an_id_holds_for_twelve_hours_and_ends_within_a_day(town, after, is_good):
    person, staff, now = town.resident(), uuid4(), town.now
    id_ = LookUpIds(town.parts.rings, staff, now).id_of(person.id, CASE)
    with town.parts.database.transaction() as session:
        residents = LookUpIds(town.parts.rings, staff, now + after).resolve(session, [id_], CASE)
    assert residents == ({id_: person.id} if is_good else {})


def test_on_an_installations_first_morning_ids_hold_although_the_day_before_has_no_key(town):
    person, staff = town.resident(), uuid4()
    with town.parts.database.transaction() as session:
        first = session.scalars(select(Key.day).where(Key.ring == Ring.SEAL_ISSUED).order_by(Key.day)).first()
        morning = datetime.combine(first, time(1, 20), UTC)
        id_ = LookUpIds(town.parts.rings, staff, morning).id_of(person.id, CASE)
        assert LookUpIds(town.parts.rings, staff, morning).resolve(session, [id_], CASE) == {id_: person.id}


def test_what_is_read_names_residents_by_the_readers_own_ids(town, ward, client):
    person = town.resident()
    correction = ward.request(person).get_json()
    read = client.get(f"{INBOX}/{correction['id']}", headers=ward.officer).get_json()
    assert read["resident"] == ward.id_of(person, case_number="")
    change = propose(ward, read["resident"])
    assert change.status_code == 201, "it is good for any case of the reader's"
    review = client.get(f"{API}/health/changes/{change.get_json()['id']}", headers=ward.reviewer).get_json()
    assert review["residents"][0]["id"] == ward.id_of(person, ward.reviewer, "")
    assert str(person.id) not in str([read, change.get_json(), review])


def test_while_0_3_0_may_serve_beside_its_look_ups_are_taken(town, ward):
    person = town.resident()
    overlap = ReleaseOverlap(previous=PREVIOUS, ends_at=town.now + timedelta(days=1))
    with town.parts.database.transaction() as session:
        session.add(overlap)
    try:
        assert propose(ward, str(person.id)).status_code == 201
    finally:
        with town.parts.database.transaction() as session:
            session.delete(session.get(ReleaseOverlap, PREVIOUS))
    assert propose(ward, str(town.resident().id)).status_code == 422
