"""Which columns hold text, and of what sort: a new one must be given its place here."""

import re

CLOSED = {
    "alarms": "kind subject facts",
    "answers_of_sources": "state reason detail",
    "apps": "slug kind native_page owner category state districts icon",
    "audit_events": "actor_kind action subject details case_number request_id",
    "audit_seals": "kid",
    "clients": "kind jwk",
    "closings": "report",
    "consent_events": "purpose state",
    "consents": "purpose state",
    "demand_steps": "by_kind state",
    "demands": "zone state industry size solution block",
    "departments": "code type district",
    "disputes": "district state appeal_state",
    "enrolments": "purposes",
    "entitlements": "kind suspended_by",
    "entries": "entry",
    "favourite_items": "entry",
    "followed_halls": "hall",
    "guardianships": "id_type relation basis state confirmed_by ended_by",
    "health_changes": "level basis state",
    "health_corrections": "level set_by state",
    "health_levels": "state before end_reason",
    "idempotency_keys": "principal route key",
    "import_rows": "table code",
    "imports": "format missing district department",
    "item_texts": "entry",
    "item_versions": "source",
    "items": "code entry item_type department district reach audiences topics handling",
    "job_faults": "severity sheet column",
    "jobs": "kind lane state phase cursor result error district department",
    "link_checks": "state",
    "media": "digest type",
    "media_uses": "digest owner slug",
    "outbox": "topic reason",
    "page_findings": "kind slug place reference key message",
    "page_previews": "kind slug",
    "page_saves": "kind slug",
    "page_stamps": "page",
    "page_versions": "kind slug",
    "page_withdrawals": "kind slug",
    "pages": "kind slug state",
    "places": "slug kind district services hours state",
    "proposals": "action subject details",
    "rate_windows": "subject",
    "recent_items": "entry",
    "recovery_cases": "kind state",
    "refresh_families": "kind",
    "release_overlaps": "previous",
    "resident_halls": "hall age_mode",
    "residents": "id_type assurance",
    "ring_keys": "kid ring public",
    "scanner_habits": "purpose",
    "scanners": "purposes",
    "scans": "purpose reason kind profile fields detail",
    "schedules": "name",
    "search_misses": "hall",
    "source_answers": "state reason detail rule set_level told_level",
    "staff": "username password_hash roles district hall zone department",
    "topics": "slug audience parent",
    "used_jtis": "subject jti",
    "uses": "purpose",
    "venue_versions": "scene",
    "venues": "district scene",
    "zone_sunsets": "zone progress report",
}
"""Words of ours: lists that the program or the city's file closes, slugs, codes, hashes, figures."""

PUBLIC = {
    "apps": "name summary address state_reason",
    "departments": "name phone address",
    # what an outside register of firms shows to everybody
    "demands": "firm uscc",
    # a copy of the venue's and the scanner's names, beside closed words
    "disputes": "scan",
    "enrolments": "label",
    "import_rows": "content",
    # whoever imports reads which file; it names items and nobody
    "imports": "file_name",
    "item_heads": "key",
    "item_texts": "name names others words",
    "item_versions": "content",
    "items": "name",
    "job_faults": "message",
    "link_checks": "url",
    "page_saves": "content",
    "page_versions": "content",
    "pages": "content",
    "places": "name address phone note",
    "scanners": "label",
    # only what five networks asked for
    "search_misses": "query",
    "search_terms": "term pinyin initials grams",
    "synonym_groups": "words",
    "topics": "name",
    "venue_versions": "name address",
    "venues": "name address",
}
"""What everybody reads, or is written to be read by everybody: the catalogue, pages, places, names of things."""

EMPTIED = {
    "alarms": "closing_note",
    "demands": "title",
    "page_withdrawals": "reason",
    "pages": "reason",
    "recovery_cases": "basis decision_basis",
}
"""What people typed about people: sealed in a column beside, and empty here but for a placeholder."""

PUBLIC_EVENTS = re.compile(
    r"(items|halls|venues|zones|test|media)\.|pages\.(save|publish|rollback|submit|preview)|things\."
)
"""Actions whose details may hold words: of what everybody reads, and of tests."""
OWN_WORDS = re.compile(r"由版本 \d+ 取代")
_WORDS = re.compile(r"[\u3400-\u9fff]")


def words_in(value):
    """The texts with Chinese in them that somebody may have typed, anywhere in an event's details."""
    if isinstance(value, str):
        return [value] if _WORDS.search(value) and not OWN_WORDS.fullmatch(value) else []
    if isinstance(value, dict):
        return [text for part in value.values() for text in words_in(part)]
    return [text for part in value for text in words_in(part)] if isinstance(value, list | tuple) else []
