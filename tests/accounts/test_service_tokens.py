import base64
import hashlib
import hmac
import json
import time
import uuid
from dataclasses import replace
from datetime import UTC, timedelta

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from qe_ban.accounts import errors, rules, service
from qe_ban.accounts.models import Resident
from qe_ban.accounts.service import checked as remembering
from qe_ban.accounts.service import names
from qe_ban.accounts.service import tokens as making
from qe_ban.accounts.service.checked import CheckedTokens
from qe_ban.db.polled_cache import FRESH
from qe_ban.kernel.principal import Place, PrincipalKind
from qe_ban.keys import lifecycle
from qe_ban.keys.models import Ring
from qe_ban.keys.rings import KeyRings
from tests.factories.accounts import PersonFactory, random_phone


@pytest.fixture
def signed_in(sign_in, now):
    return sign_in(random_phone(), now)


def claims_of(token):
    return jwt.decode(token, options={"verify_signature": False})


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@pytest.fixture
def refused(accounts, now):
    def check(token, at=now):
        with pytest.raises(errors.TokenInvalid):
            service.principal_from(accounts, token, at)

    return check


def test_a_token_reads_as_rfc_9068_says(signed_in, accounts):
    token = signed_in[0].access
    header, claims = jwt.get_unverified_header(token), claims_of(token)
    assert (header["typ"], header["alg"]) == ("at+jwt", "ES256")
    assert claims["iss"] == claims["aud"] == accounts.issuer
    assert claims["exp"] - claims["iat"] == 600
    assert {"sub", "client_id", "jti", "kind", "scope", "sid"} <= set(claims)


def test_a_token_is_over_after_ten_minutes(signed_in, accounts, refused, now):
    token = signed_in[0].access
    service.principal_from(accounts, token, now + timedelta(seconds=598))
    refused(token, now + timedelta(seconds=600))


@pytest.mark.parametrize("place", [Place(district="370202"), Place(department="11370200MB1234567X"), Place()], ids=str)
def test_staff_roles_and_place_come_with_the_token(accounts, now, place):
    made = making.access(
        accounts,
        kind=PrincipalKind.STAFF,
        subject=uuid.uuid4(),
        session=uuid.uuid4(),
        scopes=rules.staff_scopes(["district_admin"]),
        roles=["district_admin"],
        place=place,
        now=now,
    )
    principal = service.principal_from(accounts, made.access, now)
    assert principal.roles == {"district_admin"}
    assert principal.place == place
    assert "residents.look_up" not in principal.scopes


def test_algorithm_none_is_refused(signed_in, refused):
    claims = claims_of(signed_in[0].access)
    refused(jwt.encode(claims, None, "none", headers={"typ": "at+jwt"}))
    refused(signed_in[0].access.rpartition(".")[0] + ".")


def test_hs256_with_our_public_key_is_refused(signed_in, refused, rings):
    token = signed_in[0].access
    kid = jwt.get_unverified_header(token)["kid"]
    public = rings.snapshot().public[bytes.fromhex(kid)].public
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    header = b64(json.dumps({"alg": "HS256", "kid": kid, "typ": "at+jwt"}).encode())
    body = f"{header}.{token.split('.')[1]}"
    refused(f"{body}.{b64(hmac.digest(pem, body.encode(), hashlib.sha256))}")


def test_a_key_of_the_attackers_is_refused_whatever_the_header_proposes(signed_in, refused):
    token, mine = signed_in[0].access, ec.generate_private_key(ec.SECP256R1())
    kid = jwt.get_unverified_header(token)["kid"]
    jwk = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(mine.public_key()))
    for headers in (
        {"kid": kid},
        {"kid": "../../etc/passwd"},
        {"kid": "' OR 1=1 --"},
        {"jwk": jwk},
        {"kid": kid, "jwk": jwk},
        {"jku": "https://attacker.example/keys"},
        {"x5u": "https://attacker.example/cert"},
    ):
        refused(jwt.encode(claims_of(token), mine, "ES256", headers={"typ": "at+jwt", **headers}))


def signed_by_us(rings, claims, now, ring=Ring.TOKEN, **headers):
    key = rings.signing(ring, now)
    return jwt.encode(claims, key.private, "ES256", headers={"typ": "at+jwt", "kid": key.kid.hex(), **headers})


