"""How a row of a register (local apps, places) is made and changed: one at a time, by who answers for it, audited."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from qe_ban.audit import service as audit
from qe_ban.halls import errors
from qe_ban.halls.models import App, Place
from qe_ban.halls.rules import rights
from qe_ban.kernel.city import City
from qe_ban.kernel.errors import DomainError
from qe_ban.kernel.shapes import Fault

MOST_FIELDS: Final = 50

Changing = audit.Change | audit.AtShell


@dataclass(frozen=True, slots=True)
class Register:
    """A register: its table, what the audit calls a row of it (`app`), and in which districts a row is offered."""

    model: type[App] | type[Place]
    noun: str
    districts: Callable[[Mapping[str, Any]], Collection[str]]


@dataclass(frozen=True, slots=True)
class UpsertOutcome:
    """What became of a write: a row was made, one was changed, or (neither) it was so already."""

    is_new: bool
    has_changed: bool


def upsert(
    session: Session,
    register: Register,
    city: City,
    slug: str,
    row: Mapping[str, Any],
    *,
    precondition: audit.Precondition,
    change: Changing,
    prepare: Callable[[], None] | None = None,
) -> UpsertOutcome:
    """Make a row or change it: `row` is all of it, without faults, but slug, revision and time.

    The row is held until the commit. `prepare` is called right before the write, for what the row refers to; where two
    make one row at once, twice. Raises OtherPlace where the caller does not answer for it as it was and as it is
    to be, and what the precondition raises.
    """
    _check_rights(change, city, register.districts(row))
    row_in_place: Any = session.get(register.model, slug, with_for_update=True)
    if row_in_place is None:
        precondition(None)
        if prepare is not None:
            prepare()
        values = {"slug": slug, "revision": 1, "updated_at": change.at, **row}
        statement = insert(register.model).values(**values).on_conflict_do_nothing().returning(register.model.slug)
        if session.scalar(statement) is not None:
            audit.record_change(session, change, f"halls.create_{register.noun}", slug, before=None, after=dict(row))
            return UpsertOutcome(is_new=True, has_changed=True)
        # somebody made it at this very moment
        row_in_place = session.get_one(register.model, slug, with_for_update=True)
    before = {name: getattr(row_in_place, name) for name in row}
    _check_rights(change, city, register.districts(before))
    # who wrote just this and did not hear the answer still says what was there before
    if before == row and _saw_previous(precondition, row_in_place.revision):
        return UpsertOutcome(is_new=False, has_changed=False)
    precondition(str(row_in_place.revision))
    if before == row:
        return UpsertOutcome(is_new=False, has_changed=False)
    if prepare is not None:
        prepare()
    for name, value in row.items():
        setattr(row_in_place, name, value)
    row_in_place.revision += 1
    row_in_place.updated_at = change.at
    session.flush()
    was, now = audit.difference(before, row)
    audit.record_change(session, change, f"halls.change_{register.noun}", slug, before=was, after=now)
    return UpsertOutcome(is_new=False, has_changed=True)


def _saw_previous(precondition: audit.Precondition, revision: int) -> bool:
    """Return whether the caller saw a row as it was just before its last change: a first one makes it."""
    try:
        precondition(str(revision - 1) if revision > 1 else None)
    except DomainError:
        return False
    return True


def fields(faults: Iterable[Fault]) -> dict[str, str]:
    """Return faults as the fields of a problem: the first of each place, and of many places the first."""
    problems: dict[str, str] = {}
    for fault in faults:
        problems.setdefault(fault.place, fault.message)
    return dict(islice(problems.items(), MOST_FIELDS))


def district(city: City, hall: str) -> str | None:
    """Return the district of a hall. Raises HallUnknown."""
    try:
        return city.hall(hall)
    except KeyError:
        raise errors.HallUnknown from None


def _check_rights(change: Changing, city: City, districts: Collection[str]) -> None:
    if change.by is not None and not rights.may_keep(change.by.place, city.halls, districts):
        raise errors.OtherPlace
