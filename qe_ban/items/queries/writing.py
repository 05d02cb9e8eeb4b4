"""The statements by which many items are locked and written together: one round trip each, whatever their number."""

import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Integer,
    Row,
    Select,
    Text,
    TextClause,
    Uuid,
    and_,
    any_,
    cast,
    func,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.orm import Session

from qe_ban.items.models import Entry, Item, ItemVersion, Topic
from qe_ban.items.rules.planning import ExistingItem
from qe_ban.items.rules.schedule import Mark, timeline

_MAKING: Final = 0x6974656D
"""The number of the advisory lock that whoever makes items holds until the transaction ends."""
_NAMING: Final = 0x746F7069
"""The number of the lock that whoever writes items shares, and whoever renames a topic has alone."""

_LIST_COLUMNS: Final = {
    "version": "integer",
    "name": "text",
    "item_type": "text",
    "department": "text",
    "district": "text",
    "reach": "text",
    "audiences": "text[]",
    "topics": "text[]",
    "online": "boolean",
    "handling": "text",
    "text_id": "bigint",
    "turns_at": "timestamptz",
}
_TIMES: Final = {
    "latest": "integer",
    "revision": "integer",
    "starts_at": "timestamptz",
    "ends_at": "timestamptz",
    "turns_at": "timestamptz",
    "updated_at": "timestamptz",
}
_ALL_COLUMNS: Final = {"id": "uuid", "code": "text", "entry": "text"} | _LIST_COLUMNS | _TIMES


_Version = Row[UUID, int, datetime, bytes]


def _insert(columns: Mapping[str, str]) -> TextClause:
    names = ", ".join(columns)
    return text(f"INSERT INTO items ({names}) SELECT {names} FROM {_rows(columns)}")  # noqa: S608 - our own names


def _update(columns: Mapping[str, str]) -> TextClause:
    values = ", ".join(f"{name} = new.{name}" for name in columns)
    return text(f"UPDATE items SET {values} FROM {_rows({'id': 'uuid', **columns})} WHERE items.id = new.id")  # noqa: S608


def _rows(columns: Mapping[str, str]) -> str:
    typed = ", ".join(f"{name} {kind}" for name, kind in columns.items())
    return f"jsonb_to_recordset(CAST(:rows AS jsonb)) AS new ({typed})"


INSERT: Final = _insert(_ALL_COLUMNS)
SHOW: Final = _update(_LIST_COLUMNS)
"""Let lists show another version."""
SCHEDULE: Final = _update(_TIMES)

_INSERT_VERSIONS: Final = text(
    "INSERT INTO item_versions (item_id, number, content, digest, starts_at, created_at, created_by, source) "
    "SELECT item_id, number, content, decode(digest, 'hex'), starts_at, :now, CAST(:by AS uuid), :source "
    "FROM json_to_recordset(CAST(:rows AS json)) "
    "AS new (item_id uuid, number integer, content jsonb, digest text, starts_at timestamptz)"
)


def hold(session: Session, codes: Collection[str]) -> dict[str, ExistingItem]:
    """Lock the items of these codes until the transaction ends, and return those that there are.

    Where one is missing, the right to make items is taken first: it stays missing until the caller makes it.
    """
    _share_names(session)
    codes = list(codes)
    there = session.scalar(select(func.count()).select_from(Item).where(Item.code == among(codes)))
    if there != len(codes):
        session.execute(select(func.pg_advisory_xact_lock(_MAKING)))
    # what they say is read by a further statement: a locking one would pair new rows with versions of before its wait
    return _existing_items(session, _by_codes(codes).with_for_update())


def hold_known(session: Session, code: str) -> ExistingItem | None:
    """Lock the item of a code, if there is one; where there is none, no item is locked."""
    _share_names(session)
    return _existing_items(session, _by_codes([code]).with_for_update()).get(code)


def look(session: Session, codes: Collection[str]) -> dict[str, ExistingItem]:
    """Return the items of these codes as they stand, without locking them."""
    return _existing_items(session, _by_codes(codes))


def hold_due(session: Session, now: datetime, most: int) -> dict[str, ExistingItem]:
    """Lock at most so many items whose next version's time has come, and return them; others' locked ones are left."""
    _share_names(session)
    due = select(Item).where(Item.turns_at <= now).order_by(Item.code).limit(most).with_for_update(skip_locked=True)
    return _existing_items(session, due)


def hold_topics(session: Session, slugs: Collection[str]) -> dict[str, str]:
    """Keep topics from being deleted until the transaction ends, and return their names by slug."""
    if not slugs:
        return {}
    query = select(Topic.slug, Topic.name).where(Topic.slug == among(slugs)).order_by(Topic.slug)
    rows = session.execute(query.with_for_update(read=True, key_share=True))
    return {row.slug: row.name for row in rows}


def hold_names(session: Session) -> None:
    """Wait for all who are writing items, and let nobody write any until the transaction ends.

    To be called before a topic is renamed: what is written under its old name is then seen, and what follows knows the
    new one.
    """
    session.execute(select(func.pg_advisory_xact_lock(_NAMING)))