def test_our_own_signature_over_good_claims_is_taken(signed_in, rings, accounts, now):
    claims = claims_of(signed_in[0].access)
    assert service.principal_from(accounts, signed_by_us(rings, claims, now), now)


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": "https://elsewhere.example"},
        {"aud": ["https://qe-ban.test"]},
        {"iss": "https://elsewhere.example"},
        {"sub": "1"},
        {"sid": None},
        {"jti": 5},
        {"kind": "root"},
        {"kind": ["resident"]},
        {"exp": "9999999999"},
        {"exp": 1e300},
        {"exp": True},
        {"iat": None},
        {"scope": ["me.read"]},
        {"sua": "now"},
        {"roles": "auditor"},
        {"place": {"planet": "earth"}},
        {"place": []},
    ],
)
def test_claims_of_another_type_or_audience_are_refused(signed_in, rings, refused, now, changed):
    refused(signed_by_us(rings, claims_of(signed_in[0].access) | changed, now))


def test_keys_of_other_rings_sign_no_tokens(signed_in, rings, refused, now):
    refused(signed_by_us(rings, claims_of(signed_in[0].access), now, ring=Ring.CODE))


def test_another_type_of_jwt_by_our_key_is_refused(signed_in, rings, refused, now):
    refused(signed_by_us(rings, claims_of(signed_in[0].access), now, typ="JWT"))


def test_every_changed_character_is_refused(signed_in, refused, accounts, now):
    token = signed_in[0].access
    service.principal_from(accounts, token, now)
    for place in range(0, len(token) - 1, 7):
        other = "A" if token[place] != "A" else "B"
        refused(token[:place] + other + token[place + 1 :])


@pytest.mark.parametrize("text", ["", ".", "..", "a.b.c", "é.ü.ö", "\ud800.a.b", "A" * 10_000, "." * 5000, "null"])
def test_what_is_no_token_is_refused(refused, text):
    refused(text)


def test_a_denied_key_ends_its_tokens_although_they_were_remembered(settings, database, accounts, signed_in, now):
    rings = KeyRings(database, settings.master_key, data_keys=settings.data_keys_dir)
    with database.transaction() as session:
        kid = lifecycle.rotate(session, settings.master_key, Ring.TOKEN, now - timedelta(seconds=10))
    rings.refresh()
    mine = replace(accounts, rings=rings, checked=CheckedTokens())
    made = making.access(
        mine,
        kind=PrincipalKind.SCANNER,
        subject=uuid.uuid4(),
        session=uuid.uuid4(),
        scopes=rules.SCANNER,
        now=now,
    )
    assert jwt.get_unverified_header(made.access)["kid"] == kid
    service.principal_from(mine, made.access, now)
    with database.transaction() as session:
        lifecycle.deny(session, kid, now + timedelta(seconds=1))
    rings.refresh()
    with pytest.raises(errors.TokenInvalid):
        service.principal_from(mine, made.access, now)
    assert service.principal_from(mine, signed_in[0].access, now).id == signed_in[1].id


def test_the_memory_of_tokens_is_bounded(accounts, signed_in, now, monkeypatch):
    monkeypatch.setattr(remembering, "MOST", 3)
    small = replace(accounts, checked=CheckedTokens())
    for _ in range(6):
        made = making.access(
            small,
            kind=PrincipalKind.SCANNER,
            subject=uuid.uuid4(),
            session=uuid.uuid4(),
            scopes=rules.SCANNER,
            now=now,
        )
        service.principal_from(small, made.access, now)
    assert len(small.checked._held) == 3


def test_a_principal_is_the_same_for_the_token_of_a_step_up(signed_in, accounts, database, now):
    _, principal = signed_in
    with database.transaction() as session:
        names.bind(accounts.rings, session.get_one(Resident, principal.id), PersonFactory().real_name(), now)
        tokens = service.finish_step_up(accounts, session, principal=principal, now=now)
    again = service.principal_from(accounts, tokens.access, now)
    assert (again.id, again.session) == (principal.id, principal.session)
    assert again.stepped_up_at == now.replace(microsecond=0).astimezone(UTC)
    assert {"codes.read", "codes.issue", "codes.manage", "ledger.read", "me.consents"} <= again.scopes


def test_a_key_that_another_process_made_is_known_after_one_poll(settings, database, accounts, now):
    mine = replace(
        accounts,
        rings=KeyRings(database, settings.master_key, data_keys=settings.data_keys_dir),
        checked=CheckedTokens(),
    )
    mine.rings.snapshot()
    theirs = KeyRings(database, settings.master_key, data_keys=settings.data_keys_dir)
    with database.transaction() as session:
        kid = lifecycle.rotate(session, settings.master_key, Ring.TOKEN, now - timedelta(seconds=10))
    theirs.refresh()
    made = making.access(
        replace(accounts, rings=theirs),
        kind=PrincipalKind.SCANNER,
        subject=uuid.uuid4(),
        session=uuid.uuid4(),
        scopes=rules.SCANNER,
        now=now,
    )
    assert jwt.get_unverified_header(made.access)["kid"] == kid
    time.sleep(FRESH)
    assert service.principal_from(mine, made.access, now)
