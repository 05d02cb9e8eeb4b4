"""Scanners that learn who somebody is want a second person, over HTTP: who proposes, who approves, and what is kept."""

import json
from dataclasses import replace
from datetime import timedelta
from importlib import resources

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from qe_ban.audit.models import AuditEvent
from qe_ban.kernel import city_file
from qe_ban.kernel.ids import new_id
from qe_ban.venues import service
from qe_ban.venues.errors import PurposesInvalid
from qe_ban.venues.models import Enrolment
from tests.factories.accounts import together
from tests.factories.venues import SHINAN, AdminFactory, ScannerKey
from tests.venues.conftest import CITY, LAOSHAN_ADMIN, READER, SCANNER, SECOND, SHINAN_ADMIN, refusal_of

MASKED_PURPOSE, NAMED_PURPOSE = "identity-check", "window-acceptance"


@pytest.fixture
def invite(call, staff_ids, venue_id):
    def do(*purposes, **more):
        return call("POST", f"/{venue_id}/scanners", {"purposes": list(purposes), **more})

    return do


@pytest.fixture
def approve(call):
    return lambda id_, token=SECOND: call("POST", f"/invitations/{id_}/approve", token=token)


def enrol_with(call, prove, code, label="1号窗口"):
    key = ScannerKey()
    body = {"enrolment_code": code, "jwk": key.jwk, "label": label, "proof": prove(key)}
    return call("POST", "/scanners/enrol", body, token=None)


def test_a_scanner_that_learns_no_name_needs_one_person(invite):
    answer = invite(MASKED_PURPOSE)
    assert (answer.status_code, answer.json["state"]) == (201, "ready")
    assert len(answer.json["enrolment_code"]) == 19


def test_a_scanner_that_learns_names_waits_for_another_person(call, prove, invite, approve, venue_id):
    waiting = invite(MASKED_PURPOSE, NAMED_PURPOSE, label="3号窗口").json
    assert (waiting["state"], waiting["enrolment_code"]) == ("pending_approval", None)
    (list_row,) = call("GET", f"/{venue_id}/invitations", token=SECOND).json["items"]
    assert (list_row["id"], list_row["state"], list_row["purposes"]) == (
        waiting["id"],
        "pending_approval",
        [MASKED_PURPOSE, NAMED_PURPOSE],
    )
    approval = approve(waiting["id"])
    assert (approval.status_code, approval.json["state"]) == (200, "ready")
    assert approval.headers["Cache-Control"] == "no-store"
    scanner = enrol_with(call, prove, approval.json["enrolment_code"])
    assert (scanner.status_code, scanner.json["purposes"]) == (201, [MASKED_PURPOSE, NAMED_PURPOSE])
    (list_row,) = call("GET", f"/{venue_id}/invitations").json["items"]
    assert list_row["state"] == "used"


def test_who_proposes_does_not_approve_and_the_database_holds_it(database, invite, approve, staff_ids):
    waiting = invite(NAMED_PURPOSE).json
    refusal_of(approve(waiting["id"], SHINAN_ADMIN), 403, "venues.own_invitation")
    for values in (
        "approved_by = created_by, approved_at = now(), code_hash = '\\x01'",
        "code_hash = '\\x02'",
        "approval_required = false",
    ):
        with pytest.raises(IntegrityError), database.transaction() as session:
            session.execute(text(f"UPDATE enrolments SET {values} WHERE id = :id"), {"id": waiting["id"]})


@pytest.mark.parametrize(
    ("token", "status", "code"),
    [
        (LAOSHAN_ADMIN, 404, "venues.invitation_not_found"),
        (READER, 403, "forbidden"),
        (SCANNER, 403, "forbidden"),
        (None, 401, None),
    ],
)
def test_nobody_else_approves(invite, approve, token, status, code):
    answer = approve(invite(NAMED_PURPOSE).json["id"], token)
    assert answer.status_code == status
    assert code is None or answer.json["code"] == code


def test_the_city_approves_too(invite, approve):
    assert approve(invite(NAMED_PURPOSE).json["id"], CITY).status_code == 200


def test_what_never_was_and_what_needs_no_approval_are_told_apart(invite, approve):
    refusal_of(approve(new_id()), 404, "venues.invitation_not_found")
    refusal_of(approve(invite(MASKED_PURPOSE).json["id"]), 409, "venues.invitation_settled")


@pytest.mark.usefixtures("officer")
def test_an_account_of_today_approves_nothing(invite, approve, member):
    waiting = invite(NAMED_PURPOSE).json["id"]
    member("fresh", age=timedelta(hours=1), district=SHINAN)
    refusal_of(approve(waiting, "fresh"), 409, "accounts.newcomer_refused")


def test_whoever_left_neither_proposed_nor_approves(database, invite, approve, staff_ids):
    waiting = invite(NAMED_PURPOSE).json["id"]
    leave = text("UPDATE staff SET disabled_at = now() WHERE id = :id")
    with database.transaction() as session:
        session.execute(leave, {"id": staff_ids[SHINAN_ADMIN]})
    refusal_of(approve(waiting), 409, "accounts.proposer_gone")
    with database.transaction() as session:
        session.execute(leave, {"id": staff_ids[SECOND]})
    refusal_of(approve(waiting), 403, "accounts.staff_gone")


