"""What a case shows to staff: who holds the account and who claims it, masked; and which reading is recorded."""

import uuid

from sqlalchemy import select, text

from qe_ban.accounts.models import Resident
from qe_ban.accounts.rules import CaseState
from qe_ban.accounts.service import recovery
from qe_ban.audit import service as audit
from qe_ban.audit.models import AuditEvent
from qe_ban.kernel.clock import system_clock
from qe_ban.kernel.principal import Principal, PrincipalKind
from tests.factories.accounts import random_phone
from tests.factories.recovery import CASES


def masked(phone):
    return f"{phone[:3]}****{phone[7:]}"


def side(resident):
    """Return what staff see of somebody whose name is confirmed."""
    name, number = resident.person.name, resident.person.id_number
    return {
        "phone": masked(resident.phone),
        "name": name[0] + "*" * (len(name) - 2) + name[-1] if len(name) > 2 else name[0] + "*",
        "id_type": "resident_id",
        "id_number": number[0] + "*" * 16 + number[-1],
    }


def person(side):
    return {name: side[name] for name in ("phone", "name", "id_type", "id_number")}


def test_the_holder_is_shown_with_phone_name_and_number_masked(city, window):
    holder = city.resident()
    case = window.open(holder, new_phone=random_phone()).get_json()
    assert person(case["holder"]) == side(holder)
    assert case["claimant"] is None


def test_a_claimant_is_shown_by_the_phone_alone_until_the_name_is_theirs(city, window):
    holder = city.resident()
    claimant = city.claimant_of(holder)
    case = window.case_of(holder)
    assert person(case["holder"]) == side(holder)
    assert person(case["claimant"]) == {
        "phone": masked(claimant.phone),
        "name": None,
        "id_type": None,
        "id_number": None,
    }


def test_a_holder_who_lost_the_phone_is_shown_without_one(city, window, database):
    holder = city.resident()
    window.open(holder, kind="lost_phone")
    with database.transaction() as session:
        row = session.get_one(Resident, uuid.UUID(holder.id))
        row.phone_sealed = row.phone_index = row.phone_index_next = None
    assert person(window.case_of(holder)["holder"]) == side(holder) | {"phone": None}


def test_a_proposal_is_shown_while_it_waits_and_with_whose_it_is(city, window):
    holder = city.resident()
    case = window.open(holder, new_phone=random_phone()).get_json()
    assert case["proposal"] is None
    proposed = window.propose(case).get_json()["proposal"]
    assert window.case_of(holder)["proposal"] == proposed
    seen = window.cases(headers=window.officer)
    assert [one["proposal"]["own"] for one in seen if one["id"] == case["id"]] == [False]


def test_cases_are_listed_by_age_whatever_happened_to_them_since(city, window, accounts, database):
    first, second = (window.open(city.resident(), new_phone=random_phone()).get_json()["id"] for _ in range(2))
    window.wait({"id": first})
    clerk = Principal(PrincipalKind.STAFF, uuid.uuid4(), frozenset(), uuid.uuid4())
    with database.transaction() as session:
        # the order is the query's own and not that of the plan which PostgreSQL happens to choose
        for plan in ("indexscan", "bitmapscan"):
            session.execute(text(f"SET LOCAL enable_{plan} = off"))
        shown = recovery.list_recovery(
            accounts, session, state=CaseState.OPEN, after=None, limit=1000, change=audit.Change(clerk, system_clock())
        )
    listed = [str(one.case.id) for one in shown]
    assert listed.index(first) < listed.index(second)
    assert listed == sorted(listed)


def test_a_reading_is_recorded_with_its_reader_its_request_and_what_was_asked(city, window, database):
    for _ in range(2):
        window.open(city.resident(), new_phone=random_phone())
    first = city.client.get(f"{CASES}?limit=1", headers=window.clerk).get_json()
    (before,), asked = first["items"], f"reading-{uuid.uuid4()}"
    headers = window.clerk | {"X-Request-Id": asked}
    (case,) = city.client.get(f"{CASES}?limit=1&cursor={first['next']}", headers=headers).get_json()["items"]
    with database.transaction() as session:
        event = session.scalars(select(AuditEvent).where(AuditEvent.request_id == asked)).one()
    assert (event.action, event.actor_kind) == ("accounts.read_recovery", "staff")
    assert (event.details["state"], event.details["after"]) == ("open", before["id"])
    assert event.details["cases"][0] == case["id"]


def test_no_more_cases_are_read_for_a_holder_than_are_wanted(city, window, accounts, database):
    holder = city.resident()
    for kind in ("new_phone", "lost_phone"):
        window.open(holder, kind=kind, new_phone=random_phone())
    with database.transaction() as session:
        found = [
            recovery.list_holder_cases(accounts, session, holder_id=uuid.UUID(holder.id), before=None, limit=limit)
            for limit in (1, 2)
        ]
    assert [case.kind for case in found[1]] == ["lost_phone", "new_phone"]
    assert found[0] == found[1][:1]
