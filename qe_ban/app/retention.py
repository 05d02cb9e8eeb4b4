"""The one table of how long rows of every table are kept; docs/operating.md says it in words."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Final

from qe_ban.accounts import service as accounts
from qe_ban.app.assembly import Parts
from qe_ban.audit import service as audit
from qe_ban.codes import service as codes
from qe_ban.config import Retention as Days
from qe_ban.db import limits
from qe_ban.db.retention import Ending, Period, Schedule, Sweeper
from qe_ban.halls.service import retention as halls
from qe_ban.health import service as health
from qe_ban.items.service import importing, misses
from qe_ban.jobs import service as jobs
from qe_ban.publishing.service import links, previews, saves
from qe_ban.venues import service as venues
from qe_ban.web import idempotency
from qe_ban.zones.service import retention as zones

ENDINGS: Final[tuple[Ending, ...]] = (
    *halls.ENDINGS,
    *zones.ENDINGS,
    *previews.ENDINGS,
    *saves.ENDINGS,
    *links.ENDINGS,
    *misses.ENDINGS,
    *importing.ENDINGS,
    *health.ENDINGS,
    *codes.ENDINGS,
    *venues.ENDINGS,
    *accounts.ENDINGS,
    *jobs.ENDINGS,
    *audit.ENDINGS,
    *idempotency.ENDINGS,
    *limits.ENDINGS,
)
"""What ends, and when, from the top of the layers down: what refers to other rows goes before them."""

ELSEWHERE: Final[Mapping[str, str]] = {
    "audit_events": "400 days from their seal, by `audit.retention`: each erasure is signed and sealed",
    "audit_leaves": "with their events",
    "data_keys_to_destroy": "seconds, when the key is destroyed, by `data_keys.destroy`",
    "imports": "with their jobs",
    "media": "seven days after they were last used, by `media.collect`",
    "page_findings": "when the reference is mended or another version begins, by `pages.findings`",
    "fresh_consents": "within a minute, by `scans.requests`",
    "requests_of_scans": "within a minute, by `scans.requests`",
    "scanner_habits": "15 days, by `alarms.habits`",
    "worker_beats": "a day, by each worker's next beat",
}
"""Tables whose rows end otherwise, as part of something else that the worker does."""

_REGISTER: Final = "a register that staff keep: it has as many rows as there are of these, and names no resident"
_PAGES: Final = "what the city published, and who answered for it: it stands, as a gazette does"
_CATALOGUE: Final = "the catalogue: all versions of what the city published"
_OWN: Final = "as long as the resident keeps it; it goes with the account"

WITHOUT_END: Final[Mapping[str, str]] = {
    "apps": _REGISTER,
    "audit_seals": "the chain: without a link nobody can check the others",
    "clients": _REGISTER,
    "departments": _REGISTER,
    "entries": _CATALOGUE,
    "favourite_items": _OWN,
    "followed_halls": _OWN,
    "item_heads": "the index of the catalogue",
    "item_texts": "the index of the catalogue",
    "item_versions": _CATALOGUE,
    "items": _CATALOGUE,
    "page_stamps": "one row a page",
    "page_versions": _PAGES,
    "page_withdrawals": _PAGES,
    "pages": "one row a page",
    "places": _REGISTER,
    "release_overlaps": "one row a release",
    "resident_halls": _OWN,
    "ring_keys": "keys have lives of their own (docs/keys.md); public halves check what was signed",
    "scanners": _REGISTER,
    "schedules": "one row a schedule",
    "search_terms": "the index of the catalogue",
    "source_answers": "one row a code, as long as it says something of the holder; it goes with the account",
    "staff": "who did what is told by these rows, in the audit and beside what staff made",
    "synonym_groups": _REGISTER,
    "topics": _REGISTER,
    "venue_officers": "who had a part in a venue never answers a dispute there",
    "venue_versions": "what a venue was called, for scans and disputes of before; it names no resident",
    "venues": _REGISTER,
    "zone_sunsets": "one row a zone's end: the report that proves the deletion",
}
"""Tables without an end, and why."""


def days(kept: Days) -> Mapping[Period, int]:
    """Return the days of each period as they are set."""
    return {
        Period.SCANS: kept.scans,
        Period.AUDIT: kept.audit,
        Period.DISPUTES: kept.disputes,
        Period.RECORDS: kept.records,
    }


EVERY: Final = {
    Schedule.MOMENTS: timedelta(minutes=5),
    Schedule.SCANS: timedelta(minutes=10),
    Schedule.AUDIT: timedelta(minutes=10),
    Schedule.DAYS: timedelta(hours=1),
}


def sweeper(parts: Parts, schedules: Iterable[Schedule] = Schedule) -> Sweeper:
    """Return what carries out the endings of these schedules."""
    wanted = set(schedules)
    endings = [ending for ending in ENDINGS if ending.schedule in wanted]
    return Sweeper(parts.database, parts.clock, endings, days(parts.settings.retention))
