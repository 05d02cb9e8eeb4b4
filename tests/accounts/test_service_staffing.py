"""Members of staff who are changed, disabled and enabled: at once, for every sign-in, and with a record."""

import itertools
import threading
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from qe_ban.accounts import errors, service
from qe_ban.accounts.models import RefreshFamily, Staff
from qe_ban.accounts.service import Accounts, Tokens
from qe_ban.audit.models import AuditEvent
from qe_ban.audit.service import AtShell
from qe_ban.kernel.clock import system_clock
from qe_ban.kernel.principal import Place
from qe_ban.web import parts
from tests.factories.accounts import StaffFactory, bearer, sign_in_staff, together
from tests.factories.waits import HANG_TIMEOUT

MINUTE = timedelta(minutes=1)
DEPARTMENT = "11370200MB1234567X"


@pytest.fixture
def staff(database, rings, now):
    made = StaffFactory(roles=("editor",), place=Place(hall="city"))
    made.create(database, rings, now)
    return made


@pytest.fixture
def sign_in(accounts, database, now):
    def do(staff, at=now):
        with database.transaction() as session:
            begun = service.begin_sign_in(session, username=staff.username, now=at)
        with database.transaction() as session:
            return service.finish_sign_in(
                accounts, session, attempt=begun, password_fits=True, totp=staff.code(at), now=at
            )

    return do


@pytest.fixture
def do(database, now):
    def call(verb, staff, at=now, **options):
        with database.transaction() as session:
            return verb(session, username=getattr(staff, "username", staff), change=AtShell(at), **options)

    return call


@pytest.fixture
def principal(database, accounts, now):
    """Tell whose token it is, for a worker that looks at the revocations now; None where it is refused."""

    def do(tokens, at=now):
        looking = replace(accounts, revocations=service.poll_revocations(database, lambda: at))
        with suppress(errors.TokenInvalid):
            return service.principal_from(looking, tokens.access, at)

    return do


def events(database, staff):
    with database.transaction() as session:
        found = session.scalar(select(Staff).where(Staff.username == staff.username))
        rows = session.scalars(select(AuditEvent).where(AuditEvent.subject == str(found.id)).order_by(AuditEvent.id))
        return [(event.action, event.details) for event in rows][1:]


def test_who_is_disabled_is_out_at_once_and_everywhere(database, accounts, staff, sign_in, do, principal, now):
    first, second = sign_in(staff), sign_in(staff, now + MINUTE)
    assert principal(first)
    assert principal(second)
    assert do(service.disable_staff, staff, now + MINUTE) is True
    assert principal(first) is None
    assert principal(second) is None
    for tokens in (first, second):
        with database.transaction() as session:
            refused = service.refresh(accounts, session, text=tokens.refresh, now=now + MINUTE)
        assert isinstance(refused, errors.RefreshRefused)
    assert isinstance(sign_in(staff, now + 2 * MINUTE), errors.StaffRefused)


def test_who_is_enabled_again_signs_in_at_once_and_what_was_ended_stays_so(staff, sign_in, do, principal, now):
    before = sign_in(staff)
    do(service.disable_staff, staff)
    assert do(service.enable_staff, staff) is True
    after = sign_in(staff, now + MINUTE)
    assert isinstance(after, Tokens)
    assert principal(before) is None
    assert principal(after).place == Place(hall="city")


def test_who_is_changed_signs_in_again_as_what_they_are_now(staff, sign_in, do, principal, now):
    before = sign_in(staff)
    assert "pages.write" in principal(before).scopes
    assert do(service.change_staff, staff, roles=["reviewer"], place=Place(zone="karos")) is True
    assert principal(before) is None
    after = principal(sign_in(staff, now + MINUTE))
    assert (after.roles, after.place) == ({"reviewer"}, Place(zone="karos"))
    assert "pages.write" not in after.scopes


def test_roles_and_place_are_changed_each_by_itself(database, staff, do):
    do(service.change_staff, staff, roles=["reviewer", "editor", "editor"])
    do(service.change_staff, staff, place=Place())
    with database.transaction() as session:
        row = session.scalar(select(Staff).where(Staff.username == staff.username))
    assert (row.roles, row.hall, row.zone, row.district, row.department) == (["editor", "reviewer"], *[None] * 4)


