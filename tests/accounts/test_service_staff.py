import threading
from dataclasses import replace
from datetime import timedelta

import pyotp
import pytest
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import exc, select, text

from qe_ban.accounts import errors, service
from qe_ban.accounts.models import Staff
from qe_ban.accounts.service import Tokens, principal_from
from qe_ban.accounts.service.passwords import NOBODYS, Passwords
from qe_ban.audit.models import AuditEvent
from qe_ban.kernel.errors import TooMany
from qe_ban.kernel.principal import Place
from tests.factories.accounts import StaffFactory, random_address, together
from tests.factories.waits import HANG_TIMEOUT

MINUTE = timedelta(minutes=1)
DEPARTMENT = "11370200MB1234567X"


@pytest.fixture
def staff(database, rings, now):
    made = StaffFactory()
    made.create(database, rings, now)
    return made


@pytest.fixture
def attempt(accounts, database, now):
    """Sign in as the token endpoint does; the password's check itself is left out where `fits` is given."""

    def do(username, *, totp, fits=None, password="", at=now):
        with database.transaction() as session:
            begun = service.begin_sign_in(session, username=username, now=at)
        fits = accounts.passwords.fits(password, begun.password_hash) if fits is None else fits
        with database.transaction() as session:
            return service.finish_sign_in(accounts, session, attempt=begun, password_fits=fits, totp=totp, now=at)

    return do


def test_user_name_password_and_code_sign_in(staff, attempt, accounts, now):
    tokens = attempt(staff.username, password=staff.password, totp=staff.code(now))
    principal = principal_from(accounts, tokens.access, now)
    assert (principal.kind, principal.roles) == ("staff", {"city_admin"})
    assert "venues.write" in principal.scopes


def test_a_user_name_in_capitals_is_the_same(staff, attempt, now):
    assert isinstance(attempt(staff.username.upper(), password=staff.password, totp=staff.code(now)), Tokens)


def test_each_wrong_part_is_refused_in_the_same_words(staff, attempt, now):
    wrong_password = attempt(staff.username, password=staff.password + "x", totp=staff.code(now))
    wrong_code = attempt(staff.username, fits=True, totp=f"{(int(staff.code(now)) + 1) % 1_000_000:06d}")
    nobody = attempt("nobody-" + staff.username, password=staff.password, totp=staff.code(now))
    assert {type(outcome) for outcome in (wrong_password, wrong_code, nobody)} == {errors.StaffRefused}
    assert len({outcome.message for outcome in (wrong_password, wrong_code, nobody)}) == 1


def test_a_code_counts_once(staff, attempt, now):
    assert isinstance(attempt(staff.username, fits=True, totp=staff.code(now)), Tokens)
    assert isinstance(attempt(staff.username, fits=True, totp=staff.code(now)), errors.StaffRefused)
    later = now + timedelta(seconds=30)
    assert isinstance(attempt(staff.username, fits=True, totp=staff.code(later), at=later), Tokens)


def test_a_code_counts_once_for_two_at_once(staff, attempt, now):
    outcomes = together(4, lambda _: attempt(staff.username, fits=True, totp=staff.code(now)))
    assert sum(isinstance(outcome, Tokens) for outcome in outcomes) == 1


def test_an_earlier_code_does_not_count_after_a_later_one(staff, attempt, now):
    ahead = staff.code(now + timedelta(seconds=30))
    assert isinstance(attempt(staff.username, fits=True, totp=ahead), Tokens)
    assert isinstance(attempt(staff.username, fits=True, totp=staff.code(now)), errors.StaffRefused)


def test_a_code_is_taken_one_step_early_or_late_and_no_more(staff, attempt, now):
    for seconds in (-60, 60):
        outcome = attempt(staff.username, fits=True, totp=staff.code(now + timedelta(seconds=seconds)))
        assert isinstance(outcome, errors.StaffRefused)
    assert isinstance(attempt(staff.username, fits=True, totp=staff.code(now - timedelta(seconds=30))), Tokens)


