"""No function branches more than ten times, and none hides its branches in long expressions."""

from pathlib import Path

import pytest

from tests.architecture import complexity

ROOT = Path(__file__).parents[2]
CLEAN = tuple(
    f"qe_ban/{name}"
    for name in (
        "app",
        "audit",
        "cli",
        "codes",
        "composition",
        "config",
        "db",
        "embedded",
        "halls",
        "health",
        "items",
        "jobs",
        "kernel",
        "keys",
        "migrations",
        "publishing",
        "reviewing",
        "sandbox",
        "venues",
        "web",
        "zones",
    )
)
"""Packages in which it is so. The others follow one by one, until it is all of them."""
EXCEPTIONS = {
    ("qe_ban/codes/rules/judging.py", "_entitlement_reason"): "QE1's reasons in the order of the format, one a line",
    ("qe_ban/codes/service/verifying.py", "_judge"): "runs at every scan: it hands over each fact, whoever is known",
}
"""Functions that branch more often on purpose, each with its reason."""


@pytest.mark.parametrize("directory", CLEAN)
def test_no_function_branches_too_often(directory):
    paths = sorted((ROOT / directory).rglob("*.py"))
    assert paths != []
    assert [function for path in paths for function in _excessive(path)] == []


def _excessive(path: Path) -> list[str]:
    place = str(path.relative_to(ROOT))
    return [
        f"{place}:{line} {name} ({count})"
        for line, name, count in complexity.functions(path)
        if count > complexity.MAX_COMPLEXITY and (place, name) not in EXCEPTIONS
    ]


@pytest.mark.parametrize(("place", "function"), EXCEPTIONS)
def test_an_exception_is_still_needed(place, function):
    counts = [count for _, name, count in complexity.functions(ROOT / place) if name == function]
    assert max(counts, default=0) > complexity.MAX_COMPLEXITY


@pytest.mark.parametrize(
    ("body", "count"),
    [
        ("return 1", 1),
        ("if a: pass\nelif b: pass\nelse: pass", 3),
        ("return a if b else c", 2),
        ("return a and b and c or d", 4),
        ("for a in b: pass", 2),
        ("while a: pass\nelse: pass", 3),
        ("return [a for a in b if a if c]", 4),
        ("return {a: c for a in b for c in a}", 3),
        ("try: pass\nexcept A: pass\nexcept B: pass\nelse: pass\nfinally: pass", 4),
        ("with a: assert b", 2),
        ("match a:\n  case 1: pass\n  case _ if b: pass\n  case _: pass", 3),
        ("return f(lambda: a or b)", 2),
        # an inner function branches for itself
        ("def g():\n  return a or b\nreturn g", 1),
    ],
)
def test_what_counts_as_a_branch(body, count, tmp_path):
    path = tmp_path / "source.py"
    path.write_text("def f():\n" + "".join(f"  {line}\n" for line in body.splitlines()))
    assert [branches for _, name, branches in complexity.functions(path) if name == "f"] == [count]
