"""Accounts and phones that no longer belong together, walked as people walk it: at the window and in the app."""

import json
from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from qe_ban.accounts.models import Closing, Proposal, RecoveryCase, RefreshFamily
from qe_ban.accounts.service import sign_ins
from qe_ban.audit.models import AuditEvent
from qe_ban.kernel.clock import system_clock
from qe_ban.kernel.ids import new_id
from tests.factories.accounts import API, PersonFactory, random_id_number, random_phone, together
from tests.factories.recovery import BASIS, CASES

NOT_MINE = f"{API}/me/not-mine"


def code_of(answer):
    return answer.status_code, answer.get_json()["code"]


def ends(resident):
    return resident.me().status_code == 401 and resident.renew().status_code == 400


def test_a_new_phone_moves_by_two_persons_and_both_places_are_told(city, window):
    holder, new = city.resident(), random_phone()
    opened = window.open(holder, new_phone=new, name=holder.person.name)
    assert opened.status_code == 201, opened.get_json()
    assert city.notices_to(holder.phone) == ["recovery_opened"]
    proposed = window.propose(opened.get_json()).get_json()
    assert proposed["proposal"]["own"] is True
    assert not ends(city.visitor(holder.phone)), "nothing happens before the second person"
    answer = window.approve(proposed)
    assert (answer.status_code, answer.get_json()["state"]) == (200, "settled")
    assert ends(holder)
    assert city.visitor(new).id == holder.id
    assert city.visitor(holder.phone).id != holder.id
    assert city.notices_to(holder.phone) == ["recovery_opened", "recovery_old_phone"]
    assert city.notices_to(new) == ["recovery_new_phone"]


def test_what_staff_see_is_masked_and_their_reading_is_audited(city, window, database):
    holder, new = city.resident(), random_phone()
    opened = window.open(holder, new_phone=new)
    listed = window.case_of(holder)
    assert listed == opened.get_json()
    said = json.dumps(listed, ensure_ascii=False)
    assert (listed["phone"], listed["basis"]) == (f"{new[:3]}****{new[7:]}", BASIS)
    for hidden in (holder.phone, new, holder.person.id_number, holder.person.id_number[-6:], holder.person.name):
        assert hidden not in said
    with database.transaction() as session:
        reads = select(AuditEvent).where(AuditEvent.action == "accounts.read_recovery").order_by(AuditEvent.id.desc())
        events = session.scalars(reads.limit(20)).all()
    assert any(opened.get_json()["id"] in event.details["cases"] for event in events)


def test_the_audit_tells_the_whole_case_without_a_personal_number(city, window, database):
    holder, new = city.resident(), random_phone()
    case = window.open(holder, new_phone=new).get_json()
    window.settle(case)
    with database.transaction() as session:
        events = session.scalars(select(AuditEvent).order_by(AuditEvent.id)).all()
    mine = [event for event in events if case["id"] in (event.subject, event.details.get("of"))]
    assert [event.action for event in mine] == [
        "accounts.open_recovery",
        "proposals.propose",
        "proposals.approve",
        "accounts.settle_recovery",
    ]
    assert (mine[0].case_number, mine[3].details["after"]["phone"]) == ("QD-2026-000001", "moved")
    assert (mine[3].details["holder"], mine[3].details["claimant"]) == (holder.id, None)
    said = "".join(json.dumps(event.details, ensure_ascii=False) for event in events)
    for hidden in (holder.phone, new, holder.person.id_number, holder.person.name, BASIS):
        assert hidden not in said


def test_nobody_approves_what_they_proposed(city, window):
    holder, new, both = city.resident(), random_phone(), city.staff("city_admin")
    case = window.open(holder, new_phone=new, headers=both).get_json()
    proposed = window.propose(case, headers=both).get_json()
    assert code_of(window.approve(proposed, headers=both)) == (409, "accounts.own_proposal")
    assert city.visitor(holder.phone).id == holder.id
    assert window.approve(proposed).status_code == 200


def test_a_clerk_cannot_approve_and_a_resident_nothing(city, window):
    holder = city.resident()
    case = window.open(holder, new_phone=random_phone()).get_json()
    proposed = window.propose(case).get_json()
    assert window.approve(proposed, headers=city.staff("clerk")).status_code == 403
    holder.step_up()
    for path in ("propose", "approve", "withdraw"):
        assert city.client.post(f"{CASES}/{case['id']}/{path}", json={}, headers=holder.headers).status_code == 403
    assert window.open(holder, headers=holder.headers).status_code == 403


