"""Keyed hashes of entitlements: each purpose has a label of its own, so that hashes of two purposes never join.

Under the ring HOLDER. A scan's hash changes with the city's month: whoever has hashes without the key cannot follow a
person beyond a month. While programs of release 0.3.0 may serve, and until the month is over in which the last one did,
it is the one that they know, which never changes.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from functools import lru_cache
from uuid import UUID

from qe_ban.codes.queries.ledger import HolderSpan
from qe_ban.kernel.clock import CITY_TIME, city_month, end_of_month, start_of_month
from qe_ban.keys.models import Ring
from qe_ban.keys.rings import KeyRings

SCAN, TIMELESS, DISCLOSURE, DISPUTE = "scan", "entitlement", "disclosure", "dispute"
ANSWER, OWNER = "answer", "answer-owner"


def holder_hash(rings: KeyRings, number: int, at: datetime) -> bytes:
    """Return the keyed hash under which a scan of an entitlement at a moment is kept (32 bytes).

    Of the entitlement, not of the resident: a scan that is refused before the entitlement may be read stands in the
    resident's ledger all the same.
    """
    label = TIMELESS if at < monthly_since(rings) else SCAN
    return rings.mac(Ring.HOLDER, label, _message(label, number, at))


def monthly_since(rings: KeyRings) -> datetime:
    """Return from when on the hashes of scans change with the month: the first month without the previous release."""
    return _first_whole_month(rings.snapshot().overlap_ends)


# each scan asks, and the answer changes once a release
@lru_cache(maxsize=8)
def _first_whole_month(ends: datetime) -> datetime:
    month = start_of_month(ends)
    return month if month == ends else end_of_month(month)


def previous_holder_hash(rings: KeyRings, number: int, at: datetime) -> bytes:
    """Return the hash of the entitlement's scans just before the city's month of a moment."""
    return holder_hash(rings, number, start_of_month(at) - timedelta(microseconds=1))


def holder_spans(rings: KeyRings, numbers: Iterable[int], oldest: datetime, newest: datetime) -> list[HolderSpan]:
    """Return all hashes under which scans from `oldest` to `newest` may stand, under every live secret.

    The hash that never changed is among them as long as there are scans from before `monthly_since`.
    """
    since, all_numbers = monthly_since(rings), list(numbers)
    spans = [(SCAN, *month) for month in _months(max(oldest, since), newest)]
    if oldest < since:
        # to the newest: what a program of 0.3.0 still wrote after that moment is found, too
        spans.insert(0, (TIMELESS, oldest, newest + timedelta(microseconds=1)))
    return [
        HolderSpan(holder, number, begin, end)
        for label, begin, end in spans
        for number in all_numbers
        for holder in rings.macs(Ring.HOLDER, label, _message(label, number, begin))
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


def _message(label: str, number: int, at: datetime) -> bytes:
    """Return what names an entitlement's scans at a moment under one of the two labels of scans."""
    return _plain(number) if label == TIMELESS else _monthly(number, at)


def _monthly(number: int, at: datetime) -> bytes:
    return _plain(number) + city_month(at).encode()


def _days(now: datetime) -> tuple[bytes, bytes]:
    today = now.astimezone(CITY_TIME).date()
    return today.isoformat().encode(), (today - timedelta(days=1)).isoformat().encode()


def _months(oldest: datetime, newest: datetime) -> Iterator[tuple[datetime, datetime]]:
    start = start_of_month(oldest)
    while start <= newest:
        end = end_of_month(start)
        yield start, end
        start = end
