"""People of a sandbox who act for others from the start."""

import pytest

from qe_ban.accounts import service
from qe_ban.accounts.rules import Relation, WardBasis, comes_of_age
from qe_ban.kernel.identifiers import ResidentId
from tests.factories.accounts import PersonFactory
from tests.factories.wards import child_of_age


@pytest.fixture
def seed(family, guardian, database):
    def do(person, basis):
        ward = family.person(person)
        with database.transaction() as session:
            said = person.real_name()
            return ward, service.seed_guardianship(
                session,
                guardian_id=guardian.id,
                ward_id=ward.id,
                said=said,
                relation=Relation.PARENT,
                basis=basis,
                now=family.now,
            )

    return do


def test_a_childs_guardianship_stands_until_the_child_comes_of_age(family, guardian, seed):
    child = child_of_age(family.now)
    ward, is_made = seed(child, WardBasis.CUSTODY)
    (shown,) = family.wards(guardian)
    born = ResidentId.parse(child.id_number, today=family.now.date()).born
    assert (is_made, shown.row.ward_id, shown.row.ends_at) == (True, ward.id, comes_of_age(born))
    assert (shown.row.state, shown.row.basis, shown.row.confirmed_by) == ("active", "custody", "register")
    assert family.acting_for(guardian, shown.row.id) == ward.id


def test_a_grown_ups_has_no_end_and_is_made_once(family, guardian, seed, database):
    mother = PersonFactory()
    ward, _ = seed(mother, WardBasis.ENTRUSTED)
    (shown,) = family.wards(guardian)
    assert shown.row.ends_at is None
    with database.transaction() as session:
        assert not service.seed_guardianship(
            session,
            guardian_id=guardian.id,
            ward_id=ward.id,
            said=mother.real_name(),
            relation=Relation.PARENT,
            basis=WardBasis.ENTRUSTED,
            now=family.now,
        )
    assert len(family.wards(guardian)) == 1
