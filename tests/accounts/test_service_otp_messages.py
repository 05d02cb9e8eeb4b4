"""One message a minute to a phone, whoever asks: what a second asker gets, and what no stranger can use up."""

import hashlib
import json
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from qe_ban.accounts import errors, rules, service
from qe_ban.accounts.models import Attempt
from qe_ban.accounts.service import Tokens, attempts
from qe_ban.jobs.models import OutboxMessage
from qe_ban.jobs.service import COLUMN
from qe_ban.kernel.clock import start_of_day
from qe_ban.kernel.errors import TooMany
from qe_ban.keys import vault
from qe_ban.keys.models import Ring
from tests.factories.accounts import random_phone, together

HOME, AWAY = "203.0.113.7", "198.51.100.9"


@pytest.fixture
def phone():
    return random_phone()


@pytest.fixture
def ask(accounts, database, now):
    def do(phone, network=HOME, at=now, accounts=accounts):
        with database.transaction() as session:
            return service.request_otp(accounts, session, phone=phone, now=at, network=network)

    return do


@pytest.fixture
def redeem(accounts, database, now):
    def do(phone, sent, network=HOME, otp=None, at=now):
        challenge = str(sent.challenge)
        return service.sign_in_by_otp(
            accounts, database, phone=phone, challenge=challenge, otp=otp or sent.otp, now=at, network=network
        )

    return do


@pytest.fixture
def messages(database, rings):
    """The one-time passwords that left for a phone."""

    def of(phone):
        with database.transaction() as session:
            rows = session.scalars(select(OutboxMessage).where(OutboxMessage.topic == "sms")).all()
            payloads = [json.loads(vault.unseal(rings, COLUMN, row.id, row.payload)) for row in rows]
        return [payload["code"] for payload in payloads if payload["phone"] == phone]

    return of


def wrong(otp, by):
    return f"{(int(otp) + by) % 1_000_000:06d}"


def test_six_askers_at_one_instant_through_two_apps_cause_one_message(ask, accounts, phone, messages, now):
    apps = [replace(accounts, sandbox=False) for _ in range(2)]
    sent = together(6, lambda n: ask(phone, f"203.0.113.{n}", accounts=apps[n % 2]))
    assert len({one.challenge for one in sent}) == 6
    assert {(one.expires_in, one.retry_after, one.otp) for one in sent} == {(300, 60, None)}
    assert len(messages(phone)) == 1
    ask(phone, at=now + timedelta(seconds=59), accounts=apps[0])
    assert len(messages(phone)) == 1
    ask(phone, at=now + rules.OTP_RETRY_AFTER, accounts=apps[0])
    assert len(set(messages(phone))) == 2


def test_who_lost_the_first_answer_signs_in_with_the_message_that_came(ask, redeem, accounts, phone, messages, now):
    outside = replace(accounts, sandbox=False)
    ask(phone, accounts=outside)
    again = ask(phone, at=now + timedelta(seconds=40), accounts=outside)
    (otp,) = messages(phone)
    assert isinstance(redeem(phone, again, otp=otp, at=now + timedelta(seconds=339)), Tokens)


def test_the_first_askers_challenge_stays_usable_whoever_asks_after(ask, redeem, phone, now):
    mine = ask(phone)
    theirs = ask(phone, AWAY)
    for by in range(1, 6):
        assert isinstance(redeem(phone, theirs, AWAY, wrong(mine.otp, by)), errors.OtpRefused)
    ask(phone, AWAY, now + rules.OTP_RETRY_AFTER)
    assert isinstance(redeem(phone, mine, at=now + timedelta(seconds=299)), Tokens)


@pytest.mark.parametrize("first", [0, 1])
def test_a_used_password_opens_nothing_more_by_whichever_challenge_it_was_used(ask, redeem, phone, first):
    sent = [ask(phone), ask(phone), ask(phone, AWAY)]
    assert isinstance(redeem(phone, sent[first]), Tokens)
    for challenge, network in ((sent[0], HOME), (sent[1], HOME), (sent[2], AWAY)):
        assert isinstance(redeem(phone, challenge, network), errors.OtpRefused)


