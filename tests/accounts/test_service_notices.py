"""A notice about somebody without a phone goes to all who act for this resident now, and to nobody else."""

from datetime import timedelta

import pytest

from qe_ban.accounts import service
from qe_ban.accounts.models import Guardianship
from qe_ban.accounts.service import notices
from tests.factories.accounts import PersonFactory

TEMPLATE = "health_level_changed"


@pytest.fixture
def tell(family, database):
    def do(resident_id):
        with database.transaction() as session:
            notices.tell_or_guardians(
                session, family.accounts.rings, resident_id=resident_id, template=TEMPLATE, now=family.now
            )

    return do


@pytest.fixture
def two_parents(family):
    """A child without a phone, and two parents who act for it: gives the parents, the ids of both and the child's."""
    parents = [PersonFactory(), PersonFactory()]
    child = family.child(*parents)
    made = [family.custody(family.person(parent), child).row.id for parent in parents]
    return parents, made, family.row(made[0]).ward_id


def received(family, *people):
    return [family.notices_to(person.phone).count(TEMPLATE) for person in people]


def test_both_parents_of_a_child_without_a_phone_are_told(family, two_parents, tell):
    parents, _, child = two_parents
    tell(child)
    assert received(family, *parents) == [1, 1]


def test_whoever_has_a_phone_is_told_alone(family, guardian, parent, tell):
    mother = PersonFactory()
    ward = family.person(mother)
    family.do(service.confirm_guardian, ward, family.ask(guardian, mother).row.id)
    tell(ward.id)
    assert received(family, mother, parent) == [1, 0]


def test_whoever_acted_for_the_child_once_is_not_told(family, two_parents, tell):
    parents, made, child = two_parents
    family.at_window(service.end_at_window, made[0])
    tell(child)
    assert received(family, *parents) == [0, 1]


@pytest.mark.parametrize(("left", "notified"), [(timedelta(0), 0), (timedelta(seconds=1), 1)])
def test_a_guardianship_counts_to_the_second_of_its_end_though_no_worker_came_yet(
    family, two_parents, tell, database, left, notified
):
    parents, made, child = two_parents
    with database.transaction() as session:
        session.get_one(Guardianship, made[0]).ends_at = family.now + left
    tell(child)
    assert received(family, *parents) == [notified, 1]


def test_whoever_acts_for_another_child_is_not_told(family, two_parents, guardian, parent, tell):
    stranger = family.child(parent)
    family.custody(guardian, stranger)
    tell(two_parents[2])
    assert received(family, parent) == [0]
