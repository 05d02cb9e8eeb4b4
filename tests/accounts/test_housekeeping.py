"""The sweep forgets what is over and nothing else: whatever it forgets too early protects nobody any more."""

import secrets
import uuid
from datetime import timedelta

import pytest

from qe_ban.accounts import errors, rules, service
from qe_ban.accounts.models import Attempt, OtpChallenge, Revocation, UsedJti
from qe_ban.accounts.rules.proofs import check_assertion
from qe_ban.accounts.service import attempts
from qe_ban.accounts.service.attempts import STAFF_PASSWORD
from qe_ban.kernel.errors import TooMany
from qe_ban.kernel.ids import new_id
from tests.factories.accounts import ClientKey, random_phone
from tests.factories.endings import end as end_rows


@pytest.fixture
def sweep(database):
    def do(at):
        with database.transaction() as session:
            end_rows(session, service.ENDINGS, at)

    return do


@pytest.fixture
def exists(database):
    def ask(model, key):
        with database.transaction() as session:
            return session.get(model, key) is not None

    return ask


@pytest.fixture
def scanner(accounts, database, now):
    """A client with its key, and the sign-in of an assertion at a moment."""
    key = ClientKey()
    client_id = key.register(database, now)

    def sign_in(assertion, at):
        with database.transaction() as session:
            return service.sign_in_client(accounts, session, assertion=assertion, now=at)

    return key, client_id, sign_in


def test_a_signed_out_token_stays_refused_after_a_sweep(sign_in, accounts, database, sweep, now):
    tokens, principal = sign_in(random_phone(), now)
    with database.transaction() as session:
        service.revoke(accounts, session, text=tokens.refresh, now=now)
    sweep(now + timedelta(minutes=5))
    accounts.revocations.refresh()
    with pytest.raises(errors.TokenInvalid):
        service.principal_from(accounts, tokens.access, now)
    with database.transaction() as session:
        assert session.get(Revocation, principal.session) is not None


def test_a_revocation_goes_when_it_is_over(database, sweep, exists, now):
    over, living = new_id(), new_id()
    with database.transaction() as session:
        for subject, ends in ((over, now), (living, now + timedelta(seconds=1))):
            session.add(Revocation(subject=subject, revoked_at=now - timedelta(minutes=11), expires_at=ends))
    sweep(now)
    assert (exists(Revocation, over), exists(Revocation, living)) == (False, True)


def test_an_assertion_is_remembered_until_nobody_would_take_it(scanner, accounts, sweep, now):
    key, client_id, sign_in = scanner
    assertion = key.assertion(client_id, accounts.issuer, now, exp=int(now.timestamp()) + 300)
    sign_in(assertion, now)
    for later in (timedelta(minutes=2), timedelta(minutes=4, seconds=50)):
        sweep(now + later)
        with pytest.raises(errors.AssertionReplayed):
            sign_in(assertion, now + later)


@pytest.mark.parametrize("life", [1, 60, 300])
def test_a_jti_is_kept_for_the_assertions_whole_life_and_the_skew(life, now):
    issued = int(now.timestamp())
    claims = {"iss": "a", "sub": "a", "aud": "b", "jti": "x", "iat": issued, "exp": issued + life}
    jti, until = check_assertion(claims, client="a", issuer="b", now=now)
    assert (jti, until.timestamp()) == ("x", issued + life + 60)


def test_a_jti_goes_when_it_is_over(database, sweep, exists, now):
    over, living = ((str(new_id()), secrets.token_hex(8)) for _ in range(2))
    with database.transaction() as session:
        for (subject, jti), ends in ((over, now), (living, now + timedelta(seconds=1))):
            session.add(UsedJti(subject=subject, jti=jti, expires_at=ends))
    sweep(now)
    assert (exists(UsedJti, over), exists(UsedJti, living)) == (False, True)


def test_a_locked_account_stays_locked_after_a_sweep(database, sweep, now):
    subject = secrets.token_hex(8)
    for _ in range(STAFF_PASSWORD.tries):
        with database.transaction() as session:
            attempts.count(session, STAFF_PASSWORD, subject, now)
    sweep(now + STAFF_PASSWORD.window - timedelta(seconds=1))
    with pytest.raises(TooMany), database.transaction() as session:
        attempts.count(session, STAFF_PASSWORD, subject, now + STAFF_PASSWORD.window - timedelta(seconds=1))


def test_tries_go_when_their_window_is_over(database, sweep, exists, now):
    over, living = secrets.token_bytes(32), secrets.token_bytes(32)
    with database.transaction() as session:
        for subject, until in ((over, now), (living, now + timedelta(seconds=1))):
            session.add(Attempt(subject=subject, count=1, until=until))
    sweep(now)
    assert (exists(Attempt, over), exists(Attempt, living)) == (False, True)


def test_a_live_one_time_password_is_good_after_a_sweep(accounts, database, sweep, exists, now):
    phone = random_phone()
    with database.transaction() as session:
        sent = service.request_otp(accounts, session, phone=phone, now=now)
    late = now + rules.OTP_LIFE - timedelta(seconds=1)
    sweep(late)
    tokens = service.sign_in_by_otp(
        accounts, database, phone=phone, challenge=str(sent.challenge), otp=sent.otp, now=late
    )
    assert tokens.access
    with database.transaction() as session:
        unused = service.request_otp(accounts, session, phone=random_phone(), now=now)
    # a challenge of the same message may live a minute longer
    sweep(now + rules.OTP_LIFE + rules.OTP_RETRY_AFTER)
    assert not exists(OtpChallenge, uuid.UUID(str(unused.challenge)))
