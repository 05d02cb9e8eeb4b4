"""Which tables name residents, found from the tables themselves, and what of them may say more than a day, and why."""

from sqlalchemy import DateTime, Uuid

from qe_ban.db.base import Base
from qe_ban.keys.moments import DATED_TABLES

SEALED_SIGN_INS = "of a resident they are days, and whose they are is sealed (tests/accounts/test_sign_ins_at_rest.py)"
STAFF = "whoever of staff did it: who of staff does what is in the audit by name and second"
LISTS = "a resident under a keyed hash; plainly where 0.3.0 wrote it, until the worker has moved it"

WITHOUT_A_KEY = {
    ("audit_events", "actor_id"): "a resident",
    ("alarms", "closed_by"): STAFF,
    ("demand_steps", "by"): "a resident, or staff",
    ("disputes", "venue_id"): "a venue",
    ("disputes", "scan_id"): "a scan",
    ("enrolments", "approved_by"): STAFF,
    ("enrolments", "created_by"): STAFF,
    ("imports", "imported_by"): STAFF,
    ("item_versions", "created_by"): STAFF,
    ("jobs", "lease"): "a process",
    ("jobs", "owner_id"): STAFF,
    ("media", "created_by"): STAFF,
    ("otp_challenges", "message_id"): "another challenge: no row of these says whose phone it was",
    ("page_previews", "made_by"): STAFF,
    ("page_saves", "saved_by"): STAFF,
    ("page_versions", "approved_by"): STAFF,
    ("page_versions", "published_by"): STAFF,
    ("page_withdrawals", "by"): STAFF,
    ("pages", "reviewed_by"): STAFF,
    ("pages", "submitted_by"): STAFF,
    ("favourite_items", "resident_id"): LISTS,
    ("followed_halls", "resident_id"): LISTS,
    ("recent_items", "resident_id"): LISTS,
    ("resident_halls", "resident_id"): LISTS,
    ("refresh_families", "principal_id"): "a resident under a keyed hash; staff plainly",
    ("revocations", "subject"): "a resident, a sign-in, a scanner or a token",
    ("scan_ids", "scan_id"): "a scan",
    ("scan_ids", "scanner_id"): "a scanner",
    ("scanner_habits", "scanner_id"): "a scanner",
    ("scans", "scan_id"): "a scan",
    ("uses", "scanner_id"): "a scanner",
    ("venue_officers", "staff_id"): STAFF,
    ("venues", "confirmed_by"): STAFF,
    ("venues", "named_by"): STAFF,
    ("worker_beats", "worker"): "a process",
    ("zone_sunsets", "requested_by"): STAFF,
}
"""Columns with an id and without a foreign key: whom they name."""

BY_NAME = {
    "audit_events": "actor and subject",
    **dict.fromkeys(("favourite_items", "followed_halls", "recent_items", "resident_halls"), "resident_id"),
    "idempotency_keys": "`principal` is a text",
    "refresh_families": "principal_id",
    "refresh_tokens": "through refresh_families",
    "revocations": "subject",
}
"""Tables that name residents without a foreign key to them, plainly or by a keyed hash."""

LONG_AGO = "one moment of a whole life of the account, as a rule long before any scan"
SHARED = "an inbox of staff works through it by arrival and deadline; rare, and the audit says the same second"
DEADLINE = "a deadline that somebody is shown and that is decided to the second; nobody acts at it"
WARDS = "a guardianship is asked for and confirmed once; who waits for it is shown, and it lapses, to the second"
LAW = "the audit: that it says who did what and when is what it is for; what scans write there names no resident"
BRIEF = "swept within minutes of its end, and ends the account or the sign-in: no code is shown after it"
SOURCE = "the register's record, by staff and rules and no scan; of a level that a source says the day"

