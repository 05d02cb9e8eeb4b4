import json
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from qe_ban.accounts import errors, rules, service
from qe_ban.accounts.models import OtpChallenge, RefreshFamily, Resident
from qe_ban.accounts.service import Tokens, sign_ins
from qe_ban.db import valkey
from qe_ban.db.limits import Limiter
from qe_ban.jobs.models import OutboxMessage
from qe_ban.jobs.service import COLUMN
from qe_ban.kernel.clock import system_clock
from qe_ban.kernel.errors import TooMany
from qe_ban.keys import vault
from tests.factories.accounts import random_address, random_phone, together
from tests.factories.digests import plain_digest


@pytest.fixture
def phone():
    return random_phone()


@pytest.fixture
def ask(accounts, database, now):
    def do(phone, accounts=accounts, at=now, network="home"):
        with database.transaction() as session:
            return service.request_otp(accounts, session, phone=phone, now=at, network=network)

    return do


@pytest.fixture
def redeem(accounts, database, now):
    def do(phone, sent, otp=None, at=now, challenge=None, network="home"):
        return service.sign_in_by_otp(
            accounts,
            database,
            phone=phone,
            challenge=challenge or str(sent.challenge),
            otp=otp or sent.otp,
            now=at,
            network=network,
        )

    return do


def other(otp, by=1):
    return f"{(int(otp) + by) % 1_000_000:06d}"


def test_the_right_password_signs_a_visitor_in(ask, redeem, phone, accounts, now):
    tokens = redeem(phone, ask(phone))
    principal = service.principal_from(accounts, tokens.access, now)
    assert (principal.kind, principal.stepped_up_at) == ("resident", None)
    assert principal.scopes == {"me.read", "me.real_name", "me.recovery", "auth.step_up"}
    assert tokens.refresh is not None
    assert tokens.expires_in == 600


def test_the_same_phone_is_the_same_account_and_each_sign_in_another_family(sign_in, phone, now):
    (first, one), (second, two) = sign_in(phone, now), sign_in(phone, now)
    assert one.id == two.id
    assert one.session != two.session
    assert first.refresh != second.refresh


def test_a_password_counts_once(ask, redeem, phone):
    sent = ask(phone)
    assert isinstance(redeem(phone, sent), Tokens)
    assert isinstance(redeem(phone, sent), errors.OtpRefused)


def test_two_redemptions_at_once_give_one_sign_in(ask, redeem, phone):
    sent = ask(phone)
    outcomes = together(6, lambda _: redeem(phone, sent))
    assert sum(isinstance(outcome, Tokens) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, errors.OtpRefused) for outcome in outcomes) == 5


def test_two_first_sign_ins_at_once_make_one_account(ask, redeem, phone, accounts, now):
    sent = [ask(phone, at=now + number * rules.OTP_RETRY_AFTER) for number in range(4)]
    outcomes = together(4, lambda number: redeem(phone, sent[number]))
    assert len({service.principal_from(accounts, tokens.access, now).id for tokens in outcomes}) == 1


def test_the_fifth_wrong_try_ends_the_challenge_and_not_the_account(ask, redeem, phone):
    sent = ask(phone)
    for wrong in range(1, 6):
        assert isinstance(redeem(phone, sent, otp=other(sent.otp, wrong)), errors.OtpRefused)
    assert isinstance(redeem(phone, sent), errors.OtpRefused)
    assert isinstance(redeem(phone, ask(phone)), Tokens)


def test_four_wrong_tries_leave_the_challenge_usable(ask, redeem, phone):
    sent = ask(phone)
    for wrong in range(1, 5):
        redeem(phone, sent, otp=other(sent.otp, wrong))
    assert isinstance(redeem(phone, sent), Tokens)


def test_guessing_in_parallel_gets_no_more_than_five_tries(ask, redeem, phone, database):
    sent = ask(phone)
    together(12, lambda number: redeem(phone, sent, otp=other(sent.otp, number + 1)))
    with database.transaction() as session:
        assert session.get_one(OtpChallenge, sent.challenge).tries == 5


def test_another_phone_does_not_redeem_and_counts_as_a_try(ask, redeem, phone, database):
    sent = ask(phone)
    assert isinstance(redeem(random_phone(), sent), errors.OtpRefused)
    with database.transaction() as session:
        assert session.get_one(OtpChallenge, sent.challenge).tries == 1


