"""What a service seals under a name is sealed anew under that name, or it would open no more after a rotation."""

import pytest

from qe_ban.accounts.service import residents, sign_ins, staff
from qe_ban.accounts.service.recovery import showing
from qe_ban.health.service import corrections
from qe_ban.jobs import service as jobs
from qe_ban.keys.resealing import SEALED

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
    held = {f"{one.table}.{one.column}": one.name for one in SEALED}
    assert held[column] == NAMES[column]