def test_a_second_device_signs_in_within_the_minute_by_a_message_of_its_own(ask, redeem, accounts, phone, messages):
    outside = replace(accounts, sandbox=False)
    assert isinstance(redeem(phone, ask(phone, accounts=outside), otp=messages(phone)[0]), Tokens)
    again = ask(phone, accounts=outside)
    ask(phone, AWAY, accounts=outside)
    first, second = messages(phone)
    assert first != second
    assert isinstance(redeem(phone, again, otp=first), errors.OtpRefused)
    assert isinstance(redeem(phone, again, otp=second), Tokens)


def test_redemptions_of_several_challenges_at_one_instant_let_one_in(ask, redeem, phone):
    sent = [ask(phone) for _ in range(6)]
    outcomes = together(6, lambda n: redeem(phone, sent[n]))
    assert sum(isinstance(outcome, Tokens) for outcome in outcomes) == 1


def test_strangers_have_twenty_tries_at_a_message_together(ask, redeem, phone):
    mine = ask(phone)
    for n in range(8):
        theirs = ask(phone, f"198.51.100.{n}")
        for by in range(1, 5):
            redeem(phone, theirs, f"198.51.100.{n}", wrong(mine.otp, 4 * n + by))
    late = ask(phone, AWAY)
    assert isinstance(redeem(phone, late, AWAY), errors.OtpRefused), "even with the right one"
    assert isinstance(redeem(phone, mine), Tokens)


def test_a_network_has_ten_wrong_tries_at_a_message_on_whatever_challenges(ask, redeem, phone):
    first = ask(phone, AWAY)
    for by in range(1, 11):
        redeem(phone, ask(phone), otp=wrong(first.otp, by))
    assert isinstance(redeem(phone, ask(phone)), errors.OtpRefused)


def test_a_network_that_the_phone_signed_in_from_is_apart_from_strangers(ask, redeem, phone, now):
    assert isinstance(redeem(phone, ask(phone)), Tokens)
    later = now + timedelta(minutes=20)
    theirs = [ask(phone, f"198.51.100.{n}", later) for n in range(6)]
    for n, one in enumerate(theirs[1:]):
        for by in range(1, 6):
            redeem(phone, one, f"198.51.100.{n + 1}", wrong(one.otp, by), later)
    assert isinstance(redeem(phone, ask(phone, HOME, later), HOME, at=later), Tokens)


def test_strangers_use_up_their_messages_of_the_day_and_not_the_owners(ask, redeem, phone, now):
    redeem(phone, ask(phone))
    minute = rules.OTP_RETRY_AFTER
    for n in range(1, 10):
        ask(phone, f"198.51.100.{n}", now + n * minute)
    with pytest.raises(TooMany) as refused:
        ask(phone, AWAY, now + 11 * minute)
    assert 80_000 < refused.value.retry_after <= 86_400
    assert "今日" in refused.value.message
    assert ask(phone, HOME, now + 11 * minute).otp
    assert ask(phone, AWAY, now + timedelta(days=1, minutes=2)).otp


def test_a_refused_message_leaves_the_minute_to_whoever_may_have_one(ask, accounts, phone, messages, now):
    few = replace(accounts, sandbox=False, otp_per_day=1)
    ask(phone, accounts=few)
    later = now + rules.OTP_RETRY_AFTER
    with pytest.raises(TooMany):
        ask(phone, at=later, accounts=few)
    ask(phone, at=later, accounts=replace(accounts, sandbox=False))
    assert len(messages(phone)) == 2


def test_every_message_has_a_password_of_its_own(ask, phone, now):
    otps = {ask(phone, at=now + n * rules.OTP_RETRY_AFTER).otp for n in range(8)}
    assert len(otps) > 6
    assert all(len(otp) == 6 and otp.isdigit() for otp in otps)


def test_what_is_kept_for_90_days_of_a_sign_in_says_its_day_and_no_moment(ask, redeem, accounts, database, phone, now):
    known = attempts.OTP_KNOWN
    for at in (now, now + timedelta(seconds=1)):
        assert isinstance(redeem(phone, ask(phone, at=at), at=at), Tokens)
    mac = accounts.rings.mac(Ring.DERIVE, "otp-network", f"{phone}\0{HOME}".encode())
    subject = hashlib.sha256(f"{known.name}\0{mac.hex()}".encode()).digest()
    with database.transaction() as session:
        assert (
            session.scalar(select(Attempt.until).where(Attempt.subject == subject)) == start_of_day(now) + known.window
        )
