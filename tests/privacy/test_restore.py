"""A dump from before a deletion brings rows back whose data keys are destroyed: they are counted, and ended again."""

import base64
from uuid import uuid4

import pytest
from click.testing import CliRunner
from sqlalchemy import insert, select, update

from qe_ban.accounts.models import Closing, Guardianship, Resident
from qe_ban.accounts.service import residents
from qe_ban.audit.models import AuditEvent
from qe_ban.cli.root import cli
from qe_ban.codes.models import Dispute
from qe_ban.kernel.clock import system_clock
from qe_ban.keys import data_keys, vault
from qe_ban.keys.data_keys import Owner
from qe_ban.zones.models import Demand
from tests.factories.codes import Town

pytestmark = pytest.mark.xdist_group("privacy")


@pytest.fixture
def settle(parts):
    """Run the command on this database; gives what it says."""
    settings = parts.settings
    env = {
        "QE_DATABASE_URL": settings.database_url,
        "QE_MASTER_KEY": base64.b64encode(settings.master_key).decode(),
        "QE_DATA_KEYS_DIR": str(settings.data_keys_dir),
        "QE_LANG": "en",
    }

    def call(*words):
        result = CliRunner().invoke(cli, ["keys", "settle", *words], env=env, prog_name="qe-ban")
        assert result.exit_code == 0, result.output
        return result.stdout.strip()

    return call


@pytest.fixture
def back(parts, settle):
    """One of each owner whose key was destroyed after the dump; gives their ids."""
    settle("--yes")
    town, now, rings = Town(parts), system_clock(), parts.rings
    gone, stays, ids = town.resident(), town.resident(), {one: uuid4() for one in Owner}
    wish = town.guard(stays, town.resident(), state="pending")
    ids |= {Owner.RESIDENT: gone.id, Owner.GUARDIANSHIP: wish}
    with parts.database.transaction() as session:
        keys = {one: data_keys.allocate(rings, session, one, now) for one in Owner}
        keys[Owner.RESIDENT] = session.get_one(Resident, gone.id).data_key
        session.execute(update(Guardianship).where(Guardianship.id == wish).values(data_key=keys[Owner.GUARDIANSHIP]))
        texts = {"firm": "某公司", "uscc": "x", "industry": "y", "title": "z", "zone": "karos", "state": "received"}
        moments = dict.fromkeys(("consented_at", "created_at", "updated_at"), now)
        sealed = {
            name: vault.seal(rings, f"demands.{name[:-7]}", ids[Owner.DEMAND], "字", now, data_key=keys[Owner.DEMAND])
            for name in ("text_sealed", "contact_sealed", "phone_sealed")
        }
        row = {"id": ids[Owner.DEMAND], "resident_id": stays.id, "data_key": keys[Owner.DEMAND]}
        row |= {"revision": 1, "block": "b", "version": 1}
        session.execute(insert(Demand).values(row | texts | moments | sealed))
        row = {"id": ids[Owner.DISPUTE], "scan_id": uuid4(), "holder": b"h", "district": "370202", "scan": {}}
        row |= {"text_sealed": b"x", "state": "open", "opened_at": now, "due_at": now}
        session.execute(insert(Dispute).values(row | {"data_key": keys[Owner.DISPUTE]}))
    for number in keys.values():
        rings.data_keys.destroy([number])
    return ids, stays


def test_without_yes_it_is_only_counted(parts, back, settle):
    ids, _ = back
    assert settle() == "to end with --yes: 1 accounts, 1 demands, 1 disputes, 1 wishes"
    with parts.database.transaction() as session:
        assert session.get_one(Resident, ids[Owner.RESIDENT]).closed_at is None


def test_what_was_deleted_is_ended_again_with_a_proof_and_nobody_else(parts, back, settle):
    ids, stays = back
    assert settle("--yes") == "ended: 1 accounts, 1 demands, 1 disputes, 1 wishes"
    with parts.database.transaction() as session:
        row = session.get_one(Resident, ids[Owner.RESIDENT])
        assert row.closed_at is not None
        assert (row.phone_sealed, row.name_sealed, row.id_number_sealed, row.moments_sealed) == (None,) * 4
        assert parts.rings.data_keys.is_destroyed(row.data_key)
        proof = session.scalars(select(Closing).where(Closing.resident_id == row.id)).one()
        assert (proof.report["reason"], proof.report["remaining"]) == ("restored", 0)
        closed = (AuditEvent.action == "accounts.close_account") & (AuditEvent.subject == str(row.id))
        assert session.scalars(select(AuditEvent.actor_id).where(closed)).one() is None
        assert session.get(Demand, ids[Owner.DEMAND]) is None
        assert session.get(Dispute, ids[Owner.DISPUTE]) is None
        assert session.get_one(Guardianship, ids[Owner.GUARDIANSHIP]).state == "ended"
        other = session.get_one(Resident, stays.id)
        assert (other.closed_at, residents.phone_of(parts.rings, other)) == (None, stays.phone)
    assert settle("--yes") == "nothing that was deleted is back"
