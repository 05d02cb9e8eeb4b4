"""The code speaks the field's language: values are nouns, functions are verbs, a class name means one thing."""

import ast
import re
from pathlib import Path

import pytest

from tests.architecture import naming

ROOT = Path(__file__).parents[2]
CLEAN = (
    "qe_ban/app",
    "qe_ban/audit",
    "qe_ban/cli",
    "qe_ban/codes",
    "qe_ban/composition",
    "qe_ban/config",
    "qe_ban/db",
    "qe_ban/embedded",
    "qe_ban/halls",
    "qe_ban/health",
    "qe_ban/jobs",
    "qe_ban/kernel",
    "qe_ban/keys",
    "qe_ban/migrations",
    "qe_ban/publishing",
    "qe_ban/reviewing",
    "qe_ban/sandbox",
    "qe_ban/venues",
    "qe_ban/web",
    "qe_ban/zones",
    "tests/app",
    "tests/architecture",
    "tests/audit",
    "tests/cli",
    "tests/codes",
    "tests/composition",
    "tests/db",
    "tests/embedded",
    "tests/factories",
    "tests/faults",
    "tests/health",
    "tests/interface",
    "tests/jobs",
    "tests/kernel",
    "tests/keys",
    "tests/published",
    "tests/reviewing",
    "tests/sandbox",
    "tests/venues",
    "tests/web",
    "tests/zones",
)
"""Directories without bare participles. The others follow one by one, until it is all of them."""
PRIVATE_WORDS = re.compile(r"(Gives?|Tells?|Says?|Makes? sure|Sees? to it)\b")
"""First words of docstrings that say less than "Return", "Raise", "Store"."""


@pytest.mark.parametrize("directory", CLEAN)
def test_no_name_is_a_bare_participle(directory):
    names = [str(binding) for binding in naming.bindings(ROOT / directory) if naming.is_bare_participle(binding)]
    assert names == []


@pytest.mark.parametrize("directory", [directory for directory in CLEAN if not directory.startswith("tests")])
def test_docstrings_of_functions_begin_with_what_is_done(directory):
    vague = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path in naming.sources(ROOT / directory)
        # the first lines of views are published as summaries
        if not {"routes", "routes.py"} & set(path.parts)
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef) and PRIVATE_WORDS.match(ast.get_docstring(node) or "")
    ]
    assert vague == []


@pytest.mark.parametrize(
    ("source", "participles"),
    [
        ("found = 1", ["found"]),
        ("def f(told, *, kept=1): pass", ["told", "kept"]),
        ("class Wanted: pass", ["Wanted"]),
        ("for listed in (): pass", ["listed"]),
        ("try: pass\nexcept OSError as failed: pass", ["failed"]),
        ("_UNSEALED = 1", ["_UNSEALED"]),
        ("self.dressed = 1", ["dressed"]),
        ("def f(): made: int = 1", ["made"]),
        ("class A:\n    DRESSED = 'resolved'", ["DRESSED"]),
        # terms, wire names of attributes, other words, and names of several words
        ("issued = speed = rows_found = 1", []),
        ("class A:\n    suspended: bool", []),
        ("class A:\n    ALTERED = 'altered'", []),
        ("class JobFailed(Exception): pass", []),
        ("class A:\n    def f(self, suspended): pass", ["suspended"]),
    ],
)
def test_what_counts_as_a_bare_participle(source, participles, tmp_path, monkeypatch):
    monkeypatch.setattr(naming, "ROOT", tmp_path)
    (tmp_path / "source.py").write_text(source)
    assert [name.name for name in naming.bindings(tmp_path) if naming.is_bare_participle(name)] == participles
