"""What a service seals under a name is sealed anew under that name, or it would open no more after a rotation.

Which data key each column is sealed under is said here: a new column is to decide.
"""

import pytest

from qe_ban.accounts.service import residents, sign_ins, staff
from qe_ban.accounts.service.recovery import showing
from qe_ban.health.service import corrections
from qe_ban.jobs import service as jobs
from qe_ban.keys.data_keys import Owner
from qe_ban.keys.resealing import SEALED_COLUMNS

NAMES = {
    "residents.phone_sealed": residents.PHONE,
    "residents.name_sealed": residents.NAME,
    "residents.id_number_sealed": residents.ID_NUMBER,
    "recovery_cases.phone_sealed": showing.PHONE,
    "refresh_families.content_sealed": sign_ins.CONTENT,
    "staff.totp_sealed": staff.TOTP_SECRET,
    "outbox.payload": jobs.COLUMN,
    "health_corrections.text_sealed": corrections.TEXT,
    "health_corrections.answer_sealed": corrections.ANSWER,
}


@pytest.mark.parametrize("column", NAMES)
def test_a_column_is_sealed_and_sealed_anew_under_one_name(column):
    names = {f"{one.table}.{one.column}": one.name for one in SEALED_COLUMNS}
    assert names[column] == NAMES[column]


OWNERS = {
    Owner.RESIDENT: {
        "residents": "id_number_sealed moments_sealed name_sealed phone_sealed",
        "consents": "moments_sealed",
        "consent_events": "moments_sealed",
        "recovery_cases": "basis_sealed decision_basis_sealed phone_sealed",
        "health_corrections": "answer_sealed text_sealed",
    },
    Owner.DEMAND: {
        "demands": "answer_sealed contact_sealed phone_sealed text_sealed title_sealed",
        "demand_steps": "note_sealed",
    },
    Owner.DISPUTE: {
        "disputes": "answer_sealed appeal_answer_sealed appeal_sealed appellant_sealed resident_sealed scan_sealed"
        " text_sealed"
    },
    Owner.GUARDIANSHIP: {"guardianships": "id_number_sealed name_sealed"},
    # of staff, of many at once, or in a row that is not to say whose it is: docs/keys.md
    None: {
        "acts_for_wards": "content_sealed",
        "alarms": "closing_note_sealed",
        "audit_words": "text_sealed",
        "favourite_items": "moments_sealed",
        "followed_halls": "moments_sealed",
        "fresh_consents": "content_sealed",
        "health_changes": "reason_sealed",
        "holders_over_month": "before_sealed",
        "outbox": "payload",
        "page_withdrawals": "reason_sealed",
        "pages": "reason_sealed",
        "recent_items": "moments_sealed",
        "refresh_families": "content_sealed",
        "requests_of_scans": "content_sealed",
        "short_numbers": "code_sealed",
        "staff": "totp_sealed",
    },
}


@pytest.mark.parametrize("owner", OWNERS)
def test_each_sealed_column_is_under_the_data_key_of_its_owner(owner):
    by_table = {}
    for one in SEALED_COLUMNS:
        if one.owner is owner:
            by_table.setdefault(one.table, []).append(one.column)
    assert {table: " ".join(sorted(columns)) for table, columns in by_table.items()} == OWNERS[owner]
