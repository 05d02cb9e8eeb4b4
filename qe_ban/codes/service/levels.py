"""The level of a health code: what the register says by rule, and over it what two persons set until a moment.

Both stand in one row, so that the hot path reads a level with what it reads anyway. Where the kind has an outside
source, that source alone says the level.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from qe_ban.kernel.city import LEVEL_KIND

REGISTER_DEFAULT = "register.default/1"
"""The rule of the built-in register, with its version: who has no record is green."""

_LEVELS = text("""
SELECT e.resident_id, a.detail->>'level', a.rule, a.as_of, a.expires_at, a.set_level, a.set_until
FROM entitlements e
LEFT JOIN source_answers a ON a.entitlement = e.number
JOIN residents r ON r.id = e.resident_id AND r.closed_at IS NULL
WHERE e.kind = :kind AND e.resident_id = ANY (:residents)
""")
# where there is no record yet, one that is over already: the register's default stands beneath
_SET = text("""
INSERT INTO source_answers (entitlement, state, detail, as_of, asked_at, expires_at, set_level, set_until)
SELECT number, 'active', CAST('{}' AS jsonb), :now, :now, :now, :level, :until
FROM entitlements WHERE kind = :kind AND resident_id = ANY (:residents) ORDER BY number
ON CONFLICT (entitlement) DO UPDATE SET set_level = excluded.set_level, set_until = excluded.set_until
""")
_END = text("""
UPDATE source_answers a SET set_level = NULL, set_until = NULL
FROM entitlements e WHERE e.number = a.entitlement AND e.kind = :kind AND e.resident_id = ANY (:residents)
    AND (NOT :expired OR a.set_until <= :now)
""")
_NEWS = text("""
WITH news AS (
    SELECT a.entitlement, coalesce(a.told_level, 'green') AS before, e.resident_id
    FROM source_answers a JOIN entitlements e ON e.number = a.entitlement AND e.kind = :kind
    WHERE (a.detail->>'level') <> coalesce(a.told_level, 'green')
    ORDER BY a.entitlement LIMIT :limit FOR UPDATE OF a SKIP LOCKED
)
UPDATE source_answers a SET told_level = a.detail->>'level'
FROM news WHERE news.entitlement = a.entitlement
RETURNING news.resident_id, news.before, a.told_level, a.rule, a.as_of, a.set_until > :now
""")


class _LevelRow(NamedTuple):
    """What `_LEVELS` reads of a resident's level."""

    level: str | None
    rule: str | None
    as_of: datetime | None
    expires_at: datetime | None
    set_level: str | None
    set_until: datetime | None


@dataclass(frozen=True, slots=True)
class HealthAnswer:
    """What is known of a resident's level: by the register's rule or a source (None: nothing), and by two persons.

    `rule` names the rule and its version, `ends_at` is when its record ends; `set_level` is None where nobody
    set one that is in force.
    """

    level: str | None
    rule: str | None
    as_of: datetime | None
    set_level: str | None
    set_until: datetime | None
    ends_at: datetime | None = None

    @property
    def visible_level(self) -> str | None:
        """Return the level that a scanner reads."""
        return self.set_level or self.level


@dataclass(frozen=True, slots=True)
class LevelNews:
    """That the register or a source says another level than the resident was told of.

    `is_hidden`: a level that two persons set is shown in its place.
    """

    resident: UUID
    before: str
    after: str
    rule: str | None
    as_of: datetime
    is_hidden: bool


def has_source(sources: Collection[str]) -> bool:
    """Return whether an outside source says the levels of this city."""
    return LEVEL_KIND in sources


def health_answers(
    session: Session, sources: Collection[str], residents: Collection[UUID], now: datetime
) -> Mapping[UUID, HealthAnswer]:
    """Return what is known of the levels of these residents; who holds no health code is left out. Asks no source."""
    values = {"kind": LEVEL_KIND, "residents": list(residents), "now": now}
    rows = {resident: _LevelRow(*row) for resident, *row in session.execute(_LEVELS, values)}
    if has_source(sources):
        return {resident: HealthAnswer(row.level, None, row.as_of, None, None) for resident, row in rows.items()}
    return {resident: _register_answer(row, now) for resident, row in rows.items()}


def _register_answer(row: _LevelRow, now: datetime) -> HealthAnswer:
    """Return what the built-in register says; whoever has no record of now is green."""
    is_known = row.level is not None and (row.expires_at is None or row.expires_at > now)
    is_set = row.set_until is not None and row.set_until > now
    return HealthAnswer(
        level=row.level if is_known else "green",
        rule=(row.rule if is_known else None) or REGISTER_DEFAULT,
        as_of=now,
        set_level=row.set_level if is_set else None,
        set_until=row.set_until if is_set else None,
        ends_at=row.expires_at if is_known else None,
    )


def set_levels(session: Session, residents: Collection[UUID], level: str, until: datetime, now: datetime) -> None:
    """Show a level of these residents until a moment, whatever the register says meanwhile."""
    values = {"kind": LEVEL_KIND, "residents": list(residents), "level": level, "until": until, "now": now}
    session.execute(_SET, values)


def end_levels(session: Session, residents: Collection[UUID], now: datetime, *, only_expired: bool) -> None:
    """Show again what the register says; `only_expired`: only where the set level is over by the clock."""
    values = {"kind": LEVEL_KIND, "residents": list(residents), "now": now, "expired": only_expired}
    session.execute(_END, values)


def take_level_news(session: Session, limit: int, now: datetime) -> list[LevelNews]:
    """Return whose level changed by a rule or a source since the resident was told; each is returned once."""
    values = {"kind": LEVEL_KIND, "limit": limit, "now": now}
    return [
        LevelNews(resident, before, after, rule, as_of, bool(is_hidden))
        for resident, before, after, rule, as_of, is_hidden in session.execute(_NEWS, values)
    ]
