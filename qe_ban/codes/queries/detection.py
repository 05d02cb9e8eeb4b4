"""The SQL of the detectors: each statement reads one window by the index on time, of few parts, and joins little."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from qe_ban.codes.rules import anomalies as rules
from qe_ban.kernel.city import Travel

SORTS: Final = {
    "refused": "reason = 'purpose_not_allowed'",
    "forged": "cti IS NULL AND reason IN ('forged', 'unknown_key')",
    # the signature held, and what it seals names nobody, or somebody's other kind
    "stray": "cti IS NOT NULL AND (reason = 'forged' OR (reason = 'revoked' AND holder IS NULL))",
    "missed": "cti IS NULL AND reason = 'expired'",
}
"""What is counted of an hour, by what a scan's row says."""
MOST: Final = 500
"""Subjects that one look gives at most: beyond that it is one matter and not five hundred."""


@dataclass(frozen=True, slots=True)
class Hour:
    """What one scanner scanned in a window: how many scans of a sort, and the newest of each."""

    scanner: UUID
    scans: int
    at: datetime
    counts: dict[str, int]
    newest: dict[str, datetime | None]
    new: int
    new_at: datetime | None
    usual: int
    days: int
    today: int


_COUNTS = ",\n".join(
    f"count(*) FILTER (WHERE {test}) AS {sort}, max(at) FILTER (WHERE {test}) AS {sort}_at"
    for sort, test in SORTS.items()
)
_SUMS = ", ".join(f"sum({sort}) AS {sort}, max({sort}_at) AS {sort}_at" for sort in SORTS)
_ANY = " OR ".join(f"o.{sort} > 0" for sort in SORTS)
_NAMES = ", ".join(f"o.{sort}, o.{sort}_at" for sort in SORTS)
_HOURS = text(f"""
WITH purposes AS MATERIALIZED (
    SELECT scanner_id, purpose, count(*) AS scans, max(at) AS at,
           {_COUNTS}
    FROM scans s LEFT JOIN unnest(CAST(:scanners AS uuid[]), CAST(:moments AS timestamptz[])) AS w (scanner, since)
        ON w.scanner = s.scanner_id
    WHERE at > :since AND at <= :until AND (:all OR at > w.since)
    GROUP BY scanner_id, purpose
), marked AS (
    SELECT p.*, CASE WHEN p.scans - p.refused < :least_new THEN false ELSE NOT EXISTS (
               SELECT FROM scanner_habits h
               WHERE h.scanner_id = p.scanner_id AND h.day >= :first AND h.day < :today AND h.purpose = p.purpose
                 AND h.most * :factor >= least(p.scans - p.refused, (
                     SELECT max(b.most) FROM scanner_habits b
                     WHERE b.scanner_id = p.scanner_id AND b.day >= :first AND b.day < :today AND b.purpose = '')))
           END AS is_new
    FROM purposes p
), scanners AS (
    SELECT scanner_id, sum(scans) AS scans, max(at) AS at, {_SUMS},
           sum(scans - refused) FILTER (WHERE is_new) AS new, max(at) FILTER (WHERE is_new) AS new_at,
           bool_or(is_new) AS any_new
    FROM marked
    GROUP BY scanner_id
)
SELECT o.scanner_id, o.scans, o.at, coalesce(o.new, 0), o.new_at, coalesce(k.usual, 0), k.days, k.total, {_NAMES}
FROM scanners o CROSS JOIN LATERAL (
    SELECT max(h.most) FILTER (WHERE h.day < :today) AS usual, count(*) FILTER (WHERE h.day < :today) AS days,
           coalesce(max(h.total) FILTER (WHERE h.day = :today), 0) AS total
    FROM scanner_habits h
    WHERE h.scanner_id = o.scanner_id AND h.day BETWEEN :first AND :today AND h.purpose = ''
) k
WHERE o.scans >= :least OR {_ANY} OR o.any_new OR k.total >= :least_total
""")  # noqa: S608 - our own words