def test_a_password_ends_after_five_minutes(ask, redeem, phone, now):
    sent = ask(phone)
    assert isinstance(redeem(phone, sent, at=now + timedelta(minutes=5)), errors.OtpRefused)
    assert isinstance(redeem(phone, sent, at=now + timedelta(minutes=5) - timedelta(seconds=1)), Tokens)


@pytest.mark.parametrize("challenge", ["", "x", "' OR 1=1 --", "00000000-0000-0000-0000-000000000000", "{challenge}"])
def test_a_challenge_that_was_never_given_is_refused_like_a_wrong_password(redeem, phone, ask, challenge):
    outcome = redeem(phone, ask(phone), challenge=challenge or "-")
    assert isinstance(outcome, errors.OtpRefused)
    assert outcome.message == errors.OtpRefused.detail


def test_nothing_readable_of_phone_or_password_is_stored(ask, redeem, phone, database, rings, accounts, now):
    sent = ask(phone)
    tokens = redeem(phone, sent)
    with database.transaction() as session:
        challenge = session.get_one(OtpChallenge, sent.challenge)
        assert sent.otp.encode() not in challenge.code_mac
        resident = session.get_one(Resident, service.principal_from(accounts, tokens.access, now).id)
        assert phone.encode() not in resident.phone_sealed + resident.phone_index
        assert vault.unseal(rings, "residents.phone", resident.id, resident.phone_sealed) == phone


def test_in_production_the_password_leaves_by_the_outbox_only(ask, accounts, phone, database, rings, now):
    sent = ask(phone, accounts=replace(accounts, sandbox=False))
    assert sent.otp is None
    with database.transaction() as session:
        messages = session.scalars(select(OutboxMessage).where(OutboxMessage.topic == "sms")).all()
        payloads = [json.loads(vault.unseal(rings, COLUMN, message.id, message.payload)) for message in messages]
    mine = next(payload for payload in payloads if payload["phone"] == phone)
    assert mine["template"] == "otp"
    assert len(mine["code"]) == 6
    assert mine["minutes"] == "5"


def test_the_sandbox_sends_nothing(ask, phone, database, rings):
    ask(phone)
    with database.transaction() as session:
        messages = session.scalars(select(OutboxMessage).where(OutboxMessage.topic == "sms")).all()
        assert not any(phone in vault.unseal(rings, COLUMN, message.id, message.payload) for message in messages)


def test_a_network_asks_five_times_in_ten_minutes_for_a_phone_and_uses_up_no_others(accounts, phone):
    address = random_address() + "-of-its-own"
    for _ in range(5):
        service.limit_otp(accounts, phone=phone, address=address)
    with pytest.raises(TooMany) as refused:
        service.limit_otp(accounts, phone=phone, address=address)
    assert 1 <= refused.value.retry_after <= 600
    service.limit_otp(accounts, phone=phone, address=random_address())


def test_an_address_is_limited_to_a_hundred_in_ten_minutes(accounts):
    address = random_address() + "-of-its-own"
    for _ in range(100):
        service.limit_otp(accounts, phone=random_phone(), address=address)
    with pytest.raises(TooMany):
        service.limit_otp(accounts, phone=random_phone(), address=address)


def test_with_valkey_away_the_limits_are_tighter_and_signing_in_goes_on(accounts, database, phone, sign_in, now):
    lonely = replace(
        accounts, limiter=Limiter(valkey.connect("redis://127.0.0.1:1/0"), database, system_clock, plain_digest)
    )
    address = random_address() + "-of-its-own"
    for _ in range(2):
        service.limit_otp(lonely, phone=phone, address=address)
    with pytest.raises(TooMany):
        service.limit_otp(lonely, phone=phone, address=address)
    tokens, _ = sign_in(phone, now, lonely)
    assert tokens.access


def test_the_first_family_lives_thirty_days(accounts, sign_in, phone, database, now):
    _, principal = sign_in(phone, now)
    with database.transaction() as session:
        family = session.get_one(RefreshFamily, principal.session)
        assert sign_ins.read(accounts.rings, family).expires_at == now + timedelta(days=30)
