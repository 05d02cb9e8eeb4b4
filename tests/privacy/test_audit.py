"""What an auditor reads of residents: ids of the auditor's own, by which nothing else is found."""

from uuid import UUID

import pytest
from sqlalchemy import select

from qe_ban.accounts.models import Resident
from qe_ban.audit.models import AuditEvent
from tests.factories.accounts import API

CASE = "QD-2026-000321"


class Auditor:
    """An auditor over HTTP."""

    def __init__(self, city):
        self.client, self.headers = city.client, city.staff("auditor")

    def get(self, query=""):
        return self.client.get(f"{API}/audit?limit=100{query}", headers=self.headers)

    def read(self, query=""):
        answer = self.get(query)
        assert answer.status_code == 200, answer.get_json()
        return answer.get_json()["items"]


@pytest.fixture
def auditor(city):
    return Auditor(city)


@pytest.fixture
def guardian(city):
    """Somebody who asks to act for a grown-up, and whom a clerk looks up."""
    resident, other = city.resident().step_up(), city.resident()
    wish = {"name": other.person.name, "id_number": other.person.id_number, "relation": "child", "basis": "entrusted"}
    assert city.client.post(f"{API}/me/wards", json=wish, headers=resident.headers).status_code in {200, 201}
    body = {"id_type": "resident_id", "id_number": resident.person.id_number, "case_number": CASE}
    clerk = city.staff("clerk")
    assert city.client.post(f"{API}/residents/look-up", json=body, headers=clerk).status_code == 200
    resident.ward = other
    return resident


def texts(value):
    if isinstance(value, dict):
        for one in value.values():
            yield from texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from texts(one)
    elif isinstance(value, str):
        yield value


def events_about(database, resident):
    """Return the ids of the rows whose actor or subject is a resident."""
    with database.transaction() as session:
        mine = (AuditEvent.actor_id == UUID(resident.id)) | (AuditEvent.subject == resident.id)
        return {str(id_) for id_ in session.scalars(select(AuditEvent.id).where(mine))}


def test_no_answer_has_an_id_of_a_resident(auditor, guardian, city):
    with city.database.transaction() as session:
        plain = {str(id_) for id_ in session.scalars(select(Resident.id))}
    read = {text for event in auditor.read() for text in texts(event)}
    assert guardian.id in plain
    assert guardian.ward.id in plain
    assert read & plain == set()


def test_a_resident_is_the_same_one_wherever_the_auditor_reads_it(auditor, guardian, city):
    about = events_about(city.database, guardian)
    asked, looked_up = (
        next(event for event in auditor.read() if event["id"] in about and event["action"] == action)
        for action in ("wards.ask", "residents.look_up")
    )
    mine = asked["actor_id"]
    assert looked_up["subject"] == asked["details"]["after"]["guardian"] == mine
    assert {event["id"] for event in auditor.read(f"&actor={mine}")} == {asked["id"]}
    assert {event["id"] for event in auditor.read(f"&subject={mine}")} == {looked_up["id"]}
    assert looked_up["case_number"] == CASE


def test_another_auditor_calls_the_resident_otherwise_and_finds_nothing_by_an_id_that_was_passed_on(
    auditor, guardian, city
):
    about, other = events_about(city.database, guardian), Auditor(city)
    named = [
        {event["actor_id"] for event in who.read("&action=wards.ask") if event["id"] in about}
        for who in (auditor, other)
    ]
    assert named[0].isdisjoint(named[1])
    assert other.read(f"&actor={named[0].pop()}") == []


def test_who_has_a_residents_own_id_learns_nothing_by_asking_for_it(auditor, guardian):
    """Neither is anything found, nor does the event of the reading say the auditor's id of that resident."""
    for field in ("actor", "subject"):
        assert auditor.read(f"&{field}={guardian.id}") == []
    asked = next(event for event in auditor.read("&action=wards.ask") if event["actor_kind"] == "resident")
    readings = [text for event in auditor.read("&action=audit.read") for text in texts(event)]
    assert guardian.id not in readings
    assert asked["actor_id"] not in readings


def test_what_was_asked_for_is_kept_with_whom_it_means(auditor, guardian, city):
    about = events_about(city.database, guardian)
    mine = next(event["actor_id"] for event in auditor.read("&action=wards.ask") if event["id"] in about)
    auditor.read(f"&actor={mine}")
    with city.database.transaction() as session:
        newest = select(AuditEvent.details).where(AuditEvent.action == "audit.read").order_by(AuditEvent.id.desc())
        kept = session.scalars(newest.limit(1)).one()
    assert kept["criteria"] == {"actor": guardian.id}
    assert auditor.read("&action=audit.read")[0]["details"]["criteria"] == {"actor": mine}
