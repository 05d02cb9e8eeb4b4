"""A ward's account closes: by a guardian after seven days, by two persons at a window, or when nobody holds it."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select, update

from qe_ban.accounts import errors, rules
from qe_ban.accounts.models import Closing, Guardianship, Resident
from qe_ban.accounts.service import closing, unheld, ward_closings
from qe_ban.accounts.service.wards import confirming
from qe_ban.app import create_worker
from qe_ban.audit.models import AuditEvent
from qe_ban.audit.service import AtShell
from qe_ban.db import overlaps
from qe_ban.db.engine import DatabaseUnavailable
from qe_ban.kernel.clock import end_of_day, system_clock
from qe_ban.kernel.ids import new_id
from tests.factories.accounts import API, PersonFactory, together

DAY = timedelta(days=1)
SEVEN_DAYS = 7 * DAY
CASE = {"case_number": "QD-2026-000001"}


class Household:
    """A ward with or without a phone, and two guardians in whose custody the ward is."""

    def __init__(self, city, *, phone=False, basis="custody"):
        self.city, self.person = city, PersonFactory()
        self.ward = city.resident() if phone else None
        self.ward_id = UUID(self.ward.id) if phone else self._record()
        self.mother, self.father = city.resident().step_up(), city.resident().step_up()
        self.by_mother, self.by_father = self.guard(self.mother, basis), self.guard(self.father, basis)

    def _record(self):
        with self.city.database.transaction() as session:
            return confirming.account_of(self.city.accounts, session, self.person.real_name(), system_clock())

    def guard(self, guardian, basis="custody"):
        now, made = system_clock(), new_id()
        with self.city.database.transaction() as session:
            session.add(
                Guardianship(
                    id=made,
                    guardian_id=UUID(guardian.id),
                    ward_id=self.ward_id,
                    id_type="resident_id",
                    relation="parent",
                    basis=basis,
                    state="active",
                    requested_at=now,
                    confirmed_at=now,
                    confirmed_by="window",
                )
            )
        return made

    def call(self, who, method, guardianship, body=None):
        path = f"{API}/me/wards/{guardianship}/closing"
        return self.city.client.open(path, method=method, json=body, headers=who.headers)

    def ask(self, who=None, guardianship=None):
        return self.call(who or self.mother, "POST", guardianship or self.by_mother, {"confirm": True})

    def pass_time(self, time):
        """Have all of the ward lie so much longer ago: the keys of days to come are not there yet."""
        with self.city.database.transaction() as session:
            of_ward = Guardianship.ward_id == self.ward_id
            later = {"closing_due_at": Guardianship.closing_due_at - time, "ended_at": Guardianship.ended_at - time}
            session.execute(update(Guardianship).where(of_ward).values(later))
            made = update(Resident).where(Resident.id == self.ward_id)
            session.execute(made.values(created_at=Resident.created_at - time))

    def run(self, after=SEVEN_DAYS + timedelta(days=1)):
        """Let the worker come so much later."""
        self.pass_time(after)
        ward_closings.close_due_wards(self.city.accounts, self.city.database, system_clock)

    def row(self):
        with self.city.database.transaction() as session:
            return session.get_one(Resident, self.ward_id)

    def proof(self):
        with self.city.database.transaction() as session:
            return session.scalars(select(Closing).where(Closing.resident_id == self.ward_id)).one_or_none()


@pytest.fixture
def household(city):
    return Household(city)


def heard(answer):
    return answer.status_code, answer.get_json()["code"]


def test_a_guardian_asks_and_after_seven_days_the_account_closes_with_a_proof(city, household):
    plan = household.call(household.mother, "GET", household.by_mother).get_json()
    assert plan["due_at"] is None
    assert {"what": "guardianships", "name": "监护与代办关系", "rows": 2} in plan["ends"]
    asked = household.ask()
    due = end_of_day(system_clock() + SEVEN_DAYS)
    assert (asked.status_code, asked.get_json()["due_at"]) == (202, due.strftime("%Y-%m-%dT%H:%M:%SZ"))
    assert (
        household.call(household.father, "GET", household.by_father).get_json()["due_at"] == asked.get_json()["due_at"]
    )
    assert city.notices_to(household.father.phone) == ["ward_closing_asked"]
    assert city.notices_to(household.mother.phone) == []
    household.run(SEVEN_DAYS - timedelta(minutes=1))
    assert household.row().closed_at is None
    household.run()
    assert (household.row().closed_at is not None, household.row().name_sealed) == (True, None)
    proof = household.proof()
    assert (proof.report["reason"], proof.report["remaining"], proof.report["ended"]["guardianships"]) == (
        "guardian",
        0,
        2,
    )
    assert city.notices_to(household.mother.phone) == ["ward_ended", "account_closed"]
    assert city.notices_to(household.father.phone) == ["ward_closing_asked", "ward_ended"]
    again = city.client.get(f"{API}/closings/{proof.id}")
    assert (again.status_code, again.get_json()["remaining"]) == (200, 0)
    assert heard(household.ask()) == (404, "accounts.ward_not_found")


def test_asked_again_the_first_time_counts_and_tells_nobody_anew(city, household):
    first = household.ask().get_json()
    assert household.ask().get_json() == first
    assert city.notices_to(household.father.phone) == ["ward_closing_asked"]


@pytest.mark.parametrize("by", ["mother", "father", "ward", "window"])
def test_everybody_who_has_a_say_stops_it_and_the_others_are_told(city, clerk, by):
    household = Household(city, phone=True)
    household.ask()
    assert city.notices_to(household.ward.phone) == ["ward_closing_asked"]
    client = city.client
    if by == "ward":
        stop = lambda: client.delete(f"{API}/me/closing", headers=household.ward.step_up().headers)  # noqa: E731
    elif by == "window":
        body = {"reason": "家属反对", **CASE}
        path = f"{API}/guardianships/{household.by_father}/stop-closing"
        stop = lambda: client.post(path, json=body, headers=clerk)  # noqa: E731
    else:
        who, guardianship = getattr(household, by), getattr(household, f"by_{by}")
        stop = lambda: household.call(who, "DELETE", guardianship)  # noqa: E731
    assert stop().status_code == 204
    told = {name: city.notices_to(getattr(household, name).phone)[-1:] for name in ("mother", "father", "ward")}
    assert {name for name, last in told.items() if last == ["ward_closing_stopped"]} == {*told} - {by}
    household.run()
    assert household.row().closed_at is None
    assert heard(stop()) == (404, "accounts.closing_not_asked")
    with city.database.transaction() as session:
        acts = (AuditEvent.action == "wards.stop_closing") & AuditEvent.subject.in_(
            [str(household.by_mother), str(household.by_father)]
        )
        ward_subjects = session.scalars(select(AuditEvent).where(acts)).all()
    assert [event.case_number for event in ward_subjects] == [CASE["case_number"] if by == "window" else None]


def test_who_was_merely_entrusted_closes_nothing(city):
    household = Household(city, basis="entrusted")
    assert heard(household.ask()) == (409, "accounts.closing_not_yours")


def test_it_takes_an_express_word_and_a_fresh_face_of_the_guardian(city, household):
    for body in ({}, {"confirm": False}, {"confirm": "true"}, {"confirm": True, "x": 1}, [], {"confirm": None}):
        answer = household.call(household.mother, "POST", household.by_mother, body)
        assert answer.status_code == 422, body
    other = city.resident()
    plain = household.guard(other)
    assert heard(household.ask(other, plain)) == (403, "step_up_required")
    assert heard(household.ask(household.mother, household.by_father)) == (404, "accounts.ward_not_found")


@pytest.mark.parametrize(
    "body", [{}, {"reason": "好"}, {"reason": "x" * 201, **CASE}, {"reason": "家属反对13900000000", **CASE}]
)
def test_a_window_says_why_and_for_which_case(city, clerk, household, body):
    household.ask()
    path = f"{API}/guardianships/{household.by_mother}/stop-closing"
    assert city.client.post(path, json=body, headers=clerk).status_code == 422
    unknown = f"{API}/guardianships/{new_id()}/stop-closing"
    answer = city.client.post(unknown, json={"reason": "家属反对", **CASE}, headers=clerk)
    assert heard(answer) == (404, "accounts.guardianship_not_found")


def test_a_wish_ends_with_the_guardianship_of_who_asked(city, household):
    household.ask()
    ended = city.client.delete(f"{API}/me/wards/{household.by_mother}", headers=household.mother.headers)
    assert ended.status_code == 204
    household.run()
    assert household.row().closed_at is None


def test_a_wish_of_a_guardianship_whose_time_is_over_closes_nothing(city, household):
    household.ask()
    with city.database.transaction() as session:
        session.get_one(Guardianship, household.by_mother).ends_at = system_clock()
    household.run()
    assert household.row().closed_at is None


def test_stopping_and_closing_at_once_leave_one_outcome(city, household):
    household.ask()
    with city.database.transaction() as session:
        session.get_one(Guardianship, household.by_mother).closing_due_at = system_clock()

    def do(number):
        if number:
            return household.call(household.father, "DELETE", household.by_father).status_code
        with city.database.transaction() as session:
            return ward_closings.close_due(city.accounts, session, household.by_mother, system_clock())

    closed, stopped = together(2, do)
    assert (closed is None, stopped) in {(True, 204), (False, 404)}
    assert (household.row().closed_at is None) is (closed is None)


def test_two_workers_close_an_account_once(city, household):
    household.ask()
    with city.database.transaction() as session:
        session.get_one(Guardianship, household.by_mother).closing_due_at = system_clock()

    def do(_):
        with city.database.transaction() as session:
            return ward_closings.close_due(city.accounts, session, household.by_mother, system_clock()) is not None

    assert sorted(together(3, do)) == [False, False, True]


def _close_and_die(city, ward_id):
    """Close an account, and lose the connection before it is committed."""
    with city.database.transaction() as session:
        row = session.get_one(Resident, ward_id, with_for_update=True)
        closing.close(city.accounts, session, row, change=AtShell(system_clock()), why="guardian")
        pid = session.scalar(select(func.pg_backend_pid()))
        with city.database.transaction() as other:
            other.execute(select(func.pg_terminate_backend(pid)))
        session.scalar(select(Resident.id).limit(1))


def test_a_death_in_the_middle_leaves_the_account_as_it_was(city, household):
    household.ask()
    with pytest.raises(DatabaseUnavailable):
        _close_and_die(city, household.ward_id)
    assert (household.row().closed_at, household.row().name_sealed is None) == (None, False)
    assert household.proof() is None
    household.run()
    assert household.proof() is not None


# at a window


@pytest.fixture
def opened(city, window, household):
    def do(**changed):
        return window.open(household, "closing", **{"basis": "监护人到场，材料齐全"} | changed)

    return do


def test_two_persons_at_a_window_close_a_wards_account_and_the_guardians_are_told(city, window, household, opened):
    case = opened()
    assert case.status_code == 201, case.get_json()
    assert city.notices_to(household.mother.phone) == city.notices_to(household.father.phone) == ["closing_opened"]
    case = case.get_json()
    early = window.approve(window.propose(case, has_waited=False).get_json())
    assert heard(early) == (409, "accounts.recovery_too_early")
    own = window.approve(window.propose(case).get_json(), headers=window.clerk)
    assert own.status_code == 403
    settled = window.settle(case)
    assert settled.status_code == 200, settled.get_json()
    assert (settled.get_json()["state"], household.row().closed_at is None) == ("settled", False)
    proof = city.client.get(f"{API}/closings/{settled.get_json()['proof']}").get_json()
    assert (proof["remaining"], {row["what"]: row["rows"] for row in proof["ended"]}["guardianships"]) == (0, 2)
    assert city.notices_to(household.mother.phone)[-1] == "account_closed"
    with city.database.transaction() as session:
        acts = (AuditEvent.action == "accounts.close_account") & (AuditEvent.subject == str(household.ward_id))
        event = session.scalars(select(AuditEvent).where(acts)).one()
    assert event.details["after"]["reason"] == "window"
    assert event.actor_kind == "staff"


def test_a_case_for_a_closing_names_no_phone_and_is_one_at_a_time(opened):
    assert opened(new_phone="13912345678").get_json()["errors"] == {"new_phone": ["注销账号不需要新手机号码"]}
    assert opened().status_code == 201
    assert heard(opened()) == (409, "accounts.recovery_case_exists")


def test_a_rejected_case_closes_nothing(window, household, opened):
    rejected = window.settle(opened().get_json(), "reject")
    assert (rejected.get_json()["state"], rejected.get_json()["proof"]) == ("rejected", None)
    assert household.row().closed_at is None


def test_of_a_resident_with_a_phone_the_holder_stops_it(city, window):
    holder = city.resident().step_up()
    case = window.open(holder, "closing").get_json()
    assert city.notices_to(holder.phone) == ["closing_opened"]
    assert heard(window.approve(window.propose(case, has_waited=False).get_json())) == (
        409,
        "accounts.recovery_too_early",
    )
    stopped = city.client.post(f"{API}/me/recovery/{case['id']}/object", headers=holder.headers)
    assert (stopped.status_code, stopped.get_json()["kind"]) == (200, "closing")
    assert city.row(holder.id).closed_at is None


def test_while_programs_of_the_previous_release_may_serve_no_such_case_is_opened(opened, monkeypatch):
    monkeypatch.setattr(overlaps, "is_over", lambda *_: False)
    answer = opened()
    assert (answer.status_code, [*answer.get_json()["errors"]]) == (422, ["kind"])


# records that nobody holds


HALF_A_YEAR = rules.UNHELD_FOR


def close_unheld(city, *households, after):
    for one in households:
        one.pass_time(after)
    unheld.close_unheld(city.accounts, city.database, system_clock)


def leave(household, *guardians):
    for guardian in guardians:
        answer = household.city.client.post(f"{API}/me/closing", json={"confirm": True}, headers=guardian.headers)
        assert answer.status_code == 200, answer.get_json()


def test_a_record_without_phone_and_guardian_ends_after_half_a_year(city, household):
    leave(household, household.mother)
    close_unheld(city, household, after=HALF_A_YEAR + DAY)
    assert household.row().closed_at is None, "the other guardian stands"
    leave(household, household.father)
    close_unheld(city, household, after=HALF_A_YEAR - DAY)
    assert household.row().closed_at is None
    close_unheld(city, household, after=2 * DAY)
    assert household.row().closed_at is not None
    assert (household.proof().report["reason"], household.proof().report["remaining"]) == ("unheld", 0)
    with city.database.transaction() as session:
        acts = (AuditEvent.action == "accounts.close_account") & (AuditEvent.subject == str(household.ward_id))
        event = session.scalars(select(AuditEvent).where(acts)).one()
    assert (event.actor_kind, event.details["after"]["reason"]) == (None, "unheld")


def test_an_account_with_a_phone_is_left_alone_however_long_nobody_comes(city):
    household = Household(city, phone=True)
    leave(household, household.mother, household.father)
    close_unheld(city, household, after=timedelta(days=4000))
    assert household.row().closed_at is None


def test_a_record_that_a_window_works_on_is_left_alone(city, household, opened):
    leave(household, household.mother, household.father)
    assert opened().status_code == 201
    close_unheld(city, household, after=HALF_A_YEAR + DAY)
    assert household.row().closed_at is None


def test_a_guardian_who_comes_while_it_ends_is_counted(city, household):
    leave(household, household.mother, household.father)
    household.pass_time(HALF_A_YEAR + DAY)
    household.guard(city.resident())
    with city.database.transaction() as session:
        assert unheld._close(city.accounts, session, household.ward_id, system_clock()) is False
    assert household.row().closed_at is None


def test_one_record_that_cannot_be_closed_holds_up_no_other(city, household, monkeypatch):
    leave(household, household.mother, household.father)
    second = Household(city)
    leave(second, second.mother, second.father)
    stuck, close = household.ward_id, closing.close

    def fail(accounts, session, resident, **more):
        if resident.id == stuck:
            raise errors.ClosingUnsettled
        return close(accounts, session, resident, **more)

    monkeypatch.setattr(closing, "close", fail)
    close_unheld(city, household, second, after=HALF_A_YEAR + DAY)
    assert (household.row().closed_at is None, second.row().closed_at is None) == (True, False)
    monkeypatch.undo()
    close_unheld(city, after=DAY)
    assert household.row().closed_at is not None


def test_the_worker_closes_what_is_due_and_what_nobody_holds(city, settings):
    due, unheld_ = Household(city), Household(city)
    due.ask()
    due.pass_time(SEVEN_DAYS + DAY)
    leave(unheld_, unheld_.mother, unheld_.father)
    unheld_.pass_time(HALF_A_YEAR + DAY)
    schedules = {one.name: one for one in create_worker(settings)._schedules._schedules}
    for name in ("accounts.wards_leave", "accounts.unheld"):
        with city.database.transaction() as session:
            schedules[name].run(session, system_clock())
    assert (due.proof().report["reason"], unheld_.proof().report["reason"]) == ("guardian", "unheld")
