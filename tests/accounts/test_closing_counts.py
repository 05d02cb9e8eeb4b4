"""A closing counts every case in which a word or a number about the resident stands, and says what stays for ever."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from qe_ban.accounts import service
from qe_ban.accounts.models import Closing, RecoveryCase, Resident
from qe_ban.accounts.service import PersonalDataEraser
from qe_ban.kernel.clock import system_clock
from qe_ban.kernel.ids import new_id
from tests.accounts.test_routes_closing import close, rows_of
from tests.factories.accounts import random_phone

WORDS = {
    "phone_sealed": b"x",
    "basis": "查验证件",
    "decision_basis": "已核对",
    "basis_sealed": b"x",
    "decision_basis_sealed": b"x",
}


@pytest.mark.parametrize("words", [*WORDS, None])
def test_a_case_with_one_word_left_is_deleted_from_and_counted(city, window, database, words):
    holder = city.resident().step_up()
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


def test_what_nobody_can_delete_later_is_said_in_the_report(city, accounts, database):
    resident = city.resident().step_up()
    assert close(city, resident).status_code == 200

    def count(_, resident_id):
        return {"somewhere": int(str(resident_id) == resident.id)}

    stuck = replace(accounts, erasers=(*accounts.erasers, PersonalDataEraser(count, lambda *_: None)))
    with database.transaction() as session:
        service.check_closings(stuck, session, system_clock() + timedelta(minutes=16))
        report = session.scalars(select(Closing.report).where(Closing.resident_id == resident.id)).one()
    assert (report["late"], report["remaining"]) == ({"somewhere": 1}, 1)


def test_no_more_than_a_hundred_are_looked_at_in_one_run_and_the_oldest_first(accounts, database, now):
    before, ids = now - timedelta(days=400), [new_id() for _ in range(101)]
    with database.transaction() as session:
        session.add_all(Resident(id=one, created_at=before, closed_at=before, assurance="none") for one in ids)
        session.flush()
        session.add_all(
            Closing(id=new_id(), resident_id=one, closed_at=before + number * timedelta(seconds=1), report={})
            for number, one in enumerate(ids)
        )

    def unchecked():
        with database.transaction() as session:
            service.check_closings(replace(accounts, erasers=()), session, before + timedelta(hours=1))
            left = select(Closing.resident_id).where(Closing.resident_id.in_(ids), Closing.checked_at.is_(None))
            return session.scalars(left).all()

    assert [unchecked(), unchecked()] == [ids[100:], []]
