"""A closing counts every case in which a word or a number about the resident stands, and no case without any."""

import pytest

from qe_ban.accounts.models import RecoveryCase
from tests.accounts.test_routes_closing import close, rows_of
from tests.factories.accounts import random_phone

WORDS = {"phone_sealed": b"x", "basis": "查验证件", "decision_basis": "已核对"}


@pytest.mark.parametrize("words", [*WORDS, None])
def test_a_case_with_one_word_left_is_deleted_from_and_counted(city, window, database, words):
    holder = city.verified().step_up()
    case = window.open(holder, new_phone=random_phone()).get_json()["id"]

    def left(values=None):
        with database.transaction() as session:
            row = session.get_one(RecoveryCase, case)
            for column, value in (values or {}).items():
                setattr(row, column, value)
            return {column for column in WORDS if getattr(row, column) is not None}

    left(dict.fromkeys(WORDS) | ({words: WORDS[words]} if words else {}))
    report = close(city, holder)
    assert report.status_code == 200, report.get_json()
    assert rows_of(report, "deleted").get("recovery_cases", 0) == (1 if words else 0)
    assert left() == set()
