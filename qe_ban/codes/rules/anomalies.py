"""When what is scanned looks wrong: thresholds with their reasons, and the decisions by them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final
from uuid import UUID

from qe_ban.kernel.city import Travel

HOUR: Final = timedelta(hours=1)
HABIT_DAYS: Final = 14
"""Days before today, so that no habit is made of what is going on: whoever grows by the hour gains nothing."""
KNOWN_DAYS: Final = 3
"""Before so many days a scanner has no habit: the first days of a new gate are like nothing before."""

VOLUME_FLOOR: Final = 300
"""Five a minute: below it one venue's rush is as good a reason as any."""
VOLUME_FACTOR: Final = 3
"""Times the own busiest hour: a holiday doubles it."""
VOLUME_NEW: Final = 2000
"""For a scanner without a habit: faster than people walk through one gate for an hour."""

VOLUME_MOST: Final = 4000
"""In an hour, whatever a scanner is used to: more than one a second, all the hour long."""
DAY_NEW: Final = 6000
"""In a day of the city, for a scanner without a habit: who keeps below the hour's is here."""
DAY_MOST: Final = 24_000
"""In a day, whatever a scanner is used to: a thousand an hour, day and night."""

REFUSED_FLOOR: Final = 20
"""Tries for purposes that are not registered: a wrong setting is noticed by the venue itself before that."""
NEW_PURPOSE_FLOOR: Final = 50
NEW_PURPOSE_FACTOR: Final = 3
"""It never had a third of this, nor of the scanner's own busiest hour: a scan or two make no habit."""
NEW_PURPOSE_SHARE: Final = 0.5
"""Of all of the scanner's scans in that hour: a purpose that it used for nothing like as much takes over."""

FORGED_AT_ONE: Final = 5
"""Bad signatures or unknown keys: one person tries a foreign code two or three times."""
FORGED_SCANNERS: Final = 4
"""So many scanners with any: false codes are going round."""

MISSES_FLOOR: Final = 30
"""Short numbers that stand for nothing: mistyped ones fail at the check digit, so these were over, used or guessed."""
DOCUMENTS_AT_ONE: Final = 15
"""Wrong documents at one scanner; five lock one printed code, so three codes' worth."""

TRAVEL_WINDOW: Final = timedelta(minutes=10)
DISTRICT_CHANGES: Final = 2
"""There and back within the window: two phones go on showing one entitlement."""
VENUE_CHANGES: Final = 4
"""Likewise within a district, where a gate, a canteen and the gate again lie minutes apart: there and back twice."""


@dataclass(frozen=True, slots=True)
class Volume:
    """What a scanner scanned in an hour and today, its busiest hour before today, for how many days that is known."""

    scans: int
    usual: int
    days: int
    today: int


@dataclass(frozen=True, slots=True)
class Purposes:
    """Of a scanner's scans in an hour: tries for purposes not registered, and scans for purposes never used before."""

    scans: int
    refused: int
    new: int


@dataclass(frozen=True, slots=True)
class Acceptance:
    """Where and when an entitlement was accepted."""

    at: datetime
    district: str
    venue: UUID


def is_too_much(volume: Volume) -> bool:
    """Return whether a scanner scans far more than ever, or than any gate lets through."""
    if volume.days < KNOWN_DAYS:
        return volume.scans >= VOLUME_NEW or volume.today >= DAY_NEW
    far_more = volume.scans >= VOLUME_FLOOR and volume.scans > VOLUME_FACTOR * volume.usual
    return far_more or volume.scans >= VOLUME_MOST or volume.today >= DAY_MOST


def are_strange(purposes: Purposes) -> bool:
    """Return whether a scanner's purposes are not what it stands there for."""
    taken_over = purposes.new >= NEW_PURPOSE_FLOOR and purposes.new > NEW_PURPOSE_SHARE * purposes.scans
    return purposes.refused >= REFUSED_FLOOR or taken_over


def leaps(acceptances: Sequence[Acceptance]) -> list[tuple[Acceptance, Acceptance]]:
    """Return the changes of venue, in the order of time."""
    return [(one, other) for one, other in pairwise(acceptances) if one.venue != other.venue]


def is_implausible(changes: Sequence[tuple[Acceptance, Acceptance]], travel: Travel) -> bool:
    """Return whether nobody can have moved so: venues have districts and no coordinates, so only haste tells."""
    districts = [(one, other) for one, other in changes if one.district != other.district]
    return (
        len(districts) >= DISTRICT_CHANGES
        or len(changes) >= VENUE_CHANGES
        or any(other.at - one.at <= travel.between_districts for one, other in districts)
        or any(other.at - one.at <= travel.between_venues for one, other in changes)
    )
