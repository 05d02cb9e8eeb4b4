"""Names as the syntax tree binds them, and which of them are bare past participles."""

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.published.inventory import DOCUMENT, SCHEMA

ROOT = Path(__file__).parents[2]

IRREGULAR = frozenset((Path(__file__).parent / "participles.txt").read_text("utf-8").split())
"""Past participles that do not end in `-ed`, and two that do; `left` is a side, `put` and `set` are what is done."""
GLOSSARY = frozenset({"accepted", "issued", "presented", "printed", "refused", "revoked"})
"""Participles that are terms: docs/glossary.md."""
OTHER_WORDS = frozenset(
    {"embed", "exceed", "feed", "indeed", "need", "nested", "proceed", "seed", "shed", "speed", "succeed"}
)
_REGULAR = re.compile(r"[a-z]{3,}ed")
_SEVERAL_WORDS = re.compile(r"[a-z][A-Z]")


@dataclass(frozen=True, order=True)
class Binding:
    """A name that a file binds. `is_attribute`: of a class or an object, or a constant: where wire names live."""

    path: str
    line: int
    name: str
    is_attribute: bool

    def __str__(self) -> str:
        return f"{self.path}:{self.line} {self.name}"


def sources(root: Path) -> list[Path]:
    """Return the Python files below a directory, migrations excepted: these are never edited."""
    return [path for path in sorted(root.rglob("*.py")) if "versions" not in path.parts]


def bindings(root: Path) -> Iterator[Binding]:
    """Return all names that the sources below a directory bind."""
    for path in sources(root):
        for line, name, is_attribute in _bound(ast.parse(path.read_text("utf-8")), in_class=False):
            yield Binding(str(path.relative_to(ROOT)), line, name, is_attribute or name.isupper())


def is_bare_participle(binding: Binding) -> bool:
    """Return whether a name is one past participle and nothing else, and neither a term nor a name on the wire."""
    if _SEVERAL_WORDS.search(binding.name):
        return False
    word = binding.name.strip("_").lower()
    if word in GLOSSARY or word in OTHER_WORDS or (binding.is_attribute and word in wire_names()):
        return False
    return word in IRREGULAR or _REGULAR.fullmatch(word) is not None


@cache
def wire_names() -> frozenset[str]:
    """Return the words that clients and the database read: of the OpenAPI document, of columns and their values."""
    words = re.findall(r"[a-z_]+", SCHEMA.read_text("utf-8"))
    return frozenset(words) | frozenset(_words(json.loads(DOCUMENT.read_text("utf-8"))))


def _words(document: object) -> Iterator[str]:
    if isinstance(document, dict):
        yield from document.get("properties", {})
        if document.get("in") in ("query", "path"):
            yield document["name"]
        yield from (value for value in document.get("enum", ()) if isinstance(value, str))
        for value in document.values():
            yield from _words(value)
    elif isinstance(document, list):
        for value in document:
            yield from _words(value)


def _bound(node: ast.AST, *, in_class: bool) -> Iterator[tuple[int, str, bool]]:
    for child in ast.iter_child_nodes(node):
        match child:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield child.lineno, child.name, False
            case ast.arg():
                yield child.lineno, child.arg, False
            case ast.Attribute(ctx=ast.Store()):
                yield child.lineno, child.attr, True
            case ast.Name(ctx=ast.Store()):
                yield child.lineno, child.id, in_class
            case ast.ExceptHandler(name=str()):
                yield child.lineno, child.name or "", False
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str(value))) if name == value.upper():
                continue  # a value on the wire, under its own name
            case _:
                pass
        # an assignment of a class stays one below its target; a function has names of its own
        inside = isinstance(child, ast.ClassDef) or (in_class and isinstance(child, ast.Assign | ast.AnnAssign))
        yield from _bound(child, in_class=inside)
