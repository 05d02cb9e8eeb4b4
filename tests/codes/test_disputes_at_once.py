"""Whoever decides about a dispute while another does waits for the other, and then finds it decided."""

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest

from qe_ban.audit import service as audit
from qe_ban.codes import service as codes
from qe_ban.kernel.principal import Place
from tests.codes.test_appeals import answer_appeal, appeal, dismiss  # noqa: F401  fixtures
from tests.codes.test_disputes import answer, dispute, mine, scan_entry  # noqa: F401  fixtures
from tests.factories.accounts import StaffFactory
from tests.factories.databases import wait_for_locks
from tests.factories.venues import AdminFactory


@pytest.fixture
def while_answered(town):
    """Answer a dispute or an appeal as the city, and call another before that is committed; gives what it returned."""

    def call(act, dispute_id, words, other):
        database, rings = town.parts.database, town.parts.rings
        first = StaffFactory(roles=("city_admin",)).create(database, rings, town.now)
        with ThreadPoolExecutor(1) as pool:
            with database.transaction() as session:
                change = audit.Change(AdminFactory(id=first, place=Place()), town.now)
                act(session, rings, dispute_id=UUID(dispute_id), text=words, upheld=False, change=change)
                late = pool.submit(other)
                wait_for_locks(database, 1)
            return late.result()

    return call


def test_a_second_answer_finds_the_first(client, town, while_answered, scan_entry, dispute, answer):  # noqa: F811
    person, staff = town.resident(), town.staff("city_admin")
    case_id = dispute(person, scan_entry(person)["id"])["id"]
    late = while_answered(codes.answer_dispute, case_id, "先答", lambda: answer(staff, case_id, "后答"))
    assert (late.status_code, late.get_json()["code"]) == (409, "codes.dispute_answered")
    (row,) = mine(client, person)
    assert (row["state"], row["answer"]) == ("dismissed", "先答")


def test_a_second_answer_to_an_appeal_finds_the_first(client, town, while_answered, dismiss, appeal, answer_appeal):  # noqa: F811
    person, staff = town.resident(), town.staff("city_admin")
    case_id = dismiss(person)
    assert appeal(person, case_id).status_code == 201
    late = while_answered(codes.answer_appeal, case_id, "先答", lambda: answer_appeal(staff, case_id, "后答"))
    assert (late.status_code, late.get_json()["code"]) == (409, "codes.appeal_answered")
    (row,) = mine(client, person)
    assert (row["state"], row["appeal"]["answer"]) == ("appeal_dismissed", "先答")
