"""Clients that generators make of the API document, against the running product; the document before linters.

Everything is made once a run. Where there is neither node nor a package registry, these tests are skipped, unless
QE_CI is set.
"""

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from werkzeug.serving import make_server

from qe_ban.accounts.rules import STAFF_SCOPES
from qe_ban.accounts.service import Accounts, tokens
from qe_ban.app import assemble
from qe_ban.kernel.ids import new_id
from qe_ban.kernel.principal import PrincipalKind
from tests.factories.codes import Town

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
TIMEOUT = 1200

pytestmark = [pytest.mark.xdist_group("clients"), pytest.mark.timeout(TIMEOUT)]


def run(*command, cwd=None, **environment):
    """Run a command, whose whole output a failure shows."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


def skip_or_fail(why):
    if os.environ.get("QE_CI"):
        pytest.fail(why)
    pytest.skip(why)


@pytest.fixture(scope="module")
def made(app, tmp_path_factory):
    """The directory with the document, the tools and the clients."""
    if shutil.which("npm") is None:
        skip_or_fail("there is no npm on the PATH: clients cannot be made")
    target = tmp_path_factory.mktemp("clients")
    document = target / "served.json"
    document.write_bytes(app.test_client().get("/api/v1/openapi.json").get_data())
    try:
        run(HERE / "make.sh", target, DOCUMENT=str(document), BIN=str(Path(sys.executable).parent))
    except AssertionError as error:
        if any(word in str(error) for word in ("ENOTFOUND", "ECONNREFUSED", "EAI_AGAIN", "Could not find a version")):
            skip_or_fail(f"no package registry answers: {str(error)[-300:]}")
        raise
    return target


@pytest.fixture(scope="module")
def server(app):
    """The address of the product, served over HTTP for the time of these tests."""
    served = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=served.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{served.port}"
    served.shutdown()
    thread.join()


@pytest.fixture(scope="module")
def town(settings, app):
    parts = assemble(settings)
    yield Town(parts)
    parts.database.dispose()


@pytest.fixture
def people(town):
    """A resident's phone, and the tokens of a scanner and of a member of staff who imports."""
    role, scopes = next((role, scopes) for role, scopes in STAFF_SCOPES.items() if "items.write" in scopes)
    staff = tokens.access(
        town.parts.get(Accounts),
        kind=PrincipalKind.STAFF,
        subject=new_id(),
        session=new_id(),
        scopes=scopes,
        roles=frozenset({role.value}),
        now=town.now,
    )
    return town.resident().phone, town.terminal("identity-check").access, staff.access


def test_spectral_finds_no_fault_in_the_document(made):
    tool = made / "tools/node_modules/.bin/spectral"
    run(tool, "lint", made / "openapi.json", "-r", made / "tools/spectral.yaml", "--fail-severity", "warn")


def test_redocly_finds_no_fault_in_the_document(made):
    tool = made / "tools/node_modules/.bin/redocly"
    said = run(tool, "lint", made / "openapi.json", "--config", made / "tools/redocly.yaml", REDOCLY_TELEMETRY="off")
    assert "warning" not in said.lower(), said


def test_a_python_client_goes_through_the_product(made, server, people):
    python = made / "tools/python/bin/python"
    options = ("--disable-pip-version-check", "--quiet", "--no-deps", "--no-build-isolation", "--no-index")
    run(python, "-m", "pip", "install", *options, made / "python")
    assert run(python, HERE / "flow.py", server, *people, cwd=made).strip() == "done"


def test_a_typescript_client_compiles_strictly_and_goes_through_the_product(made, server, people):
    tools = made / "tools"
    shutil.copytree(made / "typescript", tools / "client", dirs_exist_ok=True)
    for name in ("flow.ts", "tsconfig.json"):
        shutil.copy(HERE / name, tools / name)
    run(tools / "node_modules/.bin/tsc", "-p", tools / "tsconfig.json", cwd=tools)
    assert run("node", tools / "build/flow.js", server, *people, cwd=tools).strip() == "done"


def test_the_packages_to_give_away_have_the_version_of_the_product(made, settings):
    assert f'version = "{settings.release}"' in (made / "python/pyproject.toml").read_text("utf-8")
    assert f'"version": "{settings.release}"' in (made / "typescript/package.json").read_text("utf-8")
