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
from io import BytesIO
from types import CodeType, FunctionType, ModuleType
from typing import Any, Final

from sqlalchemy.orm import Session

from qe_ban.kernel.errors import Conflict, DomainError, Invalid, Unavailable
from qe_ban.web.errors import status_of_class

OURS: Final = "qe_ban."
_MAX_METHODS: Final = 3
"""A name that more of our classes than this have for a method says nothing of which is called."""
_MAX_ENTRIES: Final = 50
_COMMON: Final = frozenset(
    name
    for cls in (dict, list, set, str, bytes, int, BytesIO, Session)
    for name in dir(cls)
    if not name.startswith("__")
)
"""Names of methods that objects of Python and SQLAlchemy have, too."""
_LOADS: Final = frozenset({"LOAD_GLOBAL", "LOAD_NAME", "LOAD_DEREF", "LOAD_FREE", "LOAD_CLASSDEREF"})
_ATTRIBUTES: Final = frozenset({"LOAD_ATTR", "LOAD_METHOD"})

_EVERYWHERE: Final[Mapping[str, str]] = {"404": "not_found", "429": "too_many_requests", "503": "overloaded"}
"""What the edge answers, or a limiter, whatever the view."""
_CATEGORIES: Final = frozenset({DomainError, Invalid, Conflict, Unavailable})
"""Classes that code asks for and never raises."""

Node = FunctionType | type


def table() -> list[tuple[int, str, str]]:
    """Return status, code and Chinese detail of every class of errors that was imported, by status and code."""
    return sorted({(status_of_class(cls), cls.code, cls.detail) for cls in _classes(DomainError)})


def by_status(views: Iterable[Callable[..., Any]], statuses: Iterable[str], *, is_oauth: bool) -> dict[str, list[str]]:
    """Return the codes of the problems that views may answer, by those of some statuses."""
    error_statuses = {status for status in statuses if status >= "4"}
    classes = {cls for view in views for cls in reachable(view)} - _CATEGORIES
    problems = {(_status(cls, is_oauth=is_oauth), cls.code) for cls in classes if cls.code != DomainError.code}
    codes_by_status: defaultdict[str, set[str]] = defaultdict(set)
    for status, code in problems | set(_EVERYWHERE.items()):
        if status in error_statuses:
            codes_by_status[status].add(code)
    return {status: sorted(codes) for status, codes in sorted(codes_by_status.items())}


def _status(cls: type[DomainError], *, is_oauth: bool) -> str:
    return str(400 if is_oauth and issubclass(cls, Invalid) else status_of_class(cls))


def reachable(view: Callable[..., Any]) -> frozenset[type[DomainError]]:
    """Return the classes of errors that a view names, or anything that it calls."""
    return _reach(tuple(_nodes(view, 0)))


def _classes(cls: type[DomainError]) -> Iterator[type[DomainError]]:
    """Yield the classes that have a code of their own."""
    for one in cls.__subclasses__():
        if "code" in vars(one) and one.__module__.startswith(OURS):
            yield one
        yield from _classes(one)


@cache
def _reach(roots: tuple[Node, ...]) -> frozenset[type[DomainError]]:
    nodes: set[Node] = set()
    waiting = list(roots)
    while waiting:
        node = waiting.pop()
        if node not in nodes:
            nodes.add(node)
            waiting += _edges(node)
    return frozenset(node for node in nodes if isinstance(node, type) and issubclass(node, DomainError))


@cache
def _edges(node: Node) -> tuple[Node, ...]:
    if isinstance(node, type):
        if issubclass(node, DomainError):
            return ()
        methods = (vars(node).get(name) for name in ("__init__", "__post_init__", "__enter__", "__exit__", "__call__"))
        return tuple(one for one in methods if isinstance(one, FunctionType))
    return tuple(dict.fromkeys(_references(node)))


def _references(function: FunctionType) -> Iterator[Node]:
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
            if isinstance(owner, ModuleType | type):
                owner = getattr(owner, name, None)
                yield from _nodes(owner, 0)
                continue
            owner = None
            if _is_method(instruction):
                yield from _methods_near(function, name)
        elif instruction.opname.startswith(("LOAD_FAST", "STORE_")):
            owner = None


def _methods_near(function: FunctionType, name: str) -> Iterator[FunctionType]:
    """Yield the methods of a name, as far as a function's module may know objects that have it."""
    near = _neighbours(function)
    return (method for method in _methods().get(name, ()) if _feature(method.__module__) in near)


def _neighbours(function: FunctionType) -> frozenset[str]:
    """Return the features of which a function's module knows something: its own, and those that it imports from."""
    modules = {function.__module__}
    for value in function.__globals__.values():
        modules.add(value.__name__ if isinstance(value, ModuleType) else str(getattr(value, "__module__", "")))
    return frozenset(_feature(module) for module in modules)


def _feature(module: str) -> str:
    return ".".join(module.split(".")[:2])


def _is_method(instruction: dis.Instruction) -> bool:
    """Return whether an attribute is loaded to be called: in Python 3.11, and from 3.12 on."""
    return instruction.opname == "LOAD_METHOD" or "NULL|self" in instruction.argrepr


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
    elif depth < 3 and isinstance(value, Mapping | tuple | list) and len(value) <= _MAX_ENTRIES:
        entries: Iterable[object] = value.values() if isinstance(value, Mapping) else value
        for entry in entries:
            yield from _nodes(entry, depth + 1)


@cache
def _methods() -> Mapping[str, tuple[FunctionType, ...]]:
    """Return the methods of our classes by name, but for names that many have."""
    by_name: defaultdict[str, dict[FunctionType, None]] = defaultdict(dict)
    for cls in _own_classes():
        for name, function in vars(cls).items():
            if isinstance(function, FunctionType) and name not in _COMMON and not name.startswith("__"):
                by_name[name][function] = None
    return {name: tuple(functions) for name, functions in by_name.items() if len(functions) <= _MAX_METHODS}


def _own_classes() -> Iterator[type]:
    for name, module in list(sys.modules.items()):
        if name.startswith(OURS):
            for value in list(vars(module).values()):
                if isinstance(value, type) and value.__module__ == name:
                    yield value