def hours(
    session: Session,
    *,
    since: datetime,
    until: datetime,
    first: date,
    today: date,
    after: Mapping[UUID, datetime] | None = None,
) -> list[Hour]:
    """Return what scanners scanned, of those of whom something may be worth a word.

    `after`: of these scanners whatever it is, each after its own moment. One statement, however many there are.
    """
    starts = after or {}
    values = {
        "since": since if after is None else min(starts.values(), default=until),
        "until": until,
        "first": first,
        "today": today,
        "all": after is None,
        "scanners": list(starts),
        "moments": list(starts.values()),
        "least": rules.VOLUME_FLOOR if after is None else 1,
        "least_new": rules.NEW_PURPOSE_FLOOR if after is None else 1,
        "least_total": rules.DAY_NEW,
        "factor": rules.NEW_PURPOSE_FACTOR,
    }
    return [_hour(row) for row in session.execute(_HOURS, values).all()]


def _hour(row: Sequence[Any]) -> Hour:
    scanner, scans, at, new, new_at, usual, days, total, *sorts = row
    counts = {sort: int(number) for sort, number in zip(SORTS, sorts[::2], strict=True)}
    newest = dict(zip(SORTS, sorts[1::2], strict=True))
    return Hour(scanner, int(scans), at, counts, newest, int(new), new_at, usual, days, total)


_LEARN = text("""
INSERT INTO scanner_habits (scanner_id, day, purpose, most, total)
SELECT scanner_id, :day, coalesce(purpose, ''),
       CASE WHEN scanner_id = ANY (CAST(:strange AS uuid[])) THEN 0 ELSE count(*) END, count(*)
FROM scans
WHERE at > :since AND at <= :until AND reason <> 'purpose_not_allowed'
GROUP BY GROUPING SETS ((scanner_id), (scanner_id, purpose))
ON CONFLICT (scanner_id, day, purpose) DO UPDATE
SET most = greatest(scanner_habits.most, excluded.most), total = scanner_habits.total + excluded.total
""")
_FORGET = text("DELETE FROM scanner_habits WHERE day < :first")


def learn(
    session: Session, *, since: datetime, until: datetime, day: date, first: date, strange: Collection[UUID]
) -> None:
    """Keep what each scanner scanned in a span of an hour, for the day's sum and, where it is that, as the day's most.

    What the strange ones did is not to become usual. Days before `first` are forgotten.
    """
    session.execute(_LEARN, {"since": since, "until": until, "day": day, "strange": list(strange)})
    session.execute(_FORGET, {"first": first})


# what guardians show is on other phones than the holder's, and tells nothing of where the holder was: another series.
# Judged here and not afterwards: of thousands who went from one district to another on a working day few are strange
_TRAVELS = """
WITH moved AS MATERIALIZED (
    SELECT s.holder, s.guardian
    FROM {scans} s
    WHERE s.at > :since AND s.at <= :until AND s.accepted
      AND s.holder IS NOT NULL AND (CAST(:holder AS bytea) IS NULL OR s.holder = CAST(:holder AS bytea))
    GROUP BY s.holder, s.guardian
    HAVING count(DISTINCT s.venue_id) > 1
), seen AS MATERIALIZED (
    SELECT s.holder, s.guardian, s.at, s.venue_id, v.district,
           lag(s.venue_id) OVER way <> s.venue_id AS changed, lag(v.district) OVER way <> v.district AS far,
           s.at - lag(s.at) OVER way AS took
    FROM moved m
    JOIN {scans} s ON s.holder = m.holder AND s.guardian = m.guardian
        AND s.at > :since AND s.at <= :until AND s.accepted
    JOIN venues v ON v.id = s.venue_id
    WINDOW way AS (PARTITION BY s.holder, s.guardian ORDER BY s.at)
), judged AS (
    SELECT holder, guardian
    FROM seen WHERE changed
    GROUP BY holder, guardian
    HAVING count(*) FILTER (WHERE far) >= :district_changes OR count(*) >= :venue_changes
        OR min(took) FILTER (WHERE far) <= :between_districts OR min(took) <= :between_venues
    ORDER BY min(took)
    LIMIT :most
)
SELECT holder, guardian, at, district, venue_id FROM seen JOIN judged USING (holder, guardian)
ORDER BY holder, guardian, at
"""
_TRAVELS_IN_MONTH = text(_TRAVELS.format(scans="scans"))
# just after a month has turned: who was seen before it and after it is one
_TRAVELS_OVER_MONTH = text(
    _TRAVELS.format(
        scans="""(
    SELECT coalesce(t.before, o.holder) AS holder, o.guardian, o.at, o.venue_id, o.accepted
    FROM scans o LEFT JOIN unnest(CAST(:after AS bytea[]), CAST(:before AS bytea[])) AS t (after, before)
        ON t.after = o.holder
)"""
    )
)