REASONED = {
    ("residents", "guardian_codes_after"): (
        "compared with the second in which a guardian showed a code; set when a guardianship ends, by no scan"
    ),
    ("closings", "closed_at"): "the proof says when; the account shows no code after it",
    ("closings", "checked_at"): "the worker's moment",
    ("guardianships", "id"): WARDS,
    ("guardianships", "requested_at"): WARDS,
    ("guardianships", "confirmed_at"): WARDS,
    ("guardianships", "ended_at"): WARDS,
    ("guardianships", "ends_at"): DEADLINE,
    ("guardianships", "closing_due_at"): "the end of a day of the city",
    ("recovery_cases", "id"): SHARED,
    ("recovery_cases", "opened_at"): SHARED,
    ("recovery_cases", "closed_at"): SHARED,
    ("health_levels", "id"): SHARED,
    ("health_levels", "since"): "two persons of staff set it, and an alarm and the audit say the same second",
    ("health_levels", "ends_at"): DEADLINE,
    ("health_levels", "ended_at"): "the second of `ends_at`, or of what staff did",
    ("health_corrections", "id"): SHARED,
    ("health_corrections", "opened_at"): SHARED,
    ("health_corrections", "due_at"): DEADLINE,
    ("health_corrections", "answered_at"): STAFF,
    ("demands", "id"): SHARED,
    ("demands", "created_at"): SHARED,
    ("demands", "consented_at"): SHARED,
    ("demands", "updated_at"): SHARED,
    ("demand_steps", "id"): SHARED,
    ("demand_steps", "at"): SHARED,
    ("source_answers", "as_of"): SOURCE,
    ("source_answers", "asked_at"): SOURCE,
    ("source_answers", "expires_at"): DEADLINE,
    ("source_answers", "set_until"): DEADLINE,
    ("consent_events", "id"): "a sequence of its own: today's say the order of half minutes, and they are given anew",
    ("entitlements", "number"): "a sequence of its own: given with the confirmed name, once in an account's life",
    ("audit_events", "id"): LAW,
    ("audit_events", "at"): LAW,
    ("idempotency_keys", "created_at"): (
        "a day at most, of residents only the sending of a demand: a retry finds its answer for exactly as long"
    ),
    ("revocations", "revoked_at"): BRIEF,
    ("revocations", "expires_at"): BRIEF,
    ("refresh_families", "started_at"): SEALED_SIGN_INS,
    ("refresh_families", "expires_at"): SEALED_SIGN_INS,
    ("refresh_families", "stepped_up_at"): SEALED_SIGN_INS,
    ("refresh_families", "ended_at"): SEALED_SIGN_INS,
    ("refresh_tokens", "used_at"): SEALED_SIGN_INS,
    ("refresh_tokens", "written_at"): SEALED_SIGN_INS,
}
"""What may say more than a day of the city beside a resident's plain id, or stands under a keyed one, and why."""

RANDOM_IDS = {("residents", "id"), ("closings", "id"), ("refresh_families", "id")}
"""Ids that are not made from the clock. Accounts of release 0.3.0 have kept theirs: when they were made."""

REQUESTED = {("consents", "requested_at")}
"""Written as days since the first release."""


def residents_tables():
    """Return the names of all tables whose rows lead to a resident by a plain id."""
    tables = Base.metadata.tables
    found = {"residents", *BY_NAME}
    while True:
        more = {
            table.name
            for table in tables.values()
            if any(key.column.table.name in found for column in table.columns for key in column.foreign_keys)
        }
        if more <= found:
            return found
        found |= more


def moments_of_residents():
    """Return all columns of those tables that can say a moment: moments, ids of the clock, sequences."""
    return {
        (table, column.name)
        for table in residents_tables()
        for column in Base.metadata.tables[table].columns
        if isinstance(column.type, DateTime)
        or column.identity is not None
        or ((isinstance(column.type, Uuid) and column.primary_key and not column.foreign_keys) and column.name == "id")
    }


def days():
    """Return the columns that `keys.moments` keeps as days."""
    return {(dated.table, name) for dated in DATED_TABLES for name in (*dated.exact, *dated.days_only)}


