"""What every set of slices must fulfil; a part that was forgotten is an error at start."""

from collections.abc import Iterable, Iterator

from qe_ban.composition.slice import Slice
from qe_ban.web import guard


class SliceIncomplete(TypeError):
    """A slice does not declare what the others or its own code rely on."""


def check(slices: tuple[Slice, ...]) -> tuple[Slice, ...]:
    """Return the slices. Raises SliceIncomplete."""
    faults = [*_repeated("slice", (one.name for one in slices)), *_scope_faults(slices)]
    if faults:
        raise SliceIncomplete("; ".join(faults))
    return slices


def _repeated(what: str, names: Iterable[str]) -> Iterator[str]:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            yield f"{what} {name} is declared twice"
        seen.add(name)


def _scope_faults(slices: tuple[Slice, ...]) -> Iterator[str]:
    yield from _repeated("scope", (scope for one in slices for scope in sorted(one.scopes)))
    declared = frozenset[str]().union(*(one.scopes for one in slices))
    for one in slices:
        for operations in one.operations:
            for name, view in operations.blueprint.views.items():
                declaration = guard.of(view)
                scope = declaration.scope if declaration is not None else None
                if scope is not None and scope not in declared:
                    yield f"{name} requires {scope}, which no slice declares"