def test_of_many_approvals_at_once_one_gives_a_code(invite, approve, member, make_call):
    waiting, calls = invite(NAMED_PURPOSE).json["id"], [make_call() for _ in range(4)]
    answers = together(4, lambda n: calls[n]("POST", f"/invitations/{waiting}/approve", token=SECOND))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    assert sum(answer.json.get("enrolment_code") is not None for answer in answers) == 1


def test_an_invitation_that_nobody_approved_is_over_after_a_week(invite, approve, later):
    waiting = invite(NAMED_PURPOSE).json["id"]
    later(timedelta(days=7))
    refusal_of(approve(waiting), 409, "venues.invitation_settled")


def test_proposal_and_approval_are_audited_and_no_code_stands_anywhere(database, invite, approve, staff_ids, venue_id):
    waiting = invite(NAMED_PURPOSE).json["id"]
    code = approve(waiting).json["enrolment_code"]
    with database.transaction() as session:
        query = select(AuditEvent).where(AuditEvent.subject == venue_id).order_by(AuditEvent.id)
        _, proposal, approval = session.scalars(query)
        stored_text = str(vars(session.get_one(Enrolment, waiting)))
    assert (proposal.action, proposal.actor_id, proposal.details["after"]["approval_required"]) == (
        "venues.invite_scanner",
        staff_ids[SHINAN_ADMIN],
        True,
    )
    assert (approval.action, approval.actor_id) == ("venues.approve_scanner", staff_ids[SECOND])
    assert approval.details["after"]["proposed_by"] == str(staff_ids[SHINAN_ADMIN])
    assert code not in str(approval.details) + str(proposal.details) + stored_text


@pytest.mark.parametrize(
    ("slug", "waits"),
    [
        ("identity-check", False),
        ("gate-entry", False),
        ("dispensing", False),
        ("health-check", False),
        ("window-acceptance", True),
        ("social-enquiry", True),
        ("visitor-registration", True),
        ("account-opening", True),
    ],
)
def test_which_purposes_say_who_somebody_is_is_told_by_the_city(city, slug, waits):
    assert city.identifies(["admission", slug]) is waits


def test_a_citys_file_may_name_more_fields_that_say_who_somebody_is():
    data = json.loads((resources.files("qe_ban") / "data" / "qingdao.json").read_text("utf-8"))
    more = city_file.parse(json.dumps(data | {"identifying_fields": ["masked_phone", "health_level"]}))
    assert more.identifies(["health-check"])
    assert more.identifies(["window-acceptance"]), "names and numbers always do"
    with pytest.raises(city_file.CityInvalid):
        city_file.parse(json.dumps(data | {"identifying_fields": ["shoe_size"]}))


def test_an_approval_of_a_purpose_that_the_city_gave_up_is_refused(database, rings, city, invite, staff_ids, change):
    waiting = invite(NAMED_PURPOSE).json["id"]
    fewer = replace(city, purposes={slug: one for slug, one in city.purposes.items() if slug != NAMED_PURPOSE})
    with database.transaction() as session, pytest.raises(PurposesInvalid):
        service.approve(session, rings, fewer, enrolment_id=waiting, change=change(AdminFactory(id=staff_ids[SECOND])))


@pytest.mark.parametrize("label", ["派出所户籍窗口", "公 安", "Gong'an 1"])
def test_a_scanner_called_like_an_authority_waits_for_another_person(call, prove, invite, approve, label):
    waiting = invite(MASKED_PURPOSE, label=label).json
    assert (waiting["state"], waiting["enrolment_code"]) == ("pending_approval", None)
    refusal_of(approve(waiting["id"], SHINAN_ADMIN), 403, "venues.own_invitation")
    approval = approve(waiting["id"])
    assert approval.status_code == 200
    assert enrol_with(call, prove, approval.json["enrolment_code"]).status_code == 201


def test_a_scanner_does_not_call_itself_like_an_authority(call, prove, invite):
    code = invite(MASKED_PURPOSE).json["enrolment_code"]
    refusal_of(enrol_with(call, prove, code, "派出所"), 422, "venues.label_refused")
    assert enrol_with(call, prove, code).status_code == 201  # the code stays


def test_a_label_of_the_invitation_stands_whatever_the_scanner_calls_itself(call, prove, invite, venue_id):
    assert (
        enrol_with(call, prove, invite(MASKED_PURPOSE, label="2号窗口").json["enrolment_code"], "派出所").status_code
        == 201
    )
    assert [row["label"] for row in call("GET", f"/{venue_id}/scanners").json["items"]] == ["2号窗口"]


def test_in_a_confirmed_authoritys_venue_labels_need_nobody(call, staff_ids, invite, venue_id):
    assert call("PATCH", f"/{venue_id}", {"name": "八大湖派出所"}).status_code == 200
    assert call("POST", f"/{venue_id}/confirm", token=CITY).status_code == 200
    assert invite(MASKED_PURPOSE, label="派出所户籍窗口").json["state"] == "ready"