def test_of_approvals_at_once_one_counts(city, window):
    holder, new = city.resident(), random_phone()
    proposed = window.propose(window.open(holder, new_phone=new).get_json()).get_json()
    officers = [city.staff("security_admin"), city.staff("city_admin"), window.officer, window.officer]
    answers = together(4, lambda number: window.approve(proposed, headers=officers[number]))
    assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
    assert {code_of(answer)[1] for answer in answers if answer.status_code == 409} == {"accounts.recovery_case_over"}
    assert city.notices_to(new) == ["recovery_new_phone"]


def test_a_claimed_number_goes_to_the_claimants_phone_and_the_visitor_account_is_closed(city, window, database):
    holder = city.resident()
    claimant = city.claimant_of(holder)
    assert city.notices_to(holder.phone) == ["recovery_opened"]
    case = window.case_of(holder)
    assert (case["kind"], case["claimant"]["id"]) == ("claimed", window.id_of(claimant))
    assert window.settle(case).status_code == 200
    assert ends(holder)
    assert ends(claimant)
    assert city.visitor(claimant.phone).id == holder.id
    assert city.row(claimant.id).closed_at is not None
    assert (city.notices_to(holder.phone)[-1], city.notices_to(claimant.phone)) == (
        "recovery_old_phone",
        ["recovery_new_phone"],
    )
    with database.transaction() as session:
        closing = session.scalars(select(Closing).where(Closing.resident_id == claimant.id)).one()
    assert (closing.report["reason"], closing.report["remaining"]) == ("joined", 0)


def test_a_case_settled_while_the_claimant_signs_in_leaves_nobody_in_the_closed_account(city, window, database):
    holder = city.resident()
    claimant = city.claimant_of(holder)
    proposed = window.propose(window.case_of(holder)).get_json()

    def act(number):
        return window.approve(proposed) if number == 0 else city.visitor(claimant.phone)

    approved, *signed_in = together(4, act)
    assert approved.status_code == 200, approved
    assert {one.id for one in signed_in if not isinstance(one, Exception)} <= {claimant.id, holder.id}
    city.app.test_client()
    with database.transaction() as session:
        mine = select(RefreshFamily).where(sign_ins.belong_to(city.rings, UUID(str(claimant.id))))
        assert session.scalars(mine).all() == []
    assert city.visitor(claimant.phone).id == holder.id


def test_a_phone_that_a_named_account_has_is_refused_and_leaves_the_case_open(city, window):
    holder, other = city.resident(), city.resident()
    assert code_of(window.open(holder, new_phone=other.phone)) == (409, "accounts.phone_taken")
    new = PersonFactory()
    case = window.open(holder, new_phone=new.phone).get_json()
    proposed = window.propose(case).get_json()
    meanwhile = city.visitor(new.phone)
    city.register.add(new)
    city.client.put(f"{API}/me/real-name", json=new.body(), headers=meanwhile.headers)
    assert code_of(window.approve(proposed)) == (409, "accounts.phone_taken")
    assert window.case_of(holder)["proposal"]["id"] == proposed["proposal"]["id"]
    assert city.visitor(new.phone).id == meanwhile.id
    assert holder.me().status_code == 200


def test_a_phone_that_a_nameless_account_took_meanwhile_is_joined(city, window):
    holder, new = city.resident(), random_phone()
    case = window.open(holder, new_phone=new).get_json()
    meanwhile = city.visitor(new)
    assert window.settle(case).status_code == 200
    assert ends(meanwhile)
    assert city.visitor(new).id == holder.id


def test_a_lost_phone_ends_sign_ins_and_suspends_codes_at_once(city, window):
    holder = city.resident().step_up()
    assert window.open(holder, "lost_phone").status_code == 201
    assert ends(holder)
    assert city.notices_to(holder.phone) == ["phone_lost"]
    again = city.visitor(holder.phone).step_up()
    states = [one["state"] for one in city.client.get(f"{API}/codes", headers=again.headers).get_json()["items"]]
    assert set(states) == {"suspended"}
    assert window.settle(window.case_of(holder)).status_code == 200
    assert city.notices_to(holder.phone)[-1] == "recovery_settled"
    assert ends(again)
    last = city.visitor(holder.phone).step_up()
    assert last.id == holder.id
    assert city.client.post(f"{API}/codes/identity/resume", headers=last.headers).get_json()["state"] == "active"