def hold_of_topic(session: Session, topic: str, after: str, most: int) -> dict[str, ExistingItem]:
    """Lock at most so many items that lists show under a topic, with codes greater than `after`, and return them."""
    of_topic = select(Item).where(Item.topics.contains([topic]), Item.code > after).order_by(Item.code).limit(most)
    return _existing_items(session, of_topic.with_for_update())


def add_entries(session: Session, entries: Collection[str]) -> None:
    """Insert the entries that are not there."""
    if entries:
        rows = select(func.unnest(cast(sorted(entries), ARRAY(Text))))
        session.execute(insert(Entry).from_select(["entry"], rows).on_conflict_do_nothing())


def write(session: Session, statement: TextClause, rows: Sequence[Mapping[str, Any]]) -> None:
    """Execute one of INSERT, SHOW and SCHEDULE for rows of their columns; for updates with the `id`."""
    if rows:
        session.execute(statement, {"rows": json.dumps(rows, default=_json, ensure_ascii=False)})


def insert_versions(
    session: Session,
    rows: Sequence[tuple[UUID, Mark, str, bytes]],
    *,
    by: UUID | None,
    source: str,
    now: datetime,
) -> None:
    """Insert versions: of which item, which number and start, the content as JSON, its digest."""
    if not rows:
        return
    # the contents are JSON as they are: put in place, they are neither quoted nor read twice
    values = ",".join(
        f'{{"item_id":"{item_id}","number":{mark.number},"content":{content},"digest":"{digest.hex()}",'
        f'"starts_at":"{mark.starts_at.isoformat()}"}}'
        for item_id, mark, content, digest in rows
    )
    session.execute(_INSERT_VERSIONS, {"rows": f"[{values}]", "by": by, "source": source, "now": now})


def contents(session: Session, numbers: Mapping[UUID, int]) -> dict[UUID, dict[str, Any]]:
    """Return what one version of each item says, by the item's id."""
    if not numbers:
        return {}
    pairs = func.unnest(cast(list(numbers), ARRAY(Uuid)), cast(list(numbers.values()), ARRAY(Integer)))
    wanted = pairs.table_valued("item_id", "number").render_derived(name="wanted")
    rows = select(ItemVersion.item_id, ItemVersion.content).join(
        wanted, and_(ItemVersion.item_id == wanted.c.item_id, ItemVersion.number == wanted.c.number)
    )
    return {row.item_id: row.content for row in session.execute(rows)}


def set_ends(session: Session, item_ids: Sequence[UUID], ends_at: datetime | None, now: datetime) -> None:
    """Let items end at a moment, or not at all."""
    if item_ids:
        statement = update(Item).where(Item.id.in_(item_ids)).execution_options(synchronize_session=False)
        session.execute(statement.values(ends_at=ends_at, revision=Item.revision + 1, updated_at=now))


def _share_names(session: Session) -> None:
    session.execute(select(func.pg_advisory_xact_lock_shared(_NAMING)))


def _by_codes(codes: Collection[str]) -> Select[Item]:
    return select(Item).where(Item.code == among(codes)).order_by(Item.code)


def among(values: Collection[str]) -> ColumnElement[bool]:
    """Return what a column of text equals if it is one of these; one parameter, however many there are.

    As rows to join with: a prepared statement compares each row of a table with each element of an array.
    """
    return any_(select(func.unnest(cast(list(values), ARRAY(Text)))).scalar_subquery())


def _existing_items(session: Session, items_query: Select[Item]) -> dict[str, ExistingItem]:
    columns = items_query.with_only_columns(
        Item.id, Item.code, Item.department, Item.district, Item.version, Item.revision, Item.ends_at, Item.updated_at
    )
    items = session.execute(columns).all()
    versions = _versions(session, [item.id for item in items])
    return {
        item.code: ExistingItem(
            id=item.id,
            code=item.code,
            department=item.department,
            district=item.district,
            shown=item.version,
            revision=item.revision,
            ends_at=item.ends_at,
            updated_at=item.updated_at,
            times=timeline(Mark(row.number, row.starts_at) for row in versions[item.id]),
            digests={row.number: row.digest for row in versions[item.id]},
        )
        for item in items
    }


def _versions(session: Session, item_ids: Collection[UUID]) -> dict[UUID, list[_Version]]:
    if not item_ids:
        return {}
    columns = (ItemVersion.item_id, ItemVersion.number, ItemVersion.starts_at, ItemVersion.digest)
    versions: dict[UUID, list[_Version]] = defaultdict(list)
    is_among = any_(select(func.unnest(cast(list(item_ids), ARRAY(Uuid)))).scalar_subquery())
    for row in session.execute(select(*columns).where(ItemVersion.item_id == is_among)):
        versions[row.item_id].append(row)
    return versions


def _json(value: datetime | UUID) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
