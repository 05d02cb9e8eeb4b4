"""What every set of slices must fulfil; a part that was forgotten is an error at start."""

from collections.abc import Iterable, Iterator, Mapping

from qe_ban.composition.declaration import Slice
from qe_ban.db.base import Base
from qe_ban.keys.data_keys import Owner
from qe_ban.web import guard


class SliceIncomplete(TypeError):
    """A slice does not declare what the others or its own code rely on."""


def check(slices: tuple[Slice, ...], tables: Mapping[str, str]) -> tuple[Slice, ...]:
    """Return the slices. Raises SliceIncomplete. `tables`: the package of each, by its name."""
    faults = [
        *_duplicates("slice", (slice_.name for slice_ in slices)),
        *_scope_faults(slices),
        *_table_faults(slices, tables),
        *_owner_faults(slices),
    ]
    if faults:
        raise SliceIncomplete("; ".join(faults))
    return slices


def tables_by_package() -> dict[str, str]:
    """Return of each table of the models that are imported the package of qe_ban that has the model."""
    classes = (mapper.class_ for mapper in Base.registry.mappers)
    return {cls.__tablename__: cls.__module__.split(".")[1] for cls in classes}


def _duplicates(what: str, names: Iterable[str]) -> Iterator[str]:
    earlier: set[str] = set()
    for name in names:
        if name in earlier:
            yield f"{what} {name} is declared twice"
        earlier.add(name)


def _scope_faults(slices: tuple[Slice, ...]) -> Iterator[str]:
    yield from _duplicates("scope", (scope for slice_ in slices for scope in sorted(slice_.scopes)))
    scopes = frozenset[str]().union(*(slice_.scopes for slice_ in slices))
    for slice_ in slices:
        for operations in slice_.operations:
            for name, view in operations.blueprint.views.items():
                requirement = guard.of(view)
                scope = requirement.scope if requirement is not None else None
                if scope is not None and scope not in scopes:
                    yield f"{name} requires {scope}, which no slice declares"


def _table_faults(slices: tuple[Slice, ...], tables: Mapping[str, str]) -> Iterator[str]:
    plans = [(table, slice_.name) for slice_ in slices for table in slice_.retention.tables]
    yield from _duplicates("retention of", (table for table, _ in plans))
    planners = dict(plans)
    names = {slice_.name for slice_ in slices}
    for table, package in sorted(tables.items()):
        if table not in planners:
            yield f"nothing says how long rows of {table} are kept"
        elif package in names and planners[table] != package:
            yield f"{table} is a table of {package}, and {planners[table]} says how long its rows are kept"
    yield from (f"{table} is no table" for table in sorted(planners.keys() - tables.keys()))


def _owner_faults(slices: tuple[Slice, ...]) -> Iterator[str]:
    owners = [owner.table for slice_ in slices for owner in slice_.restore_cleanup]
    yield from _duplicates("the end of returned rows of", owners)
    for owner in Owner:
        if owner.table not in owners:
            yield f"nothing ends rows of {owner.table} that a restore brings back"
