"""The house is what the design says: contracts hold, slices are entered by their doors, every view has its guard."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

import grimp
import pytest

from qe_ban.web import guard

ROOT = Path(__file__).parents[2]
SLICES = (
    "accounts",
    "audit",
    "codes",
    "halls",
    "health",
    "items",
    "jobs",
    "publishing",
    "reviewing",
    "venues",
    "zones",
)
ASSEMBLY = ("qe_ban.app", "qe_ban.composition", "qe_ban.migrations", "qe_ban.wsgi")
MODULES = sorted((ROOT / "qe_ban").rglob("*.py"))


@pytest.fixture(scope="module")
def graph():
    return grimp.build_graph("qe_ban", cache_dir=None)


def test_the_contracts_of_import_linter_hold():
    run = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_another_slice_is_entered_only_by_service_and_errors(graph):
    violations = []
    for importer in graph.modules:
        home = importer.split(".")[1] if importer.count(".") else ""
        if importer.startswith(ASSEMBLY):
            continue
        for target in graph.find_modules_directly_imported_by(importer):
            parts = target.split(".")
            if len(parts) < 2 or parts[1] not in SLICES or parts[1] == home:
                continue
            if home == "cli" and parts[1:3] in (["codes", "qr"], ["codes", "token"]):
                continue  # pure: a shell draws codes and checks vector files
            if home in ("halls", "zones") and parts[1:3] == ["publishing", "rules"]:
                continue  # pure: pages, blocks and views are the words in which halls and zones are told
            if home == "publishing" and parts[1:3] in (["reviewing", "models"], ["reviewing", "rules"]):
                continue  # the tables of pages are made of its columns, and its states are theirs
            if home in ("halls", "zones") and target == "qe_ban.publishing.schemas.screens":
                continue  # the shapes of screens, to which halls and zones add what is their own
            if len(parts) < 3 or parts[2] not in ("service", "errors"):
                violations.append(f"{importer} imports {target}")
    assert violations == []


def test_every_slice_is_in_the_contract_on_rooms():
    with (ROOT / "pyproject.toml").open("rb") as file:
        contracts = tomllib.load(file)["tool"]["importlinter"]["contracts"]
    rooms = next(contract for contract in contracts if contract["name"].startswith("Inside a feature"))
    with_rooms = {
        path.name
        for path in (ROOT / "qe_ban").iterdir()
        if all(any((path / room).exists() for room in (f"{name}.py", name)) for name in ("models", "service"))
    }
    assert {name.removeprefix("qe_ban.") for name in rooms["containers"]} == with_rooms == set(SLICES)


def test_every_slice_declares_itself_and_only_the_app_reads_it(graph):
    declarations = {f"qe_ban.{name}.slice" for name in SLICES}
    assert declarations <= graph.modules
    readers = {reader for one in declarations for reader in graph.find_modules_that_directly_import(one)}
    assert readers == {"qe_ban.app.slices"}


def test_every_view_declares_its_guard(app):
    views_without_guard = [
        f"{rule.rule} ({rule.endpoint})"
        for rule in app.url_map.iter_rules()
        if guard.of(app.view_functions[rule.endpoint]) is None
    ]
    assert views_without_guard == []


def test_only_db_commits():
    guilty = []
    for path in MODULES:
        if path.is_relative_to(ROOT / "qe_ban" / "db") or path.is_relative_to(ROOT / "qe_ban" / "migrations"):
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            function = node.func if isinstance(node, ast.Call) else None
            if isinstance(function, ast.Attribute) and function.attr in ("commit", "begin"):
                guilty.append(f"{path.relative_to(ROOT)}:{function.lineno}")
    assert guilty == []


def test_the_environment_is_read_by_the_edge_alone():
    edge = {"qe_ban/wsgi.py"}
    readers = {
        str(path.relative_to(ROOT))
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute)
        and node.attr in ("environ", "getenv")
        and isinstance(node.value, ast.Name)
        and node.value.id == "os"
    }
    assert {name for name in readers - edge if not name.startswith(("qe_ban/cli/", "qe_ban/embedded/"))} == set()


def test_nobody_catches_everything_to_carry_on():
    broad = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or (isinstance(node.type, ast.Name) and node.type.id in ("Exception", "BaseException")))
        and not any(isinstance(inner, ast.Raise) for inner in ast.walk(node))
    ]
    # the edge turns what nobody foresaw into a 500 that says nothing, and logs it
    assert [place for place in broad if not place.startswith("qe_ban/web/")] == []


@pytest.mark.parametrize("path", [path for path in MODULES if "migrations/versions" not in str(path)], ids=str)
def test_files_stay_small_and_say_what_they_are_for(path):
    text = path.read_text("utf-8")
    assert text.count("\n") <= 300
    assert ast.get_docstring(ast.parse(text)), "a module says in one sentence what it is for"
