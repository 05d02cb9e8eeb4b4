"""The secrets of holders' hashes and of what is derived change while everything serves."""

import time
import uuid
from datetime import timedelta

import pytest
from sqlalchemy import delete, select

from qe_ban.accounts.models import RefreshFamily
from qe_ban.accounts.service import Accounts, clients
from qe_ban.audit import service as audit
from qe_ban.cli.keys import backfill
from qe_ban.codes.models import Dispute, Scan
from qe_ban.codes.service import disputes, rehashing
from qe_ban.codes.service.hashing import dispute_hash, holder_hash
from qe_ban.kernel.principal import Principal, PrincipalKind
from qe_ban.keys import retirement
from qe_ban.keys.lifecycle import KeyIsLast
from qe_ban.keys.models import Ring
from tests.factories.accounts import ClientKey, PersonFactory, bearer, sign_in
from tests.factories.rotation import API, POLL_SECONDS, rotating, utc


@pytest.fixture(scope="module")
def city(settings):
    with rotating(settings, "secrets") as own_city:
        yield own_city


def scan_once(city):
    """One scan of the person's identity; gives its id in the ledger."""
    code = city.here.post(f"{API}/codes/identity/issue", headers=city.person.headers).get_json()["code"]
    body = {"scan_id": str(uuid.uuid4()), "code": code, "purpose": "gate-entry"}
    assert city.there.post(f"{API}/codes/verify", json=body, headers=city.gate.headers).status_code == 200
    with city.database.transaction() as session:
        return session.scalars(select(Scan.id).where(Scan.scan_id == uuid.UUID(body["scan_id"]))).one()


def holder_of(city, scan):
    with city.database.transaction() as session:
        return session.scalars(select(Scan.holder).where(Scan.id == scan)).one()


def dispute(city, scan):
    person = Principal(PrincipalKind.RESIDENT, city.person.id, frozenset(), uuid.uuid4())
    with city.database.transaction() as session:
        rings, change = city.parts[0].rings, audit.Change(person, utc())
        content = disputes.open_dispute(
            session, rings, resident=city.person.id, scan=scan, text="不是我", change=change
        )
        return content.dispute.id


def halls_of_person(city):
    """Return the halls that the person follows, by the other process."""
    return city.there.get(f"{API}/me/halls", headers=city.person.headers).get_json()["items"]


def retire(city, retiring, kid, now):
    with city.database.transaction() as session:
        retiring(session, retirement.find(session, kid), now)


def test_holders_hashes_change_without_a_failure_a_second_meal_or_a_lost_scan(city):
    before = scan_once(city)
    dispute_id = dispute(city, before)
    follow = {"method": "PUT", "headers": city.person.headers}
    assert city.here.open(f"{API}/me/halls/city", **follow).status_code == 204
    with city.load():
        (old,), new = city.rotate(Ring.HOLDER)
        time.sleep(3 + POLL_SECONDS)
        after = scan_once(city)
        assert [hall["slug"] for hall in halls_of_person(city)] == ["city"]
        assert backfill.rehash_holders(city.installation) == 2
    assert holder_of(city, before) != holder_of(city, after)
    assert holder_of(city, after) == holder_hash(city.parts[1].rings, city.person.numbers["identity"], utc())
    assert backfill.rehash_holders(city.installation) == 0

    with pytest.raises(KeyIsLast):
        retire(city, rehashing.retire, new, utc() + timedelta(days=400))
    with pytest.raises(retirement.KeyNeeded, match="之后"):
        retire(city, rehashing.retire, old, utc())
    with pytest.raises(retirement.KeyNeeded, match="用码记录"):
        retire(city, rehashing.retire, old, utc() + timedelta(days=8))
    with city.database.transaction() as session:
        session.execute(delete(Scan))
    with pytest.raises(retirement.KeyNeeded, match="登录记录"):
        retire(city, rehashing.retire, old, utc() + timedelta(days=8))
    with city.database.transaction() as session:
        session.execute(delete(RefreshFamily))
    retire(city, rehashing.retire, old, utc() + timedelta(days=8))
    with pytest.raises(retirement.KeyNotFound):
        retire(city, rehashing.retire, old, utc() + timedelta(days=8))
    time.sleep(POLL_SECONDS)
    rings = city.parts[1].rings
    assert len(rings.macs(Ring.HOLDER, "x", b"")) == 1
    assert [hall["slug"] for hall in halls_of_person(city)] == ["city"]
    with city.database.transaction() as session:
        mine = disputes.list_own(session, rings, resident=city.person.id, before=None, limit=10)
        assert [one.dispute.id for one in mine] == [dispute_id]
        assert session.get_one(Dispute, dispute_id).holder == dispute_hash(
            rings, city.person.numbers["identity"], utc()
        )


def test_what_was_derived_under_the_secret_before_is_good_until_it_is_over(city):
    phone = PersonFactory().phone
    refresh = {"grant_type": "refresh_token", "refresh_token": sign_in(city.here, phone)["refresh_token"]}
    challenge = city.here.post(f"{API}/auth/otp", json={"phone": phone}).get_json()
    nonce = city.here.get(f"{API}/auth/nonce").get_json()["nonce"]
    first = city.here.post(f"{API}/auth/token", json=refresh).get_json()
    with city.load():
        (old,), _ = city.rotate(Ring.DERIVE)
        time.sleep(3 + POLL_SECONDS)
    repeat = city.there.post(f"{API}/auth/token", json=refresh).get_json()
    assert repeat["refresh_token"] == first["refresh_token"]
    grant = {"grant_type": "otp", "phone": phone, "challenge": challenge["challenge"], "otp": challenge["otp"]}
    signed_in = city.there.post(f"{API}/auth/token", json=grant).get_json()
    assert city.here.get(f"{API}/me", headers=bearer(signed_in["access_token"])).status_code == 200
    assert city.parts[0].rings.mac(Ring.DERIVE, "x", b"") == city.parts[0].rings.macs(Ring.DERIVE, "x", b"")[0]
    key = ClientKey()
    proof = key.proof(nonce, city.settings.issuer)
    with city.database.transaction() as session:
        clients.check_proof(city.parts[1].get(Accounts), session, jwk=key.jwk, proof=proof, now=utc())

    with pytest.raises(retirement.KeyNeeded):
        retire(city, retirement.retire_derived, old, utc() + timedelta(hours=23))
    retire(city, retirement.retire_derived, old, utc() + timedelta(hours=25))
    time.sleep(POLL_SECONDS)
    assert len(city.parts[0].rings.macs(Ring.DERIVE, "x", b"")) == 1


def test_a_secret_is_written_with_only_when_every_process_knows_it(city):
    rings = city.parts[0].rings
    before = rings.mac(Ring.DERIVE, "x", b"")
    _, new = city.rotate(Ring.DERIVE)
    rings.refresh()
    assert rings.mac(Ring.DERIVE, "x", b"") == before
    assert len(rings.macs(Ring.DERIVE, "x", b"")) == 2
    time.sleep(3 + POLL_SECONDS)
    assert rings.mac(Ring.DERIVE, "x", b"") != before
    assert before in rings.macs(Ring.DERIVE, "x", b"")
    assert len(new) == 8