def test_a_wrong_password_does_not_use_up_the_code(staff, attempt, now):
    attempt(staff.username, fits=False, totp=staff.code(now))
    assert isinstance(attempt(staff.username, fits=True, totp=staff.code(now)), Tokens)


def test_five_failures_lock_for_fifteen_minutes_also_with_the_right_secrets(staff, attempt, now):
    for _ in range(5):
        attempt(staff.username, fits=False, totp=staff.code(now))
    with pytest.raises(TooMany) as refused:
        attempt(staff.username, fits=True, totp=staff.code(now))
    assert 890 <= refused.value.retry_after <= 900
    over = now + 15 * MINUTE
    assert isinstance(attempt(staff.username, fits=True, totp=staff.code(over), at=over), Tokens)


def test_an_unknown_user_name_is_locked_like_a_known_one(attempt, now):
    username = StaffFactory().username
    for _ in range(5):
        attempt(username, fits=False, totp="000000")
    with pytest.raises(TooMany):
        attempt(username, fits=False, totp="000000")


def test_a_success_forgives_the_failures_before_it(staff, attempt, now):
    for _ in range(4):
        attempt(staff.username, fits=False, totp="000000")
    assert isinstance(attempt(staff.username, fits=True, totp=staff.code(now)), Tokens)
    for _ in range(4):
        assert isinstance(attempt(staff.username, fits=False, totp="000000"), errors.StaffRefused)


def test_guessing_codes_in_parallel_gets_five_tries(staff, attempt):
    outcomes = together(12, lambda number: attempt(staff.username, fits=True, totp=f"{number:06d}"))
    assert sum(isinstance(outcome, TooMany) for outcome in outcomes) == 7


@pytest.mark.parametrize("totp", ["", "000000 ", "１２３４５６", "' OR '1'='1", "\ud800", "0" * 16])
def test_codes_of_another_form_are_refused(staff, attempt, totp):
    assert isinstance(attempt(staff.username, fits=True, totp=totp), errors.StaffRefused)


def test_a_disabled_account_is_refused_like_an_unknown_one(staff, attempt, database, accounts, now):
    tokens = attempt(staff.username, fits=True, totp=staff.code(now))
    with database.transaction() as session:
        session.execute(text("UPDATE staff SET disabled_at = now() WHERE username = :name"), {"name": staff.username})
    later = now + MINUTE
    outcome = attempt(staff.username, fits=True, totp=staff.code(later), at=later)
    assert isinstance(outcome, errors.StaffRefused)
    with pytest.raises(errors.RefreshRefused), database.transaction() as session:
        service.refresh(accounts, session, text=tokens.refresh, now=later)


def test_a_password_is_hashed_at_the_cost_that_rfc_9106_recommends_for_little_memory(monkeypatch):
    monkeypatch.setattr("qe_ban.accounts.service.passwords.Argon2Hasher", Argon2Hasher)
    assert Passwords().hash("x" * 12).startswith("$argon2id$v=19$m=65536,t=3,p=4$")


def test_an_unknown_users_password_costs_as_much_and_never_fits():
    assert NOBODYS.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert not Passwords().fits("anything", None)


def test_one_password_is_hashed_at_once_and_the_line_is_bounded():
    passwords, inside = Passwords(wait=0.05), threading.Event()
    leave = threading.Event()

    def hold():
        with passwords.turn():
            inside.set()
            leave.wait(HANG_TIMEOUT)

    holder = threading.Thread(target=hold)
    holder.start()
    inside.wait(HANG_TIMEOUT)
    with pytest.raises(errors.SignInBusy), passwords.turn():
        pass
    leave.set()
    holder.join()
    with passwords.turn():
        pass


