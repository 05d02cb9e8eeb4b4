"""The SQL of watching who looks at what. Bounded by ids for the last hour, and by actor and month for habits."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from qe_ban.audit.rules.alarms import LOOKS, LOOKS_WINDOW, NIGHT, NIGHT_FLOOR, AlarmKind

_NIGHT = f"""(extract(hour FROM (at AT TIME ZONE 'UTC') + interval '8 hours') >= {NIGHT[0]}
     OR extract(hour FROM (at AT TIME ZONE 'UTC') + interval '8 hours') < {NIGHT[1]})"""


@dataclass(frozen=True, slots=True)
class LookCount:
    """What a member of staff looked at in a span of time."""

    staff: UUID
    looks: int
    at_night: int
    at: datetime


# by (action, id) and not by time: the index by time is coarse, and each disclosure of the hot path lies in it
_LOOKS = text(f"""
SELECT actor_id, count(*), count(*) FILTER (WHERE {_NIGHT}), max(at)
FROM audit_events
WHERE id > :floor AND at > :since AND at <= :until AND actor_kind = 'staff' AND action = ANY (:actions)
  AND (CAST(:staff AS uuid) IS NULL OR actor_id = CAST(:staff AS uuid))
GROUP BY actor_id
HAVING count(*) >= :least OR count(*) FILTER (WHERE {_NIGHT}) >= :least_at_night
""")  # noqa: S608 - our own numbers


def looks(
    session: Session, *, floor: int, since: datetime, until: datetime, least: int, staff: UUID | None = None
) -> Iterator[LookCount]:
    """Yield who looked at so many things since a moment, or some at night; of one member of staff anything.

    `floor`: an id from before.
    """
    values = {
        "floor": floor,
        "since": since,
        "until": until,
        "staff": staff,
        "actions": list(LOOKS),
        "least": least if staff is None else 1,
        "least_at_night": NIGHT_FLOOR,
    }
    for row in session.execute(_LOOKS, values).all():
        yield LookCount(*row)


_HABIT = text(f"""
SELECT coalesce(max(looks), 0), coalesce(max(at_night), 0)
FROM (
    SELECT count(*) AS looks, count(*) FILTER (WHERE {_NIGHT}) AS at_night
    FROM audit_events
    WHERE actor_id = :staff AND action = ANY (:actions) AND at >= :since AND at < :until
      AND NOT EXISTS (
          SELECT FROM alarms a WHERE a.kind = '{AlarmKind.STAFF_LOOK_UPS.value}' AND a.subject = :about
          AND audit_events.at > a.opened_at - interval '{LOOKS_WINDOW.total_seconds()} seconds'
          AND audit_events.at <= a.last_at)
    GROUP BY date_trunc('hour', at)
) AS hours
""")  # noqa: S608 - our own numbers


def habit(session: Session, *, staff: UUID, since: datetime, until: datetime) -> tuple[int, int]:
    """Return the most that a member of staff looked at in one hour of a span, and in one at night, but for alarms."""
    values = {"staff": staff, "about": str(staff), "actions": list(LOOKS), "since": since, "until": until}
    most, at_night = session.execute(_HABIT, values).one()
    return most, at_night
