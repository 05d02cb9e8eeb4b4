"""The holder of an account sees what is about to happen to it, has a day for it, and can stop it."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from qe_ban.accounts.models import Proposal, RecoveryCase, RefreshFamily
from qe_ban.accounts.service import sign_ins
from qe_ban.audit.models import Alarm, AuditEvent
from qe_ban.kernel.clock import system_clock
from qe_ban.kernel.ids import new_id
from tests.factories.accounts import API, bearer, random_phone, together
from tests.factories.recovery import BASIS, WAIT

MINE = f"{API}/me/recovery"


def mine(city, who, query=""):
    answer = city.client.get(f"{MINE}{query}", headers=who.headers)
    assert answer.status_code == 200, answer.get_json()
    return answer.get_json()


def objection(city, who, case):
    return city.client.post(f"{MINE}/{case['id']}/object", headers=who.headers)


def code_of(answer):
    return answer.status_code, answer.get_json()["code"]


def day_after(moment):
    return datetime.fromisoformat(moment) + WAIT


def approved(window, case, **more):
    return window.approve(window.propose(case, has_waited=False, **more).get_json())


def end_sign_ins(city, holder, ago):
    with city.database.transaction() as session:
        for family in session.scalars(select(RefreshFamily).where(sign_ins.belong_to(city.rings, UUID(holder.id)))):
            ended = replace(sign_ins.read(city.rings, family), ended_at=system_clock() - ago)
            sign_ins.write(city.rings, family, ended, system_clock())


@pytest.fixture
def holder(city):
    """Somebody who is signed in with a fresh face check."""
    return city.resident().step_up()


@pytest.fixture
def case(window, holder):
    """A change of phone that the holder did not ask for."""
    return window.open(holder, new_phone=random_phone()).get_json()


def test_the_holder_sees_what_is_open_and_nothing_of_who_asks(city, window, holder):
    new = random_phone()
    opened = window.open(holder, new_phone=new).get_json()
    page = mine(city, holder)
    (seen,) = page["items"]
    assert seen == {
        "id": opened["id"],
        "kind": "new_phone",
        "state": "open",
        "opened_at": opened["opened_at"],
        "closed_at": None,
        "earliest_settlement_at": opened["earliest_settlement_at"],
    }
    assert datetime.fromisoformat(seen["earliest_settlement_at"]) == day_after(seen["opened_at"])
    said = json.dumps(page, ensure_ascii=False)
    assert not [hidden for hidden in (new, new[-4:], BASIS, holder.person.name) if hidden in said]


def test_who_claims_a_name_is_not_told_to_its_holder_nor_the_case_to_who_claims(city, holder):
    claimant = city.claimant_of(holder)
    (seen,) = mine(city, holder)["items"]
    assert seen["kind"] == "claimed"
    assert claimant.phone not in json.dumps(seen)
    assert claimant.id not in json.dumps(seen)
    assert mine(city, claimant)["items"] == []


def test_the_own_cases_are_paged_newest_first_and_closed_ones_stay(city, window, holder):
    for _ in range(2):
        window.settle(window.open(holder, new_phone=random_phone()).get_json(), "reject")
    window.open(holder, new_phone=random_phone())
    first = mine(city, holder, "?limit=1")
    rest = mine(city, holder, f"?limit=100&cursor={first['next']}")["items"]
    assert [case["state"] for case in first["items"] + rest] == ["open", "rejected", "rejected"]
    assert {case["earliest_settlement_at"] for case in rest} == {None}
    for query in ("?limit=0", "?cursor=AAAA", "?state=open", "?for=x"):
        assert city.client.get(f"{MINE}{query}", headers=holder.headers).status_code == 422


def test_a_phone_that_signs_in_is_not_taken_within_a_day(city, window, holder, case):
    answer = approved(window, case)
    assert code_of(answer) == (409, "accounts.recovery_too_early")
    assert answer.get_json()["earliest_settlement_at"] == case["earliest_settlement_at"]
    assert holder.me().status_code == 200
    proposed = window.case_of(holder)
    assert proposed["proposal"] is not None, "it waits, and longer than that"
    expires_at = datetime.fromisoformat(proposed["proposal"]["expires_at"])
    assert expires_at >= datetime.fromisoformat(case["earliest_settlement_at"]) + timedelta(hours=23)
    window.wait(case)
    assert window.approve(proposed).get_json()["state"] == "settled"


def test_a_rejection_waits_for_nobody(window, case):
    assert approved(window, case, decision="reject").get_json()["state"] == "rejected"


def test_a_second_claim_to_a_name_waits_too(city, window, holder):
    city.claimant_of(holder)
    assert code_of(approved(window, window.case_of(holder))) == (409, "accounts.recovery_too_early")


def test_a_report_of_a_lost_phone_does_not_spare_the_waiting(city, window, holder):
    lost = window.open(holder, "lost_phone", new_phone=random_phone()).get_json()
    assert code_of(approved(window, lost)) == (409, "accounts.recovery_too_early")
    moved = window.open(holder, new_phone=random_phone()).get_json()
    assert code_of(approved(window, moved)) == (409, "accounts.recovery_too_early")


def test_a_lost_phone_whose_number_stays_takes_nothing_and_waits_for_nothing(window, holder):
    lost = window.open(holder, "lost_phone").get_json()
    assert lost["earliest_settlement_at"] == lost["opened_at"]
    assert approved(window, lost).get_json()["state"] == "settled"


def test_a_phone_that_has_not_signed_in_for_a_day_is_taken_at_once_and_a_sign_in_meanwhile_puts_it_off(city, window):
    silent, waking = city.resident(), city.resident()
    for one in (silent, waking):
        end_sign_ins(city, one, WAIT + timedelta(minutes=1))
    opened = [window.open(one, new_phone=random_phone()).get_json() for one in (silent, waking)]
    assert [one["earliest_settlement_at"] == one["opened_at"] for one in opened] == [True, True]
    city.visitor(waking.phone)
    assert approved(window, opened[0]).get_json()["state"] == "settled"
    assert code_of(approved(window, opened[1])) == (409, "accounts.recovery_too_early")


def test_signing_out_on_the_way_to_the_window_is_recent(city, window):
    holder = city.resident()
    end_sign_ins(city, holder, timedelta(hours=23))
    case = window.open(holder, new_phone=random_phone()).get_json()
    assert code_of(approved(window, case)) == (409, "accounts.recovery_too_early")


def test_of_a_recycled_number_only_sign_ins_with_a_face_count_for_who_reports_it_signs_in_by_it(city, window):
    gone, there = city.resident(), city.resident()
    there.step_up()
    for one in (gone, there):
        assert city.client.post(f"{API}/me/not-mine", headers=city.visitor(one.phone).headers).status_code == 202
    assert approved(window, window.case_of(gone)).get_json()["state"] == "settled"
    assert code_of(approved(window, window.case_of(there))) == (409, "accounts.recovery_too_early")


def test_an_objection_rejects_the_case_tells_all_and_raises_an_alarm_about_who_opened_it(city, window, database):
    holder, new = city.resident().step_up(), random_phone()
    clerk = city.staff("clerk")
    case = window.open(holder, new_phone=new, headers=clerk).get_json()
    proposed = window.propose(case, has_waited=False).get_json()
    answer = objection(city, holder, case)
    assert answer.status_code == 200, answer.get_json()
    assert (answer.get_json()["state"], answer.get_json()["earliest_settlement_at"]) == ("rejected", None)
    assert code_of(window.approve(proposed)) == (409, "accounts.recovery_case_over")
    assert (holder.me().status_code, city.visitor(holder.phone).id) == (200, holder.id)
    assert city.notices_to(holder.phone) == ["recovery_opened", "recovery_rejected"]
    with database.transaction() as session:
        row = session.get_one(RecoveryCase, UUID(case["id"]))
        alarm = session.scalars(select(Alarm).where(Alarm.subject == str(row.opened_by))).one()
        assert (alarm.kind, alarm.facts) == ("recovery_objection", {"case": case["id"], "kind": "new_phone"})
        assert session.get_one(Proposal, UUID(proposed["proposal"]["id"])).withdrawn_at is not None
        events = session.scalars(select(AuditEvent).where(AuditEvent.subject == case["id"])).all()
        (event,) = [event for event in events if event.action == "accounts.reject_recovery"]
        assert (event.actor_kind, event.details["after"]["why"]) == ("resident", "objection")
    alarms = city.client.get(f"{API}/alarms?kind=recovery_objection&limit=100", headers=city.staff("security_admin"))
    (read,) = [one for one in alarms.get_json()["items"] if one["subject"] == str(row.opened_by)]
    assert "反对" in read["title"]


def test_each_kind_of_case_can_be_objected_to(city, window, holder):
    city.claimant_of(holder)
    city.client.post(f"{API}/me/not-mine", headers=city.visitor(holder.phone).headers)
    window.open(holder, new_phone=random_phone())
    for case in mine(city, holder)["items"]:
        assert objection(city, holder, case).get_json()["state"] == "rejected"
    window.open(holder, "lost_phone", new_phone=random_phone())
    again = city.visitor(holder.phone).step_up()
    (lost,) = [case for case in mine(city, again)["items"] if case["state"] == "open"]
    assert objection(city, again, lost).status_code == 200


def test_an_objection_takes_a_fresh_face_and_a_sign_in_that_runs(city, window, holder, case):
    visitor = city.visitor(holder.phone)
    assert code_of(objection(city, visitor, case)) == (403, "step_up_required")
    assert len(mine(city, visitor)["items"]) == 1, "whoever has the phone sees it"
    window.open(holder, "lost_phone")
    assert objection(city, holder, case).status_code == 401
    with city.database.transaction() as session:
        assert session.get_one(RecoveryCase, UUID(case["id"])).state == "open"


def test_anothers_an_unknown_and_a_closed_case_are_not_objected_to(city, window, holder, case):
    stranger = city.resident().step_up()
    for who, about in ((stranger, case), (holder, {"id": str(new_id())})):
        assert code_of(objection(city, who, about)) == (404, "accounts.recovery_case_not_found")
    claimant = city.claimant_of(holder)
    (claimed,) = [one for one in mine(city, holder)["items"] if one["kind"] == "claimed"]
    assert code_of(objection(city, claimant, claimed)) == (403, "step_up_required"), "a visitor has no face to show"
    assert city.client.post(f"{MINE}/1/object", headers=holder.headers).status_code == 404
    assert objection(city, holder, case).status_code == 200
    assert code_of(objection(city, holder, case)) == (409, "accounts.recovery_case_over")
    assert city.client.post(f"{MINE}/{case['id']}/object", headers=bearer("x")).status_code == 401
    assert city.client.post(f"{MINE}/{case['id']}/object", headers=city.staff("clerk")).status_code == 403


def test_of_objections_at_once_one_counts(city, holder, case):
    answers = together(4, lambda _: objection(city, holder, case))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    assert city.notices_to(holder.phone).count("recovery_rejected") == 1


@pytest.mark.parametrize("turn", range(3))
def test_of_an_objection_and_an_approval_at_once_one_is_done(city, window, turn):
    holder, new = city.resident().step_up(), random_phone()
    case = window.open(holder, new_phone=new).get_json()
    proposed = window.propose(case).get_json()

    def act(number):
        return objection(city, holder, case) if number == turn else window.approve(proposed)

    answers = together(3, act)
    done = [number for number, answer in enumerate(answers) if answer.status_code == 200]
    assert len(done) == 1
    assert {answer.status_code for answer in answers} <= {200, 401, 409}
    objected = done == [turn]
    with city.database.transaction() as session:
        assert session.get_one(RecoveryCase, UUID(case["id"])).state == ("rejected" if objected else "settled")
    assert city.visitor(holder.phone if objected else new).id == holder.id
