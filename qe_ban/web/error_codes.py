"""Which codes an operation may answer: the classes of errors that its view can reach, read from the compiled code.

A view names what it calls and the classes that it raises; so do the functions that it calls. Where a method's object is
known only at run time, every method of that name counts, unless the name is a common one. So the codes of an operation
are those that it may answer, sometimes one more, and clients go by the status where they do not know a code.
"""

import dis
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from types import CodeType, FunctionType, ModuleType
from typing import Any, Final

from qe_ban.kernel.errors import DomainError

OURS: Final = "qe_ban."
_MOST_METHODS: Final = 3
"""A name that more of our classes than this have for a method says nothing of which is called."""
_MOST_ENTRIES: Final = 50
_LOADS: Final = frozenset({"LOAD_GLOBAL", "LOAD_NAME", "LOAD_DEREF", "LOAD_FREE", "LOAD_CLASSDEREF"})
_ATTRIBUTES: Final = frozenset({"LOAD_ATTR", "LOAD_METHOD"})

Node = FunctionType | type


def reachable(view: Callable[..., Any]) -> frozenset[type[DomainError]]:
    """Return the classes of errors that a view names, or anything that it calls."""
    return _reach(tuple(_nodes(view, 0)))


@cache
def _reach(roots: tuple[Node, ...]) -> frozenset[type[DomainError]]:
    seen: set[Node] = set()
    waiting = list(roots)
    while waiting:
        node = waiting.pop()
        if node not in seen:
            seen.add(node)
            waiting += _edges(node)
    return frozenset(node for node in seen if isinstance(node, type) and issubclass(node, DomainError))


@cache
def _edges(node: Node) -> tuple[Node, ...]:
    if isinstance(node, type):
        if issubclass(node, DomainError):
            return ()
        made = (vars(node).get(name) for name in ("__init__", "__post_init__", "__enter__", "__exit__", "__call__"))
        return tuple(one for one in made if isinstance(one, FunctionType))
    return tuple(dict.fromkeys(_named(node)))


def _named(function: FunctionType) -> Iterator[Node]:
    """Yield what a function names: wrapped views, functions and classes of ours, and methods."""
    yield from _nodes(getattr(function, "__wrapped__", None), 0)
    cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=True))
    owner: object = None
    for instruction in _instructions(function.__code__):
        name = instruction.argval
        if instruction.opname in _LOADS:
            owner = _value(cells[name]) if name in cells else function.__globals__.get(name)
            yield from _nodes(owner, 0)
        elif instruction.opname in _ATTRIBUTES:
            known = isinstance(owner, ModuleType | type)
            owner = getattr(owner, name, None) if known else None
            yield from _nodes(owner, 0) if known else _methods().get(name, ())


def _instructions(code: CodeType) -> Iterator[dis.Instruction]:
    yield from dis.get_instructions(code)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _instructions(constant)


def _value(cell: Any) -> object:
    try:
        return cell.cell_contents
    except ValueError:  # not filled yet
        return None


def _nodes(value: object, depth: int) -> Iterator[Node]:
    """Yield the functions and classes of ours that a value is, or holds as a table of them."""
    if isinstance(value, FunctionType | type):
        if (value.__module__ or "").startswith(OURS):
            yield value
        yield from _nodes(getattr(value, "__wrapped__", None), depth)
    elif callable(getattr(value, "__wrapped__", None)):  # a cached function
        yield from _nodes(value.__wrapped__, depth)  # type: ignore[attr-defined]
    elif depth < 3 and isinstance(value, Mapping | tuple | list) and len(value) <= _MOST_ENTRIES:
        entries: Iterable[object] = value.values() if isinstance(value, Mapping) else value
        for entry in entries:
            yield from _nodes(entry, depth + 1)


@cache
def _methods() -> Mapping[str, tuple[FunctionType, ...]]:
    """Return the methods of our classes by name, but for names that many have."""
    found: defaultdict[str, dict[FunctionType, None]] = defaultdict(dict)
    for name, module in list(sys.modules.items()):
        if name.startswith(OURS):
            for cls in list(vars(module).values()):
                if isinstance(cls, type) and cls.__module__ == name:
                    for method, function in vars(cls).items():
                        if isinstance(function, FunctionType) and not method.startswith("__"):
                            found[method][function] = None
    return {name: tuple(functions) for name, functions in found.items() if len(functions) <= _MOST_METHODS}
