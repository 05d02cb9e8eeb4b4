"""All slices are known, the app knows nothing else of them, and what they declare is all that there is."""

from pathlib import Path

import grimp
import pytest

from qe_ban.accounts.rules.staff import SCANNER, STAFF_SCOPES, STEPPED_UP
from qe_ban.app import assemble
from qe_ban.app.slices import SLICES
from qe_ban.audit.rules.alarms import AlarmKind
from qe_ban.publishing.rules.blocks import TYPES
from qe_ban.publishing.rules.states import PageKind

ROOT = Path(__file__).parents[2] / "qe_ban"
NAMES = {one.name for one in SLICES} - {"platform"}
RAISED_DIRECTLY = {AlarmKind.AUDIT_HEADS, AlarmKind.RECOVERY_OBJECTION}
"""Alarms that are raised where something happens, and that nobody has to look for."""


@pytest.fixture(scope="module")
def services(settings):
    own = assemble(settings)
    yield own
    own.database.dispose()


def test_every_declaration_is_among_the_slices_of_the_app():
    assert {path.parent.name for path in ROOT.glob("*/slice.py")} == NAMES


def test_the_app_imports_of_a_slice_its_declaration_alone():
    graph = grimp.build_graph("qe_ban", cache_dir=None)
    imports = {
        target
        for module in graph.modules
        if module.startswith("qe_ban.app")
        for target in graph.find_modules_directly_imported_by(module)
        if target.split(".")[1] in NAMES
    }
    assert imports == {f"qe_ban.{name}.slice" for name in NAMES}


def test_the_scopes_that_are_declared_are_those_that_somebody_has():
    scopes = frozenset().union(SCANNER, STEPPED_UP, *STAFF_SCOPES.values())
    assert frozenset().union(*(one.scopes for one in SLICES)) == scopes


def test_every_kind_of_alarm_is_looked_for_by_a_slice(services):
    kinds = {detector.kind for detector in services.collect(lambda slice_: slice_.detectors)}
    assert kinds | RAISED_DIRECTLY == set(AlarmKind)
    assert not kinds & RAISED_DIRECTLY


def test_every_kind_of_page_is_declared(services):
    assert set(services.merge(lambda slice_: slice_.page_types)) == set(PageKind)


def test_references_of_pages_are_looked_up_in_what_slices_declare(services):
    fields = [field for block in TYPES.values() for part in (block, *block.tables) for field in part.fields]
    sorts = {field.refers for field in fields} - {"", "stream"}
    # pictures and items are told by the type of a field
    assert set(services.merge(lambda slice_: slice_.page_sources)) == sorts | {"media", "item"}
