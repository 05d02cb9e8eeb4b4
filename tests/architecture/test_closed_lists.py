"""Every mapping that is keyed by a closed list names all of its members, so that a new member cannot be forgotten."""

import ast
import importlib
import pkgutil
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from types import ModuleType

import pytest

import qe_ban

PARTIAL = {
    ("qe_ban.accounts.rules.proofs", "PrincipalKind"): "a scanner has no family of refresh tokens",
    ("qe_ban.accounts.service.reindexing", "Ring"): "the rings of residents' blind indexes; BLIND has them",
    ("qe_ban.accounts.slice", "Owner"): "the other owners end in slices of their own; composition counts all",
    ("qe_ban.codes.rules.disputes", "DisputeState"): "the answers of a district that an appeal can have, too",
    ("qe_ban.codes.service.wallet", "Ring"): "the rings that sign codes",
    ("qe_ban.codes.service.wallet", "Profile"): "a pass is no code that is scanned",
    ("qe_ban.items.service.importing", "Phase"): "in the last phase nothing is left to do",
    ("qe_ban.kernel.identifiers", "IdType"): "a resident's number is checked by its check digit",
    ("qe_ban.keys.lifecycle", "Ring"): "the rings whose keys open references of codes",
    ("qe_ban.keys.rings", "Ring"): "the rings that only some processes may use",
    ("qe_ban.publishing.service.references", "LinkState"): "of a link that opens there is nothing to say",
}
"""Mappings that are right without some members, by module and list, with the reason."""


def modules() -> Iterator[ModuleType]:
    for module in pkgutil.walk_packages(qe_ban.__path__, "qe_ban."):
        # these three run something when they are imported
        if not module.name.endswith((".__main__", ".wsgi")) and ".migrations." not in module.name:
            yield importlib.import_module(module.name)


def keys_of(display: ast.Dict, module: ModuleType) -> list[object]:
    """Return the keys of a display that are spelled as members, such as `Role.EDITOR`; others give nothing."""
    names = [key for key in display.keys if isinstance(key, ast.Attribute)]
    members = []
    for name in names:
        try:
            members.append(eval(compile(ast.Expression(name), "<key>", "eval"), vars(module)))
        except (NameError, AttributeError):  # a local variable
            continue
    return members


def partial_mappings() -> Iterator[tuple[tuple[str, str], str]]:
    """Return each display whose keys are members of one list, but not all of them: where it is and what it lacks."""
    for module in modules():
        tree = ast.parse(Path(module.__file__ or "").read_text())
        for display in (node for node in ast.walk(tree) if isinstance(node, ast.Dict)):
            keys = keys_of(display, module)
            # a display with one member is a default or a single case
            if len(keys) < 2 or len(keys) != len(display.keys) or not isinstance(keys[0], Enum):
                continue
            closed_list = type(keys[0])
            lacking = sorted(str(member) for member in closed_list if member not in keys)
            if lacking:
                yield (module.__name__, closed_list.__name__), f"line {display.lineno} lacks {', '.join(lacking)}"


@pytest.fixture(scope="module")
def partial():
    return list(partial_mappings())


def test_every_mapping_by_a_closed_list_is_total_or_says_why_not(partial):
    assert [f"{place}: {text}" for place, text in partial if place not in PARTIAL] == []


def test_every_exception_still_stands(partial):
    assert set(PARTIAL) == {place for place, _ in partial}
