import base64
import json
import secrets
import uuid
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from qe_ban.accounts import errors, service
from qe_ban.accounts.service import Tokens
from qe_ban.kernel.clock import rfc3339
from tests.factories.accounts import ClientKey, together


@pytest.fixture(scope="module")
def key():
    return ClientKey()


@pytest.fixture(scope="module")
def client_id(key, database):
    return key.register(database, datetime.now(UTC))


@pytest.fixture
def sign_in_client(accounts, database, now):
    def do(assertion, at=now):
        with database.transaction() as session:
            return service.sign_in_client(accounts, session, assertion=assertion, now=at)

    return do


@pytest.fixture
def assertion(key, client_id, accounts, now):
    def make(**changed):
        return key.assertion(client_id, accounts.issuer, now, **changed)

    return make


def test_an_assertion_signs_a_scanner_in(sign_in_client, assertion, accounts, client_id, now):
    tokens = sign_in_client(assertion())
    principal = service.principal_from(accounts, tokens.access, now)
    assert (principal.kind, principal.id, principal.session) == ("scanner", client_id, client_id)
    assert principal.scopes == {"codes.verify"}
    assert tokens.refresh is None


def test_an_assertion_counts_once(sign_in_client, assertion):
    given = assertion()
    sign_in_client(given)
    with pytest.raises(errors.AssertionReplayed):
        sign_in_client(given)


def test_an_assertion_counts_once_for_many_at_once(sign_in_client, assertion):
    given = assertion()
    outcomes = together(8, lambda _: sign_in_client(given))
    assert sum(isinstance(outcome, Tokens) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, errors.AssertionReplayed) for outcome in outcomes) == 7


def test_two_scanners_may_use_the_same_jti(sign_in_client, assertion, accounts, database, now):
    other = ClientKey()
    other_id = other.register(database, now)
    jti = secrets.token_hex(8)
    sign_in_client(assertion(jti=jti))
    assert sign_in_client(other.assertion(other_id, accounts.issuer, now, jti=jti))


def test_an_audience_list_of_the_issuer_alone_is_taken(sign_in_client, assertion, accounts):
    assert sign_in_client(assertion(aud=[accounts.issuer]))


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": "https://elsewhere.example"},
        {"aud": None},
        {"aud": []},
        {"aud": ["https://qe-ban.test", "https://elsewhere.example"]},
        {"aud": "https://qe-ban.test/"},
        {"aud": {"https://qe-ban.test": 1}},
        {"iss": "x"},
        {"iss": None},
        {"jti": None},
        {"jti": ""},
        {"jti": "x" * 65},
        {"jti": 5},
        {"jti": "a\u0000b"},
        {"jti": "\ud800"},
        {"exp": None},
        {"iat": None},
        {"exp": "9999999999"},
        {"exp": True},
        {"exp": 1e300},
        {"iat": -5},
        {"nbf": "soon"},
    ],
)
def test_claims_that_do_not_fit_are_refused(sign_in_client, assertion, changed):
    with pytest.raises(errors.AssertionRefused):
        sign_in_client(assertion(**changed))


@pytest.mark.parametrize("sub", [None, "x", str(uuid.UUID(int=0)), "' OR 1=1 --", 5, ["a"], "\ud800"])
def test_a_subject_that_is_no_client_is_refused(sign_in_client, assertion, sub):
    with pytest.raises(errors.AssertionRefused):
        sign_in_client(assertion(sub=sub, iss=sub))


def test_times_in_fractions_are_taken(sign_in_client, assertion, now):
    assert sign_in_client(assertion(iat=now.timestamp(), exp=now.timestamp() + 299.5))


def test_a_lifetime_over_five_minutes_is_refused(sign_in_client, assertion, now):
    seconds = int(now.timestamp())
    assert sign_in_client(assertion(exp=seconds + 300))
    with pytest.raises(errors.AssertionRefused):
        sign_in_client(assertion(exp=seconds + 301))
    with pytest.raises(errors.AssertionRefused):
        sign_in_client(assertion(exp=seconds))


def test_a_clock_that_is_fast_is_told_so_with_the_servers_time(sign_in_client, assertion, now):
    seconds = int(now.timestamp())
    assert sign_in_client(assertion(iat=seconds + 59, exp=seconds + 200))
    with pytest.raises(errors.AssertionClock, match=r"快了约 1[12]") as refused:
        sign_in_client(assertion(iat=seconds + 120, exp=seconds + 200))
    assert rfc3339(now) in refused.value.message
    assert refused.value.facts["server_time"] == rfc3339(now)


def test_a_clock_that_is_slow_is_told_so_with_the_servers_time(sign_in_client, assertion, now):
    seconds = int(now.timestamp())
    with pytest.raises(errors.AssertionClock, match="过期") as refused:
        sign_in_client(assertion(iat=seconds - 400, exp=seconds - 100))
    assert rfc3339(now) in refused.value.message


@pytest.mark.parametrize("moment", [1, 2**31, 2**39, 253402300800])
def test_clock_extremes_are_refused_clearly(sign_in_client, assertion, moment):
    with pytest.raises(errors.AssertionClock):
        sign_in_client(assertion(iat=moment, exp=moment + 60))


def test_an_assertion_not_valid_yet_is_refused(sign_in_client, assertion, now):
    with pytest.raises(errors.AssertionClock):
        sign_in_client(assertion(nbf=int(now.timestamp()) + 100))