PLACES = "what is offered to everybody: halls, zones, pages, items, apps, and what staff type there"
MACHINERY = "the machinery of keys, releases and the worker: nobody is named"
STAFFS = "staff, venues and scanners"
WITHOUT_RESIDENTS = {
    **dict.fromkeys(
        (
            "apps",
            "departments",
            "entries",
            "import_chunks",
            "import_rows",
            "imports",
            "item_heads",
            "item_texts",
            "item_versions",
            "items",
            "job_faults",
            "jobs",
            "link_checks",
            "media",
            "media_uses",
            "page_findings",
            "page_previews",
            "page_saves",
            "page_versions",
            "page_withdrawals",
            "pages",
            "places",
            "search_terms",
            "synonym_groups",
            "page_stamps",
            "topics",
            "zone_sunsets",
        ),
        PLACES,
    ),
    **dict.fromkeys(
        (
            "alembic_version",
            "audit_leaves",
            "audit_seals",
            "keys",
            "release_overlaps",
            "ring_keys",
            "schedules",
            "worker_beats",
        ),
        MACHINERY,
    ),
    **dict.fromkeys(
        (
            "clients",
            "enrolments",
            "scan_ids",
            "scanner_habits",
            "scanners",
            "staff",
            "used_jtis",
            "venue_officers",
            "venue_versions",
            "venues",
        ),
        STAFFS,
    ),
    "search_misses": "words that five networks typed, and nobody's",
}
"""Tables that lead to no resident, and why."""

OF_STAFF = "who of staff, or a process"
OF_THE_ROW = "the row's own id: nothing else has it but rows that are listed"
OF_A_SCAN = "the scan, its scanner or venue"
WITHOUT_A_RESIDENT = {
    ("acts_for_wards", "id"): OF_THE_ROW,
    ("alarms", "id"): OF_THE_ROW,
    ("alarms", "count"): "a number of events",
    ("alarms", "closed_by"): OF_STAFF,
    ("answers_of_sources", "detail"): "what a source says, deleted with the row",
    ("demands", "data_key"): OF_THE_ROW,
    ("demands", "id"): OF_THE_ROW,
    ("demand_steps", "id"): OF_THE_ROW,
    ("disputes", "data_key"): OF_THE_ROW,
    ("disputes", "id"): OF_THE_ROW,
    ("guardianships", "data_key"): OF_THE_ROW,
    ("disputes", "scan_id"): OF_A_SCAN,
    ("disputes", "venue_id"): OF_A_SCAN,
    ("disputes", "answered_by"): OF_STAFF,
    ("disputes", "appeal_answered_by"): OF_STAFF,
    ("health_changes", "id"): OF_THE_ROW,
    ("health_changes", "proposed_by"): OF_STAFF,
    ("health_changes", "proposal_id"): OF_STAFF,
    ("health_changes", "decided_by"): OF_STAFF,
    ("health_corrections", "id"): OF_THE_ROW,
    ("health_corrections", "proposed_by"): OF_STAFF,
    ("health_corrections", "approved_by"): OF_STAFF,
    ("health_corrections", "answered_by"): OF_STAFF,
    ("health_levels", "id"): OF_THE_ROW,
    ("health_levels", "change_id"): OF_THE_ROW,
    ("otp_challenges", "id"): OF_THE_ROW,
    ("otp_challenges", "message_id"): OF_THE_ROW,
    ("outbox", "id"): OF_THE_ROW,
    ("proposals", "id"): OF_THE_ROW,
    ("proposals", "proposed_by"): OF_STAFF,
    ("proposals", "approved_by"): OF_STAFF,
    ("recovery_cases", "opened_by"): OF_STAFF,
    ("recovery_cases", "proposal_id"): OF_STAFF,
    ("refresh_families", "id"): OF_THE_ROW,
    ("requests_of_scans", "id"): OF_THE_ROW,
    ("scans", "id"): OF_A_SCAN,
    ("scans", "scanner_id"): OF_A_SCAN,
    ("scans", "scan_id"): OF_A_SCAN,
    ("scans", "venue_id"): OF_A_SCAN,
    ("scans", "showing"): "the second in which a phone showed a pass",
    ("scans", "detail"): "what the scanner was told of the verdict",
    ("source_answers", "detail"): "what the register says, deleted with the row",
    ("uses", "scanner_id"): OF_A_SCAN,
}
"""Columns with an id, bytes, a long number or JSON, in tables that do lead to residents, which name none themselves."""
