"""Words that people typed about people: sealed, where releases before this kept them in clear.

A column in clear stays beside its sealed one as long as the previous release reads it: empty, or with a placeholder
where it may not be empty. What that release writes there is newer than what is sealed, until the worker has sealed it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import and_, false, or_, select, update
from sqlalchemy import column as sql_column
from sqlalchemy import table as sql_table
from sqlalchemy.orm import Session

from qe_ban.keys import vault
from qe_ban.keys.retirement import lengthen
from qe_ban.keys.rings import KeyRings

PLACEHOLDER: Final = "（已加密）"
STEP: Final = 200


@dataclass(frozen=True, slots=True)
class ClearColumn:
    """A column that held words in clear, and the one that holds them sealed.

    `placeholder` stands in it where it may not be NULL; `own`: patterns (LIKE) of what the program itself writes there,
    which is nobody's word and stays; `key` as in `resealing.SealedColumn`.
    """

    table: str
    column: str
    placeholder: str | None = None
    own: tuple[str, ...] = ()
    key: tuple[str, ...] = ("id",)

    @property
    def sealed_column(self) -> str:
        """Return the name of the sealed column."""
        return f"{self.column}_sealed"

    @property
    def name(self) -> str:
        """Return the name that the words are sealed under."""
        return f"{self.table}.{self.column}"


RECOVERY_BASIS: Final = ClearColumn("recovery_cases", "basis")
RECOVERY_DECISION: Final = ClearColumn("recovery_cases", "decision_basis")
CLOSING_NOTE: Final = ClearColumn("alarms", "closing_note", PLACEHOLDER)
DEMAND_TITLE: Final = ClearColumn("demands", "title", PLACEHOLDER, own=("（已撤回的需求）",))
REJECTION: Final = ClearColumn("pages", "reason", key=("kind", "slug"))
WITHDRAWAL: Final = ClearColumn(
    "page_withdrawals", "reason", PLACEHOLDER, own=("由版本 % 取代",), key=("kind", "slug", "number")
)
CLEAR: Final = (RECOVERY_BASIS, RECOVERY_DECISION, CLOSING_NOTE, DEMAND_TITLE, REJECTION, WITHDRAWAL)


def seal(
    rings: KeyRings, words: ClearColumn, row: object, text: str, now: datetime, *, data_key: int | None = None
) -> bytes:
    """Seal words for a row. Raises KeyMissing."""
    return vault.seal(rings, words.name, row, text, now, data_key=data_key)


def read(rings: KeyRings, words: ClearColumn, row: object, ciphertext: bytes | None, clear: str | None) -> str | None:
    """Return the words of a row; what stands in clear, which another release wrote, is the newer. Raises KeyMissing."""
    if clear is not None and clear != words.placeholder:
        return clear
    return vault.unseal(rings, words.name, row, ciphertext) if ciphertext is not None else None


def seal_step(session: Session, rings: KeyRings, words: ClearColumn, now: datetime) -> int:
    """Seal what stands in clear in a column and empty it, at most 200 rows; return how many.

    With a word of our own (a demand that was withdrawn) goes what was sealed before it. Rows that are locked are left
    for the next step. Raises KeyMissing.
    """
    lengthen(session)
    source = sql_table(words.table, *(sql_column(name) for name in (*words.key, words.column, words.sealed_column)))
    keys, clear, sealed_column = (
        [source.c[name] for name in words.key],
        source.c[words.column],
        source.c[words.sealed_column],
    )
    is_typed = and_(clear.is_not(None), clear.is_distinct_from(words.placeholder))
    is_own = or_(*(clear.like(pattern) for pattern in words.own)) if words.own else None
    is_open = is_typed if is_own is None else (is_typed & ~is_own) | (is_own & sealed_column.is_not(None))
    query = select(*keys, clear, is_own if is_own is not None else false()).where(is_open)
    rows = session.execute(query.order_by(*keys).limit(STEP).with_for_update(skip_locked=True, key_share=True)).all()
    for *key, text, own in rows:
        values: dict[str, Any] = {words.sealed_column: None}
        if not own:
            values = {
                words.sealed_column: seal(rings, words, vault.row_key(tuple(key)), text, now),
                words.column: words.placeholder,
            }
        is_row = [column == value for column, value in zip(keys, key, strict=True)]
        session.execute(update(source).where(*is_row).values(values))
    return len(rows)