def test_sign_ins_are_limited_per_user_name_and_address(accounts):
    username, address = StaffFactory().username, random_address() + "-staff"
    for _ in range(30):
        service.limit_sign_in(accounts, username=username, address=random_address())
    with pytest.raises(TooMany):
        service.limit_sign_in(accounts, username=username.upper(), address=random_address())
    narrow = replace(accounts, tries_per_address=3)
    for _ in range(3):
        service.limit_sign_in(narrow, username=StaffFactory().username, address=address)
    with pytest.raises(TooMany):
        service.limit_sign_in(narrow, username=StaffFactory().username, address=address)


def test_secrets_are_not_stored_readably(staff, database):
    with database.transaction() as session:
        held = session.scalars(select(Staff).where(Staff.username == staff.username)).one()
    assert staff.password not in held.password_hash
    assert held.password_hash.startswith("$argon2id$")
    assert staff.totp_secret.encode() not in held.totp_sealed


def test_making_an_account_is_recorded_without_its_secrets(staff, database):
    with database.transaction() as session:
        made = session.scalars(select(Staff).where(Staff.username == staff.username)).one()
        (event,) = session.scalars(select(AuditEvent).where(AuditEvent.subject == str(made.id))).all()
    assert (event.action, event.details["roles"]) == ("accounts.create_staff", ["city_admin"])
    assert staff.password not in str(event.details)
    assert staff.totp_secret not in str(event.details)


def test_a_user_name_is_taken_once(staff, database, rings, now):
    with pytest.raises(errors.StaffExists):
        StaffFactory(username=staff.username).create(database, rings, now)


@pytest.mark.parametrize(
    "changed",
    [
        {"username": "x"},
        {"username": "Admin"},
        {"username": "admin'; DROP TABLE staff; --"},
        {"password": "short"},
        {"password": "a" * 40},
        {"password": "x" * 129},
        {"totp_secret": "ABC"},
        {"totp_secret": pyotp.random_base32().lower()},
        {"roles": ()},
        {"roles": ("root",)},
        {"roles": ("system_admin", "auditor")},
        {"roles": ("security_admin", "city_admin")},
        {"roles": ("auditor",), "place": Place(district="370202")},
        {"roles": ("district_admin",)},
        {"roles": ("city_admin",), "place": Place(district="370202")},
        {"roles": ("editor",), "place": Place(hall="city", zone="karos")},
        {"roles": ("editor",), "place": Place(department="11370200MB1")},
        {"roles": ("editor",), "place": Place(department="11370200mb1234567x")},
        {"roles": ("editor",), "place": Place(district="370202", department=DEPARTMENT)},
        {"roles": ("city_admin",), "place": Place(department=DEPARTMENT)},
        {"roles": ("district_admin",), "place": Place(department=DEPARTMENT)},
        {"roles": ("auditor",), "place": Place(department=DEPARTMENT)},
    ],
)
def test_staff_that_cannot_be_are_refused(database, rings, now, changed):
    with pytest.raises(errors.StaffInvalid):
        StaffFactory(**changed).create(database, rings, now)


@pytest.mark.parametrize(
    "changed",
    [
        {"roles": ("district_admin",), "place": Place(district="370202")},
        {"roles": ("editor", "reviewer"), "place": Place(hall="city")},
        {"roles": ("editor",), "place": Place(zone="karos")},
        {"roles": ("editor",), "place": Place(department=DEPARTMENT)},
        {"roles": ("system_admin",)},
    ],
)
def test_staff_of_every_kind_can_be_made(database, rings, now, changed):
    staff = StaffFactory(**changed)
    made = staff.create(database, rings, now)
    with database.transaction() as session:
        row = session.get_one(Staff, made)
        assert Place(row.district, row.hall, row.zone, row.department) == staff.place


@pytest.mark.parametrize("roles", ["{system_admin,security_admin}", "{auditor,editor}", "{}", "{root}"])
def test_the_database_keeps_the_administrators_apart_too(staff, database, roles):
    with pytest.raises(exc.IntegrityError), database.transaction() as session:
        session.execute(
            text("UPDATE staff SET roles = CAST(:roles AS text[]) WHERE username = :name"),
            {"roles": roles, "name": staff.username},
        )
