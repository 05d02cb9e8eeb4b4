"""All slices are known, and what they declare is all that there is."""

from pathlib import Path

from qe_ban.accounts.rules.staff import SCANNER, STAFF_SCOPES, STEPPED_UP
from qe_ban.app.slices import SLICES

ROOT = Path(__file__).parents[2] / "qe_ban"
UNUSED = {"stats.read"}
"""A right that tokens have, and that nothing asks for yet."""


def test_every_declaration_is_among_the_slices_of_the_app():
    assert {path.parent.name for path in ROOT.glob("*/slice.py") if path.parent.name != "composition"} == {
        one.name for one in SLICES
    }


def test_the_scopes_that_are_declared_are_those_that_somebody_has():
    granted = frozenset().union(SCANNER, STEPPED_UP, *STAFF_SCOPES.values())
    assert frozenset().union(*(one.scopes for one in SLICES)) == granted - UNUSED