def test_a_lost_phone_may_be_replaced_by_a_new_number(city, window):
    holder, new = city.resident(), random_phone()
    window.settle(window.open(holder, "lost_phone", new_phone=new).get_json())
    assert city.visitor(new).id == holder.id


def test_a_recycled_number_is_reported_and_taken_off_by_two_persons(city, window, database):
    holder = city.resident()
    stranger = city.visitor(holder.phone)
    first = city.client.post(NOT_MINE, headers=stranger.headers)
    assert first.status_code == 202
    assert ends(stranger)
    assert holder.me().status_code == 200, "the holder loses nothing by it"
    second = city.client.post(NOT_MINE, headers=city.visitor(holder.phone).headers)
    assert second.get_json() == first.get_json()
    case = window.case_of(holder)
    assert case["kind"] == "recycled"
    with database.transaction() as session:
        opened = (AuditEvent.subject == case["id"]) & (AuditEvent.action == "accounts.open_recovery")
        event = session.scalars(select(AuditEvent).where(opened)).one()
    assert (event.actor_kind, event.actor_id) == ("resident", UUID(stranger.id))
    assert window.settle(case).status_code == 200
    assert ends(holder)
    assert city.notices_to(holder.phone) == ["recovery_old_phone"]
    assert city.row(holder.id).phone_sealed is None
    assert city.visitor(holder.phone).id != holder.id
    new = random_phone()
    window.settle(window.open(holder, new_phone=new).get_json())
    assert city.visitor(new).id == holder.id


def test_a_report_of_a_number_that_has_moved_on_is_stale_and_can_only_be_rejected(city, window):
    holder, new = city.resident(), random_phone()
    city.client.post(NOT_MINE, headers=city.visitor(holder.phone).headers)
    reported = window.case_of(holder)
    window.settle(window.open(holder, new_phone=new).get_json())
    proposed = window.propose(reported).get_json()
    assert code_of(window.approve(proposed)) == (409, "accounts.recovery_case_stale")
    body = {"proposal_id": proposed["proposal"]["id"]}
    withdrawn = city.client.post(f"{CASES}/{reported['id']}/withdraw", json=body, headers=window.clerk)
    assert withdrawn.get_json()["proposal"] is None
    assert window.settle(reported, "reject").get_json()["state"] == "rejected"
    assert city.visitor(new).id == holder.id


def test_ones_own_account_is_not_reported(city):
    visitor, holder = city.visitor(), city.resident()
    holder.step_up()
    for one in (visitor, holder):
        answer = city.client.post(NOT_MINE, headers=one.headers)
        assert code_of(answer) == (409, "accounts.account_is_yours")
        assert one.me().status_code == 200


def test_a_rejected_case_changes_nothing_and_all_sides_are_told(city, window):
    holder = city.resident()
    claimant = city.claimant_of(holder)
    assert window.settle(window.case_of(holder), "reject").get_json()["state"] == "rejected"
    assert (holder.me().status_code, claimant.me().status_code) == (200, 200)
    assert city.notices_to(holder.phone)[-1] == city.notices_to(claimant.phone)[-1] == "recovery_rejected"
    city.client.put(f"{API}/me/real-name", json=holder.person.body(), headers=claimant.headers)
    assert window.case_of(holder)["claimant"]["id"] == window.id_of(claimant), "it can be claimed anew"


def test_one_case_of_a_kind_is_open_at_a_time(city, window):
    holder = city.resident()
    case = window.open(holder, new_phone=random_phone()).get_json()
    again = window.open(holder, new_phone=random_phone())
    assert (*code_of(again), again.get_json()["case"]) == (409, "accounts.recovery_case_exists", case["id"])
    at_once = together(4, lambda _: window.open(holder, "lost_phone"))
    assert sorted(answer.status_code for answer in at_once) == [201, 409, 409, 409]


