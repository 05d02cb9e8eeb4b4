"""Departments: the agencies that do the items."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from qe_ban.audit import service as audit
from qe_ban.items import errors
from qe_ban.items.models import Department
from qe_ban.items.queries import catalogue as queries
from qe_ban.items.rules import vocabulary
from qe_ban.kernel.city import City
from qe_ban.kernel.principal import Actor


@dataclass(frozen=True, slots=True)
class NewDepartment:
    """What a department is made of; `code` is its USCC, `type` a word of DEPARTMENT_TYPES, no `district` the city's."""

    code: str
    name: str
    type: str = "statutory"
    district: str | None = None
    phone: str | None = None
    address: str | None = None


@dataclass(frozen=True, slots=True)
class DepartmentView:
    """A department with the number of its current items."""

    code: str
    name: str
    type: str
    district: str | None
    phone: str | None
    address: str | None
    items: int

    @property
    def tag(self) -> str:
        """What changes whenever the department itself does."""
        said = (self.code, self.name, self.type, self.district, self.phone, self.address)
        return _tag(NewDepartment(*said))


def departments(
    session: Session, city: City, *, hall: str | None, after: tuple[str, str] | None, limit: int, now: datetime
) -> list[DepartmentView]:
    """Give at most `limit` departments, the city's first, then by district and code, after a district and code.

    `hall`: only those of a district, or of the city itself. Raises HallUnknown.
    """
    wanted = queries.departments(now).limit(limit)
    if hall is not None:
        wanted = wanted.where(Department.district.is_not_distinct_from(_district(city, hall)))
    if after is not None:
        wanted = wanted.where(tuple_(func.coalesce(Department.district, ""), Department.code) > after)
    return [_view(row, items) for row, items in session.execute(wanted)]


def department(session: Session, *, code: str, now: datetime) -> DepartmentView:
    """Give one department. Raises DepartmentNotFound."""
    found = session.execute(queries.departments(now).where(Department.code == code)).first()
    if found is None:
        raise errors.DepartmentNotFound
    return _view(*found)


def known(session: Session, code: str) -> bool:
    """Tell whether a department is registered."""
    return session.get(Department, code) is not None


def put(
    session: Session, city: City, new: NewDepartment, *, precondition: audit.Precondition, change: audit.Change
) -> bool:
    """Make a department or change it; tells whether it was made.

    Raises DepartmentInvalid with the fields at fault, and what the precondition raises.
    """
    stored = session.get(Department, new.code, with_for_update={"key_share": True})
    row = asdict(new)
    faults = vocabulary.faults_of_department(row, city.districts, new=stored is None)
    if faults:
        raise errors.DepartmentInvalid(fields=faults)
    if stored is None:
        precondition(None)
        made = insert(Department).values(**row, updated_at=change.at).on_conflict_do_nothing()
        if session.scalar(made.returning(Department.code)) is not None:
            audit.record_change(session, change, "items.create_department", new.code, before=None, after=row)
            return True
        # somebody made it at this very moment
        stored = session.get_one(Department, new.code, with_for_update={"key_share": True})
    before = NewDepartment(stored.code, stored.name, stored.type, stored.district, stored.phone, stored.address)
    precondition(_tag(before))
    if new != before:
        for name, value in row.items():
            setattr(stored, name, value)
        stored.updated_at = change.at
        was, now = audit.difference(asdict(before), row)
        audit.record_change(session, change, "items.change_department", new.code, before=was, after=now)
    return False


def ensure(session: Session, rows: Sequence[NewDepartment], now: datetime) -> set[str]:
    """Insert the departments that are not there, and give their codes; those that are stay as they are."""
    if not rows:
        return set()
    known = [asdict(row) | {"updated_at": now} for row in sorted(rows, key=lambda row: row.code)]
    made = insert(Department).on_conflict_do_nothing(index_elements=["code"]).returning(Department.code)
    return set(session.scalars(made, known))


def register(
    session: Session, rows: Sequence[NewDepartment], *, by: Actor | None, import_id: UUID, now: datetime
) -> None:
    """Insert the departments of an import that are not there, and record that it was the importer who made them."""
    made = ensure(session, rows, now)
    for row in rows:
        if row.code in made:
            details = {"before": None, "after": asdict(row), "import": str(import_id)}
            audit.record(session, at=now, actor=by, action="items.create_department", subject=row.code, details=details)


def _district(city: City, hall: str) -> str | None:
    try:
        return city.hall(hall)
    except KeyError:
        raise errors.HallUnknown from None


def _view(row: Department, items: int) -> DepartmentView:
    return DepartmentView(row.code, row.name, row.type, row.district, row.phone, row.address, items)


def _tag(department: NewDepartment) -> str:
    return vocabulary.tag_of(asdict(department))
