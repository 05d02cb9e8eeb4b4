"""The commands on a database: keys made, listed, rotated and denied, and the first members of staff."""

import base64
import re
from dataclasses import dataclass
from pathlib import Path

import pyotp
import pytest
from cryptography.hazmat.primitives import serialization
from sqlalchemy import select

from qe_ban.accounts.models import Staff
from qe_ban.config import Settings
from qe_ban.db.engine import Database
from tests.cli.conftest import refused
from tests.factories import databases
from tests.factories.items import add_department

PASSWORD = "a long enough password"


@dataclass
class Production:
    """A production installation's database with its keys."""

    env: dict[str, str]
    roots: Path


@pytest.fixture(scope="module")
def empty(settings: Settings) -> dict[str, str]:
    other = databases.another(settings, "cli")
    key = base64.b64encode(settings.master_key).decode()
    return {"QE_DATABASE_URL": other.database_url, "QE_MASTER_KEY": key}


@pytest.fixture
def production(qe, empty, tmp_path_factory) -> Production:
    """Make the keys, where no test did so yet."""
    roots = tmp_path_factory.mktemp("roots") / "new"
    result = qe("keys", "init", "--roots", roots, **empty)
    if result.exit_code:
        refused(result, "there are keys already")
    return Production(empty, roots)


@pytest.fixture
def database(empty):
    own = Database(empty["QE_DATABASE_URL"], pool=1)
    yield own
    own.dispose()


def kids(qe, env, ring: str) -> dict[str, str]:
    """State by kid."""
    lines = [line.split() for line in qe("keys", "list", **env).stdout.splitlines()]
    return {line[0]: line[4] for line in lines if line[1] == ring}


def test_a_database_without_a_schema_is_one_line(qe, settings):
    key = base64.b64encode(settings.master_key).decode()
    env = {"QE_DATABASE_URL": databases.another(settings, "bare").database_url, "QE_MASTER_KEY": key}
    refused(qe("keys", "list", **env), "not yet at this program's version")
    refused(qe("staff", "add", "somebody", "--role", "auditor", **env), "not yet at this program's version")


def test_the_root_keys_leave_as_private_files_and_are_never_overwritten(qe, settings, tmp_path):
    env = {
        "QE_DATABASE_URL": databases.another(settings, "roots").database_url,
        "QE_MASTER_KEY": base64.b64encode(settings.master_key).decode(),
    }
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "root-2.pem").write_text("kept")
    refused(qe("keys", "init", "--roots", tmp_path / "taken", **env), "root-2.pem exists")
    assert [path.name for path in (tmp_path / "taken").iterdir()] == ["root-2.pem"]
    result = qe("keys", "init", "--roots", tmp_path / "roots", **env)
    assert result.exit_code == 0, result.stderr
    assert "offline" in result.stdout
    files = sorted((tmp_path / "roots").iterdir())
    assert [path.name for path in files] == ["root-1.pem", "root-2.pem"]
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    for path in files:
        serialization.load_pem_private_key(path.read_bytes(), None)


def test_keys_are_made_once(qe, production, tmp_path):
    before = qe("keys", "list", **production.env).stdout
    refused(qe("keys", "init", "--roots", tmp_path / "again", **production.env), "there are keys already")
    assert not (tmp_path / "again").exists()
    assert qe("keys", "list", **production.env).stdout == before


def test_a_rotated_key_joins_the_ring(qe, production):
    before = kids(qe, production.env, "code")
    kid = qe("keys", "rotate", "code", **production.env).stdout.strip()
    assert re.fullmatch("[0-9a-f]{8}", kid)
    after = kids(qe, production.env, "code")
    assert after.pop(kid) in ("ahead", "live")
    assert after == before


def test_another_master_key_makes_no_key(qe, production):
    before = kids(qe, production.env, "token")
    other = {**production.env, "QE_MASTER_KEY": qe("keys", "master").stdout.strip()}
    refused(qe("keys", "rotate", "token", **other), "the master key does not open")
    assert kids(qe, production.env, "token") == before


def test_a_member_of_staff_is_added_with_the_password_given(qe, production, database):
    words = ("staff", "add", "shinan-first", "--role", "district_admin", "--district", "370202", "--password-stdin")
    result = qe(*words, stdin=f"{PASSWORD}\n", **production.env)
    assert result.exit_code == 0, result.stderr
    assert PASSWORD not in result.output
    secret = re.search("TOTP secret: ([A-Z2-7]+)", result.stdout)[1]
    uri = next(line for line in result.stdout.splitlines() if line.startswith("otpauth://"))
    assert pyotp.parse_uri(uri).secret == secret
    with database.transaction() as session:
        staff = session.scalar(select(Staff).where(Staff.username == "shinan-first"))
    assert staff.roles == ["district_admin"]
    assert staff.district == "370202"
    refused(qe(*words, stdin=f"{PASSWORD}\n", **production.env), "accounts.staff_exists")


def test_a_member_of_staff_of_a_department_wants_one_that_is_there(qe, production, database):
    words = ("staff", "add", "of-a-department", "--role", "editor", "--password-stdin", "--department")
    refused(qe(*words, "11370200MB1234567X", stdin=f"{PASSWORD}\n", **production.env), "no such department")
    department = add_department(database)
    assert qe(*words, department, stdin=f"{PASSWORD}\n", **production.env).exit_code == 0
    with database.transaction() as session:
        staff = session.scalar(select(Staff).where(Staff.username == "of-a-department"))
    assert (staff.department, staff.district) == (department, None)


def test_without_anybody_to_ask_a_password_is_made_and_printed_once(qe, production):
    result = qe("staff", "add", "the-auditor", "--role", "auditor", **production.env)
    assert result.exit_code == 0, result.stderr
    assert len(re.search("password: (.+)", result.stdout)[1]) >= 16


@pytest.mark.parametrize(
    ("words", "password", "texts"),
    [
        (("Upper Case", "--role", "editor"), PASSWORD, ["username"]),
        (("somebody", "--role", "emperor"), PASSWORD, ["roles"]),
        (("somebody", "--role", "auditor", "--role", "system_admin"), PASSWORD, ["roles"]),
        (("somebody", "--role", "district_admin"), PASSWORD, ["roles"]),
        (("somebody", "--role", "editor", "--hall", "a", "--zone", "b"), PASSWORD, ["roles"]),
        (("somebody", "--role", "auditor"), "short", ["password"]),
        (("x", "--role", "emperor"), "short", ["username", "password", "roles"]),
        (("somebody", "--role", "auditor"), "", ["there is no password"]),
    ],
)
def test_a_member_of_staff_that_cannot_be_is_a_line_for_each_fault(qe, production, words, password, texts):
    refused(qe("staff", "add", *words, "--password-stdin", stdin=f"{password}\n", **production.env), *texts)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"QE_MASTER_KEY": ""}, "QE_MASTER_KEY"),
        ({"QE_MASTER_KEY": "", "QE_MASTER_KEY_FILE": "/nonexistent"}, "/nonexistent"),
        ({"QE_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/x"}, "the database cannot be reached"),
        ({"QE_DATABASE_URL": "postgresql://nobody@127.0.0.1:x/x"}, "QE_DATABASE_URL"),
        ({"QE_DATABASE_URL": "sqlite://"}, "QE_DATABASE_URL"),
    ],
)
def test_a_database_that_is_none_is_one_line(qe, empty, tmp_path, changes, text):
    refused(qe("staff", "add", "somebody", "--role", "auditor", "--home", tmp_path, **{**empty, **changes}), text)