def implausible_travels(
    session: Session,
    *,
    since: datetime,
    until: datetime,
    travel: Travel,
    holder: bytes | None = None,
    before: Mapping[bytes, bytes] | None = None,
) -> dict[bytes, dict[bool, list[rules.Acceptance]]]:
    """Return where entitlements were accepted that were at two venues too soon, by their hash and in order.

    What guardians showed stands under True, what the holder showed under False. At most five hundred, the hastiest.
    `before`: hashes of before the month turned by those of after it, where it turned just now; theirs is given.
    """
    series_by_holder: dict[bytes, dict[bool, list[rules.Acceptance]]] = {}
    values: dict[str, Any] = {"since": since, "until": until, "holder": holder, "most": MOST}
    values |= {"district_changes": rules.DISTRICT_CHANGES, "venue_changes": rules.VENUE_CHANGES}
    values |= {"between_districts": travel.between_districts, "between_venues": travel.between_venues}
    if before:
        values |= {"after": list(before), "before": list(before.values())}
    statement = _TRAVELS_OVER_MONTH if before else _TRAVELS_IN_MONTH
    for holder_hash, guardian, at, district, venue in session.execute(statement, values):
        series = series_by_holder.setdefault(bytes(holder_hash), {}).setdefault(guardian, [])
        series.append(rules.Acceptance(at, district, venue))
    return series_by_holder


@dataclass(frozen=True, slots=True)
class WrongDocument:
    """That a document did not fit a printed code; `n` counts the failures of that code from 0."""

    holder: bytes | None
    scanner: UUID
    n: int
    at: datetime


# of a code its oldest hash alone: over the turn of a month it has two, and each wrong document counts once.
# a scan without any document is a mismatch, too: only a use was a wrong one. As scanning.py spells its subject
_DOCUMENTS = text(r"""
SELECT s.holder, u.scanner_id, u.n, u.at
FROM (
    SELECT DISTINCT ON (cti) cti, holder
    FROM scans WHERE at > :since AND at <= :until AND reason = 'document_mismatch' AND cti IS NOT NULL
    ORDER BY cti, at
) s
JOIN uses u ON u.subject = sha256(:what || s.cti || '\x00'\:\:bytea) AND u.at > :since AND u.at <= :until
ORDER BY u.at
LIMIT :most
""")


def wrong_documents(session: Session, *, what: bytes, since: datetime, until: datetime) -> list[WrongDocument]:
    """Return the documents that did not fit, oldest first; `what` begins the subject of such a use."""
    values = {"what": what, "since": since, "until": until, "most": MOST * 10}
    return [WrongDocument(*row) for row in session.execute(_DOCUMENTS, values)]


# an appeal is the city's to answer
_OVERDUE = text("""
SELECT place, count(*), max(due_at)
FROM (
    SELECT district AS place, due_at FROM disputes WHERE state = 'open'
    UNION ALL
    SELECT 'city', appeal_due_at FROM disputes WHERE appeal_state = 'open'
) waiting
WHERE due_at > :since AND due_at <= :until AND (CAST(:district AS text) IS NULL OR place = :district)
GROUP BY place
""")


def overdue(
    session: Session, *, since: datetime, until: datetime, district: str | None = None
) -> list[tuple[str, int, datetime]]:
    """Return by district how many disputes should have been answered within a span, and the latest of these moments.

    Appeals stand under `city`.
    """
    values = {"since": since, "until": until, "district": district}
    return [(name, number, at) for name, number, at in session.execute(_OVERDUE, values)]
