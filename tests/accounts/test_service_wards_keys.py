"""What waits to be confirmed stays findable by its number when the key of the hashes has changed."""

from dataclasses import replace
from datetime import timedelta

import pytest

from qe_ban.accounts import errors, service
from qe_ban.accounts.service import reindexing
from qe_ban.accounts.service.wards import held
from qe_ban.db.engine import Database
from qe_ban.kernel.identifiers import IdType
from qe_ban.keys import lifecycle
from qe_ban.keys.models import Ring
from qe_ban.keys.rings import KeyRings
from tests.factories.accounts import OpenRegister, PersonFactory
from tests.factories.databases import with_schema
from tests.factories.wards import Family


@pytest.fixture
def own(settings):
    """A database with keys of its own."""
    made = with_schema(settings, "ward_keys")
    database = Database(made.database_url)
    yield made, database
    database.dispose()


def test_what_waits_is_found_after_the_key_has_changed(own, accounts, now):
    settings, database = own
    with database.transaction() as session:
        lifecycle.init(session, settings.master_key, now - timedelta(hours=1))
    rings, register = KeyRings(database, settings.master_key, data_keys=settings.data_keys_dir), OpenRegister()
    family = Family(replace(accounts, rings=rings, real_name=register), database, register, now)
    guardian, mother = family.person(), PersonFactory()
    ward = family.person(mother)
    made = family.ask(guardian, mother)
    with database.transaction() as session:
        lifecycle.rotate(session, settings.master_key, Ring.HOLDER, now - timedelta(minutes=5))
    rings.refresh()
    newest, before = held.number_macs(rings, IdType.RESIDENT_ID, mother.id_number)
    assert family.row(made.row.id).ward_mac == before != newest
    assert [seen.row.id for seen in family.guardians(ward)] == [made.row.id]
    with pytest.raises(errors.WardExists):
        family.ask(guardian, mother)
    family.do(service.confirm_guardian, ward, made.row.id)
    assert family.acting_for(guardian, made.row.id) == ward.id


def test_a_key_is_needed_while_a_wish_of_its_time_waits(own, accounts, now):
    settings, database = own
    with database.transaction() as session:
        lifecycle.init(session, settings.master_key, now - timedelta(hours=1))
    rings, register = KeyRings(database, settings.master_key, data_keys=settings.data_keys_dir), OpenRegister()
    family = Family(replace(accounts, rings=rings, real_name=register), database, register, now)
    second, guardian, mother = timedelta(seconds=1), family.person(), PersonFactory()
    ward = family.person(mother)

    def is_needed(superseded_at):
        with database.transaction() as session:
            return reindexing.wards_before(session, superseded_at)

    assert not is_needed(now + second), "nobody asked for anything"
    made = family.ask(guardian, mother).row.id
    assert [is_needed(moment) for moment in (now, now + second)] == [False, True]
    family.do(service.confirm_guardian, ward, made)
    assert not is_needed(now + second), "whom it is about is known by the account now"
