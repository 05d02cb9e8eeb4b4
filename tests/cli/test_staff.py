"""`qe-ban staff` on a bad day: listed, changed, disabled, enabled; one line for what cannot be."""

import base64
import re
import subprocess
import sys

import pytest

from qe_ban import migrations
from qe_ban.db.engine import Database
from qe_ban.kernel.clock import system_clock
from qe_ban.kernel.principal import Place
from qe_ban.keys import lifecycle
from qe_ban.keys.rings import KeyRings
from tests.cli.conftest import CLEAN, REPOSITORY, refused
from tests.factories import databases
from tests.factories.accounts import StaffFactory
from tests.factories.items import add_department


@pytest.fixture(scope="module")
def other(settings):
    """A production installation's database, with its keys."""
    return databases.another(settings, "staff")


@pytest.fixture(scope="module")
def database(other):
    own = Database(other.database_url, pool=2)
    migrations.upgrade(own.engine)
    with own.transaction() as session:
        lifecycle.init(session, other.master_key, system_clock())
    yield own
    own.dispose()


@pytest.fixture
def run(qe, other, database):
    key = base64.b64encode(other.master_key).decode()
    return lambda *words: qe("staff", *words, QE_DATABASE_URL=other.database_url, QE_MASTER_KEY=key)


@pytest.fixture
def name(other, database):
    member = StaffFactory(roles=("editor",), place=Place(hall="city"))
    member.create(database, KeyRings(database, other.master_key), system_clock())
    return member.username


@pytest.fixture
def line(run):
    """What the list tells of somebody."""

    def look(name):
        result = run("list")
        assert result.exit_code == 0, result.stderr
        return next(line.split("\t")[1:] for line in result.stdout.splitlines() if line.startswith(f"{name}\t"))

    return look


def assert_output(result, text):
    assert result.exit_code == 0, result.stderr
    assert re.search(text, result.stdout), result.stdout


def test_who_there_is_is_listed(line, name):
    assert line(name) == ["enabled", "editor", "hall=city"]


def test_somebody_is_disabled_and_enabled_again(run, line, name):
    assert_output(run("disable", name), "disabled; every sign-in has ended")
    assert line(name)[0] == "disabled"
    assert_output(run("disable", name), "is disabled already")
    assert_output(run("enable", name), "enabled")
    assert_output(run("enable", name), "is enabled already")
    assert line(name)[0] == "enabled"


def test_roles_and_places_are_changed(run, line, name, database):
    assert_output(run("change", name, "--role", "reviewer", "--role", "editor"), "changed; every sign-in has ended")
    assert line(name) == ["enabled", "editor,reviewer", "hall=city"]
    for option, value in (
        ("district", "370202"),
        ("zone", "karos"),
        ("hall", "shinan"),
        ("department", add_department(database)),
    ):
        assert_output(run("change", name, f"--{option}", value), "changed")
        assert line(name)[2] == f"{option}={value}"
    assert_output(run("change", name, "--whole-city", "--role", "city_admin"), "changed")
    assert line(name) == ["enabled", "city_admin", "city"]
    assert_output(run("change", name, "--whole-city"), "is so already")


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ((), "nothing to change"),
        (("--role", "emperor"), "roles"),
        (("--role", ""), "roles"),
        (("--role", "auditor"), "roles"),
        (("--role", "editor", "--role", "auditor", "--whole-city"), "roles"),
        (("--hall", "a", "--zone", "b"), "roles"),
        (("--hall", "shinan", "--whole-city"), "--whole-city"),
        (("--district", "999999"), "no such district"),
        (("--hall", "no-such"), "no such hall"),
        (("--hall", "../x"), "roles"),
        (("--hall", ""), "roles"),
        (("--zone", "no-such"), "no such zone"),
        (("--zone", "x" * 10_000), "roles"),
        (("--department", "11370200MB1234567X"), "no such department"),
        (("--department", "x"), "roles"),
        (("--place", "x"), "--place"),
    ],
)
def test_what_cannot_be_is_one_line_and_changes_nothing(run, line, name, words, text):
    refused(run("change", name, *words), text)
    assert line(name) == ["enabled", "editor", "hall=city"]


@pytest.mark.parametrize("verb", ["disable", "enable", "change"])
@pytest.mark.parametrize("who", ["nobody-there", "", "x'; DROP TABLE staff; --", "管理员", "a" * 5000, "\udcff"])
def test_nobody_is_one_line(run, verb, who):
    more = ("--role", "editor") if verb == "change" else ()
    refused(run(verb, *more, "--", who), "accounts.staff_not_found")


@pytest.mark.parametrize("verb", ["disable", "enable", "change"])
def test_a_name_is_asked_for(run, verb):
    refused(run(verb), "NAME")
    assert run(verb, "--help").exit_code == 0


@pytest.mark.parametrize(("option", "text"), [("--hall", "no such hall"), ("--zone", "no such zone")])
def test_nobody_is_added_for_a_place_that_is_not_there(run, option, text):
    refused(run("add", "of-no-place", "--role", "editor", option, "no-such"), text)
    refused(run("disable", "of-no-place"), "accounts.staff_not_found")


@pytest.mark.parametrize(
    ("words", "text"), [(("--password-stdin",), "no password on standard input"), ((), "/nonexistent")]
)
def test_without_any_standard_input_is_one_line(words, text):
    command = [sys.executable, "-m", "qe_ban.cli", "staff", "add", "somebody", "--role", "editor", *words]
    run = subprocess.run(
        ["sh", "-c", 'exec "$@" <&-', "sh", *command, "--home", "/nonexistent"],
        cwd=REPOSITORY, env=CLEAN, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (run.returncode, run.stdout, run.stderr.count("\n")) == (2, "", 1), run.stderr
    assert text in run.stderr


def test_a_home_that_is_none_is_one_line(qe):
    for verb in ("list", "disable x", "enable x", "change x --role editor"):
        refused(qe("staff", *verb.split(), "--home", "/nonexistent"), "/nonexistent")
