"""Keyed hashes of entitlements: each purpose has a label of its own, so that hashes of two purposes never join.

Under the ring HOLDER. A scan's hash changes with the city's month: whoever has hashes without the key cannot follow a
person beyond a month. While programs of release 0.3.0 may serve, and until the month is over in which the last one did,
it is the one that they know, which never changes.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from uuid import UUID

from qe_ban.kernel.clock import CITY_TIME, city_month, next_city_month
from qe_ban.keys.models import Ring
from qe_ban.keys.rings import KeyRings

SCAN, TIMELESS, DISCLOSURE, DISPUTE = "scan", "entitlement", "disclosure", "dispute"
ANSWER, OWNER = "answer", "answer-owner"


@dataclass(frozen=True, slots=True)
class HolderSpan:
    """A hash under which scans of an entitlement stand, from `since` to before `until`."""

    holder: bytes
    number: int
    since: datetime
    until: datetime


def holder_hash(rings: KeyRings, number: int, at: datetime) -> bytes:
    """Return the keyed hash under which a scan of an entitlement at a moment is kept (32 bytes).

    Of the entitlement, not of the resident: a scan that is refused before the entitlement may be read stands in the
    resident's ledger all the same.
    """
    if at < monthly_since(rings):
        return rings.mac(Ring.HOLDER, TIMELESS, _plain(number))
    return rings.mac(Ring.HOLDER, SCAN, _monthly(number, at))


def monthly_since(rings: KeyRings) -> datetime:
    """Return from when on the hashes of scans change with the month: the first month without the previous release."""
    return _first_whole_month(rings.snapshot().overlap_ends)


# each scan asks, and the answer changes once a release
@lru_cache(maxsize=8)
def _first_whole_month(ends: datetime) -> datetime:
    month = city_month(ends)
    return month if month == ends else next_city_month(month)


def previous_holder_hash(rings: KeyRings, number: int, at: datetime) -> bytes:
    """Return the hash of the entitlement's scans just before the city's month of a moment."""
    return holder_hash(rings, number, city_month(at) - timedelta(microseconds=1))


def holder_spans(rings: KeyRings, numbers: Iterable[int], oldest: datetime, newest: datetime) -> list[HolderSpan]:
    """Return all hashes under which scans from `oldest` to `newest` may stand, under every live secret.

    The hash that never changed is among them as long as there are scans from before `monthly_since`.
    """
    since, known = monthly_since(rings), list(numbers)
    months = list(_months(max(oldest, since), newest))
    # what a program of 0.3.0 still wrote after that moment is found, too
    timeless = [(oldest, newest + timedelta(microseconds=1))] if oldest < since else []
    return [
        *(
            HolderSpan(holder, number, *span)
            for span in timeless
            for number in known
            for holder in rings.macs(Ring.HOLDER, TIMELESS, _plain(number))
        ),
        *(
            HolderSpan(holder, number, *month)
            for month in months
            for number in known
            for holder in rings.macs(Ring.HOLDER, SCAN, _monthly(number, month[0]))
        ),
    ]


def disclosure_hash(rings: KeyRings, scanner: UUID, number: int, at: datetime) -> bytes:
    """Return by what the audit names whose data a scanner was told: other for each scanner and each month."""
    return rings.mac(Ring.HOLDER, DISCLOSURE, scanner.bytes + _monthly(number, at))


def answer_hashes(rings: KeyRings, number: int, now: datetime) -> list[bytes]:
    """Return the hashes under which a scan finds what a source said of an entitlement in the last 24 hours.

    The first is written today. They change each day, and are none of the scans' hashes.
    """
    return [mac for day in _days(now) for mac in rings.macs(Ring.HOLDER, ANSWER, _plain(number) + day)]


def owner_hashes(rings: KeyRings, resident: UUID, kind: str, now: datetime) -> list[bytes]:
    """Return the hashes under which the wallet finds the same by resident and kind; the first is written today."""
    owner = resident.bytes + kind.encode() + b"/"
    return [mac for day in _days(now) for mac in rings.macs(Ring.HOLDER, OWNER, owner + day)]


def dispute_hash(rings: KeyRings, number: int, now: datetime) -> bytes:
    """Return the hash under which a dispute of an entitlement's scan is kept: none of the scans'.

    It never changes, for disputes outlive their scans. While programs of 0.3.0 may serve it is what they find.
    """
    label = TIMELESS if now < rings.snapshot().overlap_ends else DISPUTE
    return rings.mac(Ring.HOLDER, label, _plain(number))


def dispute_hashes(rings: KeyRings, number: int) -> list[bytes]:
    """Return all hashes under which disputes of an entitlement's scans may be kept, under every live secret."""
    return [mac for label in (DISPUTE, TIMELESS) for mac in rings.macs(Ring.HOLDER, label, _plain(number))]


def _plain(number: int) -> bytes:
    return number.to_bytes(7, "big")


def _monthly(number: int, at: datetime) -> bytes:
    return _plain(number) + at.astimezone(CITY_TIME).strftime("%Y-%m").encode()


def _days(now: datetime) -> tuple[bytes, bytes]:
    today = now.astimezone(CITY_TIME).date()
    return today.isoformat().encode(), (today - timedelta(days=1)).isoformat().encode()


def _months(oldest: datetime, newest: datetime) -> Iterator[tuple[datetime, datetime]]:
    start = city_month(oldest)
    while start <= newest:
        end = next_city_month(start)
        yield start, end
        start = end
