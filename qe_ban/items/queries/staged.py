"""The rows of an import between the file and the catalogue: put down, read item by item, marked, forgotten."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, func, select, text, union_all, update
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from qe_ban.items.models import Department, ImportChunk, ImportRow, Topic
from qe_ban.items.queries.writing import among
from qe_ban.items.rules.layouts import ITEMS, LAYOUTS
from qe_ban.items.rules.merging import Rows, Staged
from qe_ban.items.rules.rows import FAULTY

DEPARTMENTS: Final = "departments"
ENDING: Final = "ending"
_NOTHING: Final[Mapping[str, Any]] = {}

_PUT_DOWN = text("""
    INSERT INTO import_rows (job_id, "table", code, row, content)
    SELECT :job, r."table", r.code, r.row, r.content
    FROM jsonb_to_recordset(cast(:rows AS jsonb)) AS r("table" text, code text, row integer, content jsonb)
""")

_LEAVING = """
    FROM items
    WHERE starts_at <= :now AND (ends_at IS NULL OR ends_at > :now)
      AND (cast(:district AS text) IS NULL OR district = :district)
      AND (cast(:department AS text) IS NULL OR department = :department)
      AND department IN (
        SELECT coalesce(r.content #>> '{fields,department}', i.department)
        FROM import_rows r LEFT JOIN items i ON i.code = r.code
        WHERE r.job_id = :job AND r."table" = 'items' AND NOT r.content ? 'faulty'
      )
      AND NOT EXISTS (
        SELECT FROM import_rows r WHERE r.job_id = :job AND r."table" = 'items' AND r.code = items.code
      )
"""


def chunks(session: Session, job_id: UUID, first: int, most: int) -> Sequence[bytes]:
    """Give at most so many pieces of the file, from a number on."""
    wanted = select(ImportChunk.data).where(ImportChunk.job_id == job_id, ImportChunk.number >= first)
    return session.scalars(wanted.order_by(ImportChunk.number).limit(most)).all()


def put_down(session: Session, job_id: UUID, rows: Sequence[tuple[str, str, int, Mapping[str, Any]]]) -> None:
    """Keep rows: table, code, row, content. As one parameter: many small ones cost more than the rows themselves."""
    if rows:
        said = [{"table": table, "code": code, "row": row, "content": content} for table, code, row, content in rows]
        session.execute(_PUT_DOWN, {"job": job_id, "rows": json.dumps(said, ensure_ascii=False)})


def put_down_departments(session: Session, job_id: UUID, found: Sequence[Mapping[str, Any]]) -> None:
    """Keep what departments are called; who said it first has the say."""
    rows = {row["code"]: _row(job_id, DEPARTMENTS, row["code"], 0, row) for row in reversed(found)}
    if rows:
        session.execute(postgresql.insert(ImportRow).values(list(rows.values())).on_conflict_do_nothing())


def codes(session: Session, job_id: UUID, after: str, most: int) -> list[str]:
    """Give the next codes of the file, in order."""
    # by table, so that each is a walk along the primary key, however many rows an item has
    each = [
        select(ImportRow.code)
        .where(ImportRow.job_id == job_id, ImportRow.table == name, ImportRow.code > after)
        .distinct()
        .order_by(ImportRow.code)
        .limit(most)
        .subquery()
        for name in LAYOUTS
    ]
    together = union_all(*(select(one.c.code) for one in each)).subquery()
    return list(session.scalars(select(together.c.code).distinct().order_by(together.c.code).limit(most)))


def count_codes(session: Session, job_id: UUID) -> int:
    """Give how many items the file is about."""
    wanted = select(func.count(ImportRow.code.distinct()))
    return session.scalar(wanted.where(ImportRow.job_id == job_id, ImportRow.table.in_(LAYOUTS))) or 0


def rows_of(session: Session, job_id: UUID, wanted: Sequence[str]) -> list[Rows]:
    """Give all rows of items, by item in the order of their codes."""
    found: dict[str, dict[str, list[Staged]]] = defaultdict(lambda: defaultdict(list))
    selected = (
        select(ImportRow.code, ImportRow.table, ImportRow.row, ImportRow.content)
        .where(ImportRow.job_id == job_id, ImportRow.table.in_(LAYOUTS), ImportRow.code == among(wanted))
        .order_by(ImportRow.row)
    )
    for code, table, row, content in session.execute(selected):
        found[code][table].append(Staged(table, row, content))
    return [Rows(code, found[code]) for code in wanted]


def mark_faulty(session: Session, job_id: UUID, faulty: Sequence[str]) -> None:
    """Note that nothing of these items is to be imported."""
    if faulty:
        marked = update(ImportRow).where(
            ImportRow.job_id == job_id, ImportRow.table.in_(LAYOUTS), ImportRow.code == among(faulty)
        )
        session.execute(marked.values(content=dict(FAULTY)).execution_options(synchronize_session=False))


def new_departments(session: Session, job_id: UUID, wanted: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """Give what the file says of departments, by code."""
    selected = select(ImportRow.code, ImportRow.content).where(
        ImportRow.job_id == job_id, ImportRow.table == DEPARTMENTS, ImportRow.code == among(wanted)
    )
    return {row.code: row.content for row in session.execute(selected)}


def known_departments(session: Session, wanted: Sequence[str]) -> frozenset[str]:
    """Give which of these departments there are."""
    return frozenset(session.scalars(select(Department.code).where(Department.code == among(wanted))))


def department_names(session: Session) -> dict[str, str]:
    """Give the names of all departments by code."""
    return {row.code: row.name for row in session.execute(select(Department.code, Department.name))}


def topics(session: Session) -> dict[str, str]:
    """Give the names of all topics by slug, those of residents first, as people are shown them."""
    wanted = select(Topic.slug, Topic.name).order_by(Topic.audience.desc(), Topic.position, Topic.slug)
    return {row.slug: row.name for row in session.execute(wanted)}


def has_items(session: Session, job_id: UUID) -> bool:
    """Tell whether the file has a row of items at all."""
    wanted = select(ImportRow.row).where(ImportRow.job_id == job_id, ImportRow.table == ITEMS).limit(1)
    return session.scalar(wanted) is not None


def count_leaving(session: Session, job_id: UUID, **of: Any) -> int:
    """Count the items in force of the file's departments that the file does not name; `of`: now, and the place."""
    found: int = session.execute(text(f"SELECT count(*) {_LEAVING}"), {"job": job_id, **of}).scalar_one()
    return found


def put_down_leaving(session: Session, job_id: UUID, **of: Any) -> int:
    """Keep those that `count_leaving` counts as the ones that are to end, and no others; gives how many they are."""
    session.execute(delete(ImportRow).where(ImportRow.job_id == job_id, ImportRow.table == ENDING))
    keep = f"INSERT INTO import_rows SELECT :job, '{ENDING}', code, 0, '{{}}'::jsonb {_LEAVING} RETURNING 1"
    return len(session.execute(text(keep), {"job": job_id, **of}).all())


def ending(session: Session, job_id: UUID, after: str, most: int) -> list[str]:
    """Give the next items that are to end, in order."""
    wanted = select(ImportRow.code).where(ImportRow.job_id == job_id, ImportRow.table == ENDING, ImportRow.code > after)
    return list(session.scalars(wanted.order_by(ImportRow.code).limit(most)))


def forget(session: Session, job_id: UUID) -> None:
    """Delete the file and its rows; what was asked for stays."""
    session.execute(delete(ImportRow).where(ImportRow.job_id == job_id))
    session.execute(delete(ImportChunk).where(ImportChunk.job_id == job_id))


def _row(job_id: UUID, table: str, code: str, row: int, content: Mapping[str, Any]) -> dict[str, Any]:
    return {"job_id": job_id, "table": table, "code": code, "row": row, "content": dict(content or _NOTHING)}
