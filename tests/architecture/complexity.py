"""How often the functions of the tree branch, counted as radon counts: what mccabe leaves out, too.

A branch is an `if`, a loop, a handler, a case, and also a ternary, each operand more of `and` and `or`, and each `for`
and `if` of a comprehension. So long conditions and clever expressions hide nothing.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

MAX_COMPLEXITY = 10
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def functions(path: Path) -> Iterator[tuple[int, str, int]]:
    """Return line, name and complexity of every function of a file, methods and inner functions included."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, _FUNCTIONS):
            yield node.lineno, node.name, 1 + sum(_branches(statement) for statement in node.body)


def _branches(node: ast.AST) -> int:
    """Count the branches of a statement or an expression; those of an inner function are its own."""
    if isinstance(node, _FUNCTIONS):
        return 0
    return _own_branches(node) + sum(_branches(child) for child in ast.iter_child_nodes(node))


def _own_branches(node: ast.AST) -> int:
    match node:
        case ast.If() | ast.IfExp() | ast.Assert():
            return 1
        case ast.For() | ast.AsyncFor() | ast.While():
            return 1 + bool(node.orelse)
        case ast.Try():
            return len(node.handlers) + bool(node.orelse)
        case ast.Match():
            return sum(not _is_default(case) for case in node.cases)
        case ast.BoolOp():
            return len(node.values) - 1
        case ast.comprehension():
            return 1 + len(node.ifs)
    return 0


def _is_default(case: ast.match_case) -> bool:
    return isinstance(case.pattern, ast.MatchAs) and case.pattern.pattern is None and case.guard is None
