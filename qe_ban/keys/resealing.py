"""Encrypts old columns anew under today's data key, and says which data keys are still needed; in small steps."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, TableClause, func, select, tuple_, update
from sqlalchemy import column as sql_column
from sqlalchemy import table as sql_table
from sqlalchemy.orm import Session

from qe_ban.kernel.clock import Clock
from qe_ban.keys import moments, vault
from qe_ban.keys.models import Key, Ring
from qe_ban.keys.retirement import lengthen
from qe_ban.keys.rings import KeyMissing, KeyRings

STEP = 200
LOOKED_AT = 20_000


@dataclass(frozen=True, slots=True)
class SealedColumn:
    """A column that is sealed: its table, the table's key, and the name that it is sealed under.

    `name` is None where nothing lives long enough to be sealed anew.
    """

    table: str
    column: str
    name: str | None
    key: tuple[str, ...] = ("id",)


SEALED = (
    SealedColumn("residents", "phone_sealed", "residents.phone"),
    SealedColumn("residents", "name_sealed", "residents.name"),
    SealedColumn("residents", "id_number_sealed", "residents.id_number"),
    SealedColumn("guardianships", "name_sealed", "guardianships.name"),
    SealedColumn("guardianships", "id_number_sealed", "guardianships.id_number"),
    SealedColumn("recovery_cases", "phone_sealed", "recovery_cases.phone"),
    SealedColumn("refresh_families", "content_sealed", "refresh_families.content"),
    SealedColumn("staff", "totp_sealed", "staff.totp_secret"),
    SealedColumn("outbox", "payload", "outbox.payload"),
    SealedColumn("short_numbers", "code_sealed", None, key=("mac",)),
    SealedColumn("requests_of_scans", "content_sealed", None),
    SealedColumn("holders_over_month", "before_sealed", None, key=("holder",)),
    SealedColumn("disputes", "resident_sealed", "disputes.resident"),
    SealedColumn("disputes", "text_sealed", "disputes.text"),
    SealedColumn("disputes", "answer_sealed", "disputes.answer"),
    SealedColumn("health_changes", "reason_sealed", "health_changes.reason"),
    SealedColumn("health_corrections", "text_sealed", "health_corrections.text"),
    SealedColumn("health_corrections", "answer_sealed", "health_corrections.answer"),
    SealedColumn("disputes", "appeal_sealed", "disputes.appeal"),
    SealedColumn("disputes", "appeal_answer_sealed", "disputes.appeal_answer"),
    SealedColumn("disputes", "scan_sealed", "disputes.scan"),
    SealedColumn("disputes", "appellant_sealed", "disputes.appellant"),
    SealedColumn("demands", "text_sealed", "demands.text"),
    SealedColumn("demands", "contact_sealed", "demands.contact"),
    SealedColumn("demands", "phone_sealed", "demands.phone"),
    SealedColumn("demands", "answer_sealed", "demands.answer"),
    SealedColumn("demand_steps", "note_sealed", "demand_steps.note"),
    SealedColumn("recovery_cases", "basis_sealed", "recovery_cases.basis"),
    SealedColumn("recovery_cases", "decision_basis_sealed", "recovery_cases.decision_basis"),
    SealedColumn("alarms", "closing_note_sealed", "alarms.closing_note"),
    SealedColumn("demands", "title_sealed", "demands.title"),
    SealedColumn("pages", "reason_sealed", "pages.reason", key=("kind", "slug")),
    SealedColumn("page_withdrawals", "reason_sealed", "page_withdrawals.reason", key=("kind", "slug", "number")),
    SealedColumn("audit_words", "text_sealed", "audit_words.text", key=("digest",)),
    *(SealedColumn(dated.table, moments.COLUMN, dated.name, dated.key) for dated in moments.DATED if dated.sealed),
)
"""Every sealed column of the database; a test compares it with the tables."""


@dataclass(frozen=True, slots=True)
class Step:
    """What one step did: up to which row it came (None: there are no more), and which rows did not open."""

    reached: Any
    written: int
    broken: tuple[Any, ...] = ()


def recent(session: Session, now: datetime, days: int) -> set[str]:
    """Give the kids of the data keys that serve or did in the last `days`: what lies under them stays as it is.

    Of no days, that is today's and those to come.
    """
    since = now - timedelta(days=days)
    return set(session.scalars(select(Key.kid).where(Key.ring == Ring.COLUMN, Key.expires > since)))


def reseal(
    session: Session,
    rings: KeyRings,
    sealed: SealedColumn,
    *,
    keep: Collection[str],
    after: Any,
    clock: Clock,
    limit: int = STEP,
) -> Step:
    """Encrypt the next rows whose data key is not one to keep, at most `limit` of them.

    Who is locked is passed over: what is changed now is sealed under today's key. Raises KeyMissing when that was not
    made.
    """
    if sealed.name is None:
        return Step(None, 0)
    source, keys, column = _source(sealed)
    wanted = select(*keys, column).where(column.is_not(None), _kid(column).not_in(list(keep)))
    if after is not None:
        wanted = wanted.where(tuple_(*keys) > tuple_(*after))
    lengthen(session)
    free = wanted.order_by(*keys).limit(limit).with_for_update(skip_locked=True, key_share=True)
    rows = [(tuple(values), bytes(text)) for *values, text in session.execute(free)]
    rings.column_key_of_day(clock())
    broken = []
    for key, text in rows:
        row = vault.row_key(key)
        try:
            fresh = vault.seal(rings, sealed.name, row, vault.unseal(rings, sealed.name, row, text), clock())
        except (vault.SealBroken, KeyMissing):
            broken.append(row)
            continue
        session.execute(update(source).where(tuple_(*keys) == tuple_(*key)).values({sealed.column: fresh}))
    return Step(rows[-1][0] if len(rows) == limit else None, len(rows) - len(broken), tuple(broken))


def used(session: Session, sealed: SealedColumn, *, after: Any, limit: int = LOOKED_AT) -> tuple[Any, dict[str, int]]:
    """Count under which data keys the next rows lie; gives up to which row it came, and rows by kid."""
    _, keys, column = _source(sealed)
    rows = select(*keys, _kid(column)).where(column.is_not(None))
    if after is not None:
        rows = rows.where(tuple_(*keys) > tuple_(*after))
    lengthen(session)
    page = session.execute(rows.order_by(*keys).limit(limit)).all()
    total = Counter(kid for *_, kid in page)
    return (tuple(page[-1][:-1]) if len(page) == limit else None), total


def _source(sealed: SealedColumn) -> tuple[TableClause, list[ColumnElement[Any]], ColumnElement[Any]]:
    source = sql_table(sealed.table, *(sql_column(name) for name in (*sealed.key, sealed.column)))
    return source, [source.c[name] for name in sealed.key], source.c[sealed.column]


def _kid(column: ColumnElement[Any]) -> ColumnElement[str]:
    """Read the kid out of what is sealed: four bytes after the version."""
    return func.encode(func.substring(column, 2, 4), "hex")