def test_another_decision_waits_until_the_first_is_withdrawn(city, window):
    case = window.open(city.resident(), new_phone=random_phone()).get_json()
    first = window.propose(case).get_json()
    assert window.propose(case, headers=city.staff("clerk")).get_json()["proposal"]["id"] == first["proposal"]["id"]
    assert code_of(window.propose(case, "reject")) == (409, "accounts.proposal_taken")
    body = {"proposal_id": first["proposal"]["id"]}
    assert city.client.post(f"{CASES}/{case['id']}/withdraw", json=body, headers=window.clerk).status_code == 200
    second = window.propose(case, "reject").get_json()
    assert code_of(window.approve(first)) == (409, "accounts.proposal_over")
    assert window.approve(second).get_json()["state"] == "rejected"
    for late in (window.propose(case), window.approve(second)):
        assert code_of(late) == (409, "accounts.recovery_case_over")


def test_only_the_cases_own_proposal_is_approved(city, window, database):
    one, other = (window.open(city.resident(), new_phone=random_phone()).get_json() for _ in range(2))
    proposed = window.propose(other).get_json()
    for proposal in (proposed["proposal"]["id"], str(new_id())):
        wrong = {"id": one["id"], "proposal": {"id": proposal}}
        assert code_of(window.approve(wrong)) == (404, "accounts.proposal_not_found")
    unknown = {"id": str(new_id()), "proposal": proposed["proposal"]}
    assert code_of(window.approve(unknown)) == (404, "accounts.recovery_case_not_found")
    assert code_of(window.propose(unknown)) == (404, "accounts.recovery_case_not_found")
    with database.transaction() as session:
        assert session.get_one(Proposal, proposed["proposal"]["id"]).approved_at is None


def test_a_proposal_of_yesterday_is_over_and_shown_no_more(city, window, make_app):
    case = window.open(city.resident(), new_phone=random_phone()).get_json()
    proposed = window.propose(case).get_json()
    with city.database.transaction() as session:
        session.get_one(Proposal, proposed["proposal"]["id"]).expires_at = system_clock() - timedelta(seconds=1)
    assert code_of(window.approve(proposed)) == (409, "accounts.proposal_over")
    (listed,) = [one for one in window.cases() if one["id"] == case["id"]]
    assert listed["proposal"] is None
    assert window.propose(case).get_json()["proposal"]["id"] != proposed["proposal"]["id"]


def test_an_unknown_number_or_another_name_is_404_and_recorded(city, window, database):
    holder = city.resident()
    unknown = window.open(holder, id_number=random_id_number(), new_phone=random_phone())
    misnamed = window.open(holder, name="另一人", new_phone=random_phone(), case_number="QD-2026-MISNAMED")
    assert code_of(unknown) == code_of(misnamed) == (404, "accounts.resident_not_found")
    with database.transaction() as session:
        event = session.scalars(select(AuditEvent).where(AuditEvent.case_number == "QD-2026-MISNAMED")).one()
        assert (event.action, event.subject) == ("residents.look_up", holder.id)
        assert session.scalars(select(RecoveryCase).where(RecoveryCase.holder_id == holder.id)).all() == []


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"kind": "claimed"}, "kind"),
        ({"kind": 1}, "kind"),
        ({"new_phone": None}, "new_phone"),
        ({"new_phone": "123"}, "new_phone"),
        ({"new_phone": ["13800000001"]}, "new_phone"),
        ({"id_number": "370202199002300011"}, "id_number"),
        ({"id_type": "library_card"}, "id_type"),
        ({"name": "测" * 61}, "name"),
        ({"basis": "x"}, "basis"),
        ({"basis": "查" * 501}, "basis"),
        ({"basis": "已核对 13800000001"}, "basis"),
        ({"basis": "１３８０００００００１"}, "basis"),
        ({"basis": None}, "basis"),
        ({"case_number": "x"}, "case_number"),
        ({"extra": 1}, "extra"),
    ],
)
def test_what_cannot_be_opened_is_422(city, window, changed, field):
    holder = city.resident()
    answer = window.open(holder, **({"new_phone": random_phone()} | changed))
    assert answer.status_code == 422
    assert set(answer.get_json()["errors"]) == {field}