def test_each_change_is_recorded_with_before_and_after(database, staff, do, now):
    do(service.change_staff, staff, roles=["reviewer"])
    do(service.change_staff, staff, place=Place(zone="karos"))
    do(service.disable_staff, staff)
    do(service.enable_staff, staff)
    told = [(action, details["before"], details["after"]) for action, details in events(database, staff)]
    moment = told[2][2]["disabled_at"]
    assert told == [
        ("accounts.change_staff", {"roles": ["editor"]}, {"roles": ["reviewer"]}),
        ("accounts.change_staff", {"hall": "city", "zone": None}, {"hall": None, "zone": "karos"}),
        ("accounts.disable_staff", {"disabled_at": None}, {"disabled_at": moment}),
        ("accounts.enable_staff", {"disabled_at": moment}, {"disabled_at": None}),
    ]
    assert {details["username"] for _, details in events(database, staff)} == {staff.username}


def test_what_changes_nothing_ends_nothing_and_is_not_recorded(database, staff, sign_in, do, principal):
    tokens = sign_in(staff)
    assert do(service.change_staff, staff, roles=["editor"], place=Place(hall="city")) is False
    assert do(service.change_staff, staff) is False
    assert do(service.enable_staff, staff) is False
    assert principal(tokens)
    assert events(database, staff) == []
    do(service.disable_staff, staff)
    assert do(service.disable_staff, staff) is False
    assert len(events(database, staff)) == 1


def test_somebody_elses_sign_ins_stay(database, rings, staff, sign_in, do, principal, now):
    other = StaffFactory()
    other.create(database, rings, now)
    tokens = sign_in(other)
    do(service.disable_staff, staff)
    assert principal(tokens)


@pytest.mark.parametrize(
    "changed",
    [
        {"roles": []},
        {"roles": ["root"]},
        {"roles": ["editor", "auditor"]},
        {"roles": ["auditor"]},
        {"roles": ["city_admin"]},
        {"roles": ["district_admin"]},
        {"place": Place(hall="a", zone="b")},
        {"place": Place(hall="../x")},
        {"place": Place(department="x")},
        {"place": Place(department=DEPARTMENT, hall="city")},
    ],
)
def test_what_a_member_of_staff_cannot_be_is_refused_and_nothing_changes(
    database, staff, sign_in, do, principal, changed
):
    tokens = sign_in(staff)
    with pytest.raises(errors.StaffInvalid):
        do(service.change_staff, staff, **changed)
    assert principal(tokens).place == Place(hall="city")
    assert events(database, staff) == []


@pytest.mark.parametrize("name", ["", "nobody-there", "x' OR '1'='1", "\0", "\ud800", "a" * 10_000, "管理员"])
@pytest.mark.parametrize("verb", [service.change_staff, service.disable_staff, service.enable_staff])
def test_nobody_is_not_found(do, verb, name):
    with pytest.raises(errors.StaffNotFound):
        do(verb, name)


def test_a_user_name_in_capitals_is_the_same(database, staff, do):
    assert do(service.disable_staff, staff.username.upper()) is True


def test_all_staff_are_listed_with_their_state(database, staff, do):
    do(service.disable_staff, staff)
    with database.transaction() as session:
        listed = service.list_staff(session)
    names = [row.username for row in listed]
    assert names == sorted(names)
    assert next(row for row in listed if row.username == staff.username).disabled_at is not None


def test_a_sign_in_at_the_same_moment_is_ended_or_refused(database, staff, sign_in, do, principal, now):
    line = threading.Barrier(2)

    def enter():
        line.wait(HANG_TIMEOUT)
        return sign_in(staff)

    outcomes = together(
        2, lambda number: enter() if number else (line.wait(HANG_TIMEOUT), do(service.disable_staff, staff))
    )
    tokens = outcomes[1]
    assert isinstance(tokens, errors.StaffRefused) or principal(tokens) is None
    with database.transaction() as session:
        row = session.scalar(select(Staff).where(Staff.username == staff.username))
        running = select(RefreshFamily).where(RefreshFamily.principal_id == row.id, RefreshFamily.ended_at.is_(None))
        assert session.scalars(running).all() == []


def test_two_changes_at_once_are_both_recorded_one_after_the_other(database, staff, do):
    together(4, lambda number: do(service.change_staff, staff, place=Place(zone=f"zone-{number}")))
    told = events(database, staff)
    assert len(told) == 4
    for (_, earlier), (_, later) in itertools.pairwise(told):
        assert later["before"]["zone"] == earlier["after"]["zone"]


def test_a_disabled_members_token_is_refused_by_the_running_app(app, database, rings, do, now):
    staff = StaffFactory()
    staff.create(database, rings, now)
    client = app.test_client()
    headers = bearer(sign_in_staff(client, staff, system_clock()))
    assert client.get("/api/v1/me", headers=headers).status_code == 200
    do(service.disable_staff, staff)
    with app.app_context():
        # what every process does by itself every two seconds
        parts.part(Accounts).revocations.refresh()
    assert client.get("/api/v1/me", headers=headers).status_code == 401