def test_another_key_is_refused_whatever_the_header_proposes(sign_in_client, client_id, accounts, now):
    mine = ClientKey()
    claims = mine.claims(client_id, accounts.issuer, now)
    for headers in ({}, {"kid": str(client_id)}, {"jwk": mine.jwk}, {"jku": "https://attacker.example/keys"}):
        with pytest.raises(errors.AssertionRefused):
            sign_in_client(mine.sign(claims, **headers))


def test_the_enrolled_key_is_used_whatever_the_header_proposes(sign_in_client, key, client_id, accounts, now):
    claims = key.claims(client_id, accounts.issuer, now)
    assert sign_in_client(key.sign(claims, kid="other", jwk=ClientKey().jwk))


def test_other_algorithms_are_refused(sign_in_client, key, client_id, accounts, now):
    claims = key.claims(client_id, accounts.issuer, now)
    pem = key.private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    hs256 = jwt.PyJWS()
    hs256.unregister_algorithm("HS256")

    class Hmac(jwt.algorithms.HMACAlgorithm):
        def prepare_key(self, key):
            return key

    hs256.register_algorithm("HS256", Hmac(Hmac.SHA256))
    for forged in (jwt.encode(claims, None, "none"), hs256.encode(json.dumps(claims).encode(), pem, "HS256")):
        with pytest.raises(errors.AssertionRefused):
            sign_in_client(forged)


def test_a_revoked_scanner_gets_no_token_and_its_tokens_end(sign_in_client, accounts, database, now):
    key = ClientKey()
    client_id = key.register(database, now)
    tokens = sign_in_client(key.assertion(client_id, accounts.issuer, now))
    for _ in range(2):
        with database.transaction() as session:
            service.revoke_client(session, client_id, now)
    accounts.revocations.refresh()
    with pytest.raises(errors.TokenInvalid):
        service.principal_from(accounts, tokens.access, now)
    with pytest.raises(errors.AssertionRefused, match="停用"):
        sign_in_client(key.assertion(client_id, accounts.issuer, now))


def test_revoking_one_scanners_token_leaves_its_others(sign_in_client, assertion, accounts, database, now):
    one, two = sign_in_client(assertion()), sign_in_client(assertion())
    with database.transaction() as session:
        service.revoke(accounts, session, text=one.access, now=now)
    accounts.revocations.refresh()
    with pytest.raises(errors.TokenInvalid):
        service.principal_from(accounts, one.access, now)
    assert service.principal_from(accounts, two.access, now)


def test_an_unknown_client_cannot_be_revoked(database, now):
    with pytest.raises(errors.ClientNotFound), database.transaction() as session:
        service.revoke_client(session, uuid.uuid4(), now)


def test_a_key_is_registered_once(key, client_id, database, now):
    with pytest.raises(errors.ClientExists):
        key.register(database, now)


def test_a_bad_key_is_not_registered(database, now, key):
    for jwk in (key.jwk | {"x": key.jwk["y"]}, key.jwk | {"crv": "P-384"}, {}, key.jwk | {"x": 5}):
        with pytest.raises(errors.ProofInvalid) as refused, database.transaction() as session:
            service.register_client(session, jwk=jwk, now=now)
        assert list(refused.value.fields) == ["jwk"]


@pytest.fixture
def check(accounts, database, now):
    def do(key, proof, at=now):
        with database.transaction() as session:
            service.check_proof(accounts, session, jwk=key.jwk, proof=proof, now=at)

    return do


@pytest.fixture
def nonce(accounts, now):
    return service.nonce(accounts, now)


def test_a_proof_over_our_nonce_is_taken_once(check, key, nonce, accounts):
    check(key, key.proof(nonce, accounts.issuer))
    with pytest.raises(errors.ProofInvalid):
        check(key, key.proof(nonce, accounts.issuer))


def test_a_nonce_counts_once_for_many_at_once(check, key, nonce, accounts):
    outcomes = together(6, lambda _: check(key, key.proof(nonce, accounts.issuer)))
    assert outcomes.count(None) == 1


def test_a_nonce_ends_after_five_minutes(check, key, nonce, accounts, now):
    with pytest.raises(errors.ProofInvalid):
        check(key, key.proof(nonce, accounts.issuer), now + timedelta(minutes=5))


def test_a_proof_by_another_key_is_refused(check, key, nonce, accounts):
    with pytest.raises(errors.ProofInvalid):
        check(key, ClientKey().proof(nonce, accounts.issuer))


def test_a_proof_for_another_audience_is_refused(check, key, nonce):
    with pytest.raises(errors.ProofInvalid):
        check(key, key.proof(nonce, "https://elsewhere.example"))


@pytest.mark.parametrize("changed", [None, 5, "", "x", "A" * 50, "' --", "é", "\ud800"])
def test_a_nonce_that_is_none_of_ours_is_refused(check, key, accounts, changed):
    with pytest.raises(errors.ProofInvalid):
        check(key, key.sign({"nonce": changed, "aud": accounts.issuer}))


def test_a_nonce_cannot_be_made_to_live_longer(check, key, nonce, accounts):
    data = bytearray(base64.urlsafe_b64decode(nonce + "=" * (-len(nonce) % 4)))
    data[4] ^= 0x40
    longer = base64.urlsafe_b64encode(bytes(data)).rstrip(b"=").decode()
    with pytest.raises(errors.ProofInvalid):
        check(key, key.proof(longer, accounts.issuer))