def test_a_case_without_what_it_needs_is_422(city, window):
    holder = city.resident()
    assert set(window.open(holder).get_json()["errors"]) == {"new_phone"}
    assert set(window.open(holder, new_phone=holder.phone).get_json()["errors"]) == {"new_phone"}
    missing = city.client.post(CASES, json={}, headers=window.clerk).get_json()["errors"]
    assert set(missing) == {"kind", "id_type", "id_number", "basis", "case_number"}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("propose", {}),
        ("propose", {"decision": "delete", "basis": BASIS}),
        ("propose", {"decision": "settle"}),
        ("propose", {"decision": "settle", "basis": "电话 13800000001"}),
        ("approve", {}),
        ("approve", {"proposal_id": "1"}),
        ("approve", {"proposal_id": None}),
        ("withdraw", {"proposal_id": 5}),
    ],
)
def test_a_decision_that_cannot_be_is_422(city, window, path, body):
    answer = city.client.post(f"{CASES}/{new_id()}/{path}", json=body, headers=city.staff("city_admin"))
    assert answer.status_code == 422


def test_lists_are_paged_and_know_the_states_only(city, window):
    for _ in range(2):
        window.open(city.resident(), new_phone=random_phone())
    page = city.client.get(f"{CASES}?limit=1", headers=window.clerk).get_json()
    following = city.client.get(f"{CASES}?limit=1&cursor={page['next']}", headers=window.clerk).get_json()
    assert page["items"][0]["id"] < following["items"][0]["id"]
    for query in ("state=lost", "cursor=AAAA", "limit=0", "holder=x"):
        assert city.client.get(f"{CASES}?{query}", headers=window.clerk).status_code == 422


@pytest.mark.parametrize("refused", ["open already", "taken", "the same"])
def test_a_lost_phone_protects_even_where_the_case_is_refused(city, window, database, refused):
    holder, other = city.resident(), city.resident()
    window.open(holder, "lost_phone")
    again = city.visitor(holder.phone).step_up()
    for kind in ("identity", "health"):
        assert city.client.post(f"{API}/codes/{kind}/resume", headers=again.headers).status_code == 200
    if refused != "open already":
        window.settle(window.case_of(holder), "reject")
    new = {"open already": None, "taken": other.phone, "the same": holder.phone}[refused]
    answer = window.open(holder, "lost_phone", new_phone=new, case_number="QD-2026-LOST-1")
    assert answer.status_code == (422 if refused == "the same" else 409)
    assert ends(again)
    shown = city.client.get(f"{API}/codes", headers=city.visitor(holder.phone).step_up().headers).get_json()["items"]
    assert {one["state"] for one in shown} == {"suspended"}
    assert city.notices_to(holder.phone).count("phone_lost") == 2
    with database.transaction() as session:
        events = select(AuditEvent.details).where(
            AuditEvent.action == "accounts.lose_phone", AuditEvent.subject == holder.id
        )
        assert [one["sessions"] for one in session.scalars(events.order_by(AuditEvent.id))] == [1, 1]


def test_a_report_of_another_number_takes_the_place_of_one_that_nobody_settled(city, window):
    holder, new = city.resident(), random_phone()
    city.client.post(NOT_MINE, headers=city.visitor(holder.phone).headers)
    stale = window.case_of(holder)
    proposed = window.propose(stale).get_json()
    window.settle(window.open(holder, new_phone=new).get_json())
    second = city.client.post(NOT_MINE, headers=city.visitor(new).headers).get_json()
    assert second["id"] != stale["id"]
    (case,) = [one for one in window.cases() if one["holder"]["id"] == window.id_of(holder)]
    assert (case["id"], case["phone"]) == (second["id"], f"{new[:3]}****{new[7:]}")
    assert code_of(window.approve(proposed)) == (409, "accounts.recovery_case_over")
    assert window.settle(case).status_code == 200
    assert city.row(holder.id).phone_sealed is None


def test_what_a_recycled_number_left_is_not_taken_by_the_registers_word_alone(city, window):
    holder = city.resident()
    city.client.post(NOT_MINE, headers=city.visitor(holder.phone).headers)
    window.settle(window.case_of(holder))
    claimant = city.claimant_of(holder)
    assert (city.row(holder.id).phone_sealed, city.row(claimant.id).closed_at) == (None, None)
    (case,) = [one for one in window.cases() if one["holder"]["id"] == window.id_of(holder)]
    assert window.settle(case).status_code == 200
    assert city.visitor(claimant.phone).id == holder.id
