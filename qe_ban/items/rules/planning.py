"""Decides what a draft makes of an item: a new one, a new version, an item that is open again, or nothing."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, StrEnum
from typing import Any, Final
from uuid import UUID

from qe_ban.items.rules import content as contents
from qe_ban.items.rules.fields import ONLINE, Content
from qe_ban.items.rules.schedule import Mark, Timeline, timeline


class Unset(Enum):
    """The absence of a word about the end, which is not the same as no end."""

    UNSET = "unset"


UNSET: Final = Unset.UNSET


class Outcome(StrEnum):
    """What became of a draft."""

    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    REOPENED = "reopened"


@dataclass(frozen=True, slots=True)
class Draft:
    """What an item shall say from `starts_at` on: without it from now, or from the start of an item not yet begun.

    `content` has no faults. Without a word about the end a planned one stays, and an item that has ended is reopened.
    """

    code: str
    content: Content
    starts_at: datetime | None = None
    ends_at: datetime | Unset | None = UNSET


@dataclass(frozen=True, slots=True)
class ExistingItem:
    """An item as it stands: `shown` is the version that lists show, `digests` are those of all versions by number."""

    id: UUID
    code: str
    department: str
    district: str | None
    shown: int
    revision: int
    ends_at: datetime | None
    updated_at: datetime
    times: Timeline
    digests: Mapping[int, bytes]

    @property
    def latest(self) -> int:
        """The number of the newest version, whether or not it ever was in force."""
        return max(self.digests)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a draft makes: `version` is the new one, if there is to be one; `times` and `ends_at` hold afterwards."""

    draft: Draft
    existing: ExistingItem | None
    outcome: Outcome
    plain: Mapping[str, Any]
    encoded: str
    digest: bytes
    version: Mark | None
    times: Timeline
    ends_at: datetime | None

    @property
    def code(self) -> str:
        """The item's code."""
        return self.draft.code

    @property
    def latest(self) -> int:
        """The number of the newest version afterwards."""
        if self.version is not None:
            return self.version.number
        return self.existing.latest if self.existing else 0

    @property
    def replaced(self) -> tuple[Mark, ...]:
        """The scheduled versions whose place the new one takes."""
        return (
            tuple(mark for mark in self.existing.times.marks if mark not in self.times.marks) if self.existing else ()
        )

    @property
    def changes_existing(self) -> bool:
        """Whether it changes an item that is there already."""
        return self.existing is not None and self.outcome is not Outcome.UNCHANGED

    def in_force(self, now: datetime) -> bool:
        """Return whether lists must show the new version immediately."""
        return self.version is not None and self.times.at(now) == self.version


def plan(draft: Draft, existing: ExistingItem | None, now: datetime) -> Plan:
    """Compare a draft with what is there. A start in the past is now, except for an item that is new."""
    plain = contents.canonical(draft.content)
    encoded = contents.encoded(plain)
    digest = hashlib.sha256(encoded.encode()).digest()
    if existing is None:
        first = Mark(1, draft.starts_at or now)
        ends_at = None if isinstance(draft.ends_at, Unset) else draft.ends_at
        return Plan(draft, None, Outcome.CREATED, plain, encoded, digest, first, timeline([first]), ends_at)
    starts_at = max(now, existing.times.starts_at if draft.starts_at is None else draft.starts_at)
    version = None if _says(existing, digest, starts_at) else Mark(existing.latest + 1, starts_at)
    times = timeline([*existing.times.marks, version]) if version else existing.times
    ends_at = _end(draft, existing, now)
    outcome = _outcome(existing, version, ends_at, now)
    return Plan(draft, existing, outcome, plain, encoded, digest, version, times, ends_at)


def list_columns(plain: Mapping[str, Any]) -> dict[str, Any]:
    """Return what lists and filters need of a canonical content."""
    return {
        "name": plain["name"],
        "item_type": plain["item_type"],
        "department": plain["department"],
        "district": plain.get("district"),
        "reach": plain["reach"],
        "audiences": plain["audiences"],
        "topics": plain.get("topics", []),
        "online": not ONLINE.isdisjoint(plain["channels"]),
        "handling": plain["handling"],
    }


def _says(existing: ExistingItem, digest: bytes, at: datetime) -> bool:
    """Return whether an item will say this at a moment anyway."""
    return existing.times.starts_at <= at and existing.digests[existing.times.at(at).number] == digest


def _outcome(existing: ExistingItem, version: Mark | None, ends_at: datetime | None, now: datetime) -> Outcome:
    if _is_over(existing.ends_at, now) and not _is_over(ends_at, now):
        return Outcome.REOPENED
    return Outcome.CHANGED if version or ends_at != existing.ends_at else Outcome.UNCHANGED


def _end(draft: Draft, existing: ExistingItem, now: datetime) -> datetime | None:
    if not isinstance(draft.ends_at, Unset):
        return draft.ends_at
    return None if _is_over(existing.ends_at, now) else existing.ends_at


def _is_over(ends_at: datetime | None, now: datetime) -> bool:
    return ends_at is not None and ends_at <= now
