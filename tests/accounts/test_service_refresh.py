import base64
import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import select

from qe_ban.accounts import errors, service
from qe_ban.accounts.models import RefreshFamily, RefreshToken, Revocation
from qe_ban.accounts.service import Tokens
from qe_ban.kernel.clock import system_clock
from tests.factories.accounts import StaffFactory, random_phone, together
from tests.factories.endings import end as end_rows

DAYS = timedelta(days=2)


@pytest.fixture
def refresh(accounts, database, now):
    def do(text, at=now):
        with database.transaction() as session:
            return service.refresh(accounts, session, text=text, now=at)

    return do


@pytest.fixture
def signed_in(sign_in, now):
    return sign_in(random_phone(), now)


def ended(database, principal):
    with database.transaction() as session:
        return session.get_one(RefreshFamily, principal.session).ended_at is not None


def test_a_refresh_token_rotates_within_the_same_family(signed_in, refresh, accounts, now):
    tokens, principal = signed_in
    renewed = refresh(tokens.refresh)
    assert renewed.refresh != tokens.refresh
    assert service.principal_from(accounts, renewed.access, now).session == principal.session
    assert isinstance(refresh(renewed.refresh), Tokens)


def test_a_lost_answer_gives_the_same_successor_however_late(signed_in, refresh, now):
    tokens, _ = signed_in
    first = refresh(tokens.refresh)
    for late in (timedelta(seconds=33), DAYS):
        assert refresh(tokens.refresh, now + late).refresh == first.refresh
    assert isinstance(refresh(first.refresh, now + DAYS), Tokens)


def test_the_token_before_the_last_ends_the_family_although_a_successor_is_unused(signed_in, refresh, now, database):
    """Whoever comes with it did not lose an answer: its successor was used."""
    tokens, principal = signed_in
    last = refresh(refresh(tokens.refresh).refresh)
    assert isinstance(refresh(tokens.refresh, now + DAYS), errors.RefreshReused)
    assert ended(database, principal)
    assert isinstance(refresh(last.refresh), errors.RefreshRefused)


def test_a_lost_answer_and_the_use_of_its_successor_at_one_instant_end_nothing_or_the_family(
    signed_in, refresh, database
):
    tokens, principal = signed_in
    successor = refresh(tokens.refresh)
    again, _ = together(2, lambda n: refresh((tokens, successor)[n].refresh))
    came_late = isinstance(again, errors.RefreshReused)
    assert came_late == ended(database, principal)
    assert came_late or again.refresh == successor.refresh


def test_a_second_use_once_the_successor_was_used_ends_the_family(signed_in, refresh, database):
    tokens, principal = signed_in
    successor = refresh(tokens.refresh)
    refresh(successor.refresh)
    assert isinstance(refresh(tokens.refresh), errors.RefreshReused)
    assert ended(database, principal)


def test_an_ended_familys_access_tokens_are_refused(signed_in, refresh, accounts, now):
    tokens, _ = signed_in
    access = refresh(refresh(tokens.refresh).refresh).access
    refresh(tokens.refresh)
    accounts.revocations.refresh()
    for token in (tokens.access, access):
        with pytest.raises(errors.TokenInvalid):
            service.principal_from(accounts, token, now)


def test_parallel_refreshes_give_the_same_successor(signed_in, refresh, database):
    tokens, principal = signed_in
    outcomes = together(6, lambda _: refresh(tokens.refresh))
    assert len({outcome.refresh for outcome in outcomes}) == 1
    assert not ended(database, principal)
    with database.transaction() as session:
        rows = session.scalars(select(RefreshToken).where(RefreshToken.family_id == principal.session)).all()
    assert len(rows) == 2


def test_parallel_reuse_and_rotation_leave_the_family_ended_once(signed_in, refresh, database):
    tokens, principal = signed_in
    successor = refresh(tokens.refresh)
    refresh(successor.refresh)
    outcomes = together(4, lambda _: refresh(tokens.refresh))
    assert sum(isinstance(outcome, errors.RefreshReused) for outcome in outcomes) == 1
    assert all(isinstance(outcome, errors.RefreshRefused) for outcome in outcomes)
    assert ended(database, principal)


def test_only_the_hash_is_stored(signed_in, database):
    tokens, principal = signed_in
    token = base64.urlsafe_b64decode(tokens.refresh + "=")
    with database.transaction() as session:
        row = session.scalars(select(RefreshToken).where(RefreshToken.family_id == principal.session)).one()
    assert row.token_hash == hashlib.sha256(token).digest()
    assert token != row.token_hash


def test_a_residents_sign_in_ends_after_thirty_days_whatever_is_refreshed(signed_in, refresh, now):
    tokens, _ = signed_in
    late = refresh(tokens.refresh, now + timedelta(days=2))
    assert isinstance(refresh(late.refresh, now + timedelta(days=30)), errors.RefreshRefused)


def test_a_staff_sign_in_ends_after_twelve_hours(accounts, database, rings, refresh, now):
    staff = StaffFactory()
    staff.create(database, rings, now)
    with database.transaction() as session:
        attempt = service.begin_sign_in(session, username=staff.username, now=now)
        tokens = service.finish_sign_in(
            accounts, session, attempt=attempt, password_fits=True, totp=staff.code(now), now=now
        )
    renewed = refresh(tokens.refresh, now + timedelta(hours=11))
    assert "residents.look_up" in renewed.scopes
    assert isinstance(refresh(renewed.refresh, now + timedelta(hours=12)), errors.RefreshRefused)


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "A" * 43,
        "A" * 42 + "B",
        "=" * 43,
        "é" * 43,
        "'; DROP TABLE refresh_tokens; --",
        "Iq_4VasKnpbfe-8K3InaGS-l52AtfoFgfCd-wxfvVgk",
        "Iq_4VasKnpbfe-8K3InaGS-l52AtfoFgfCd-wxfvVgk" * 2,
    ],
)
def test_a_token_that_was_never_given_is_refused(accounts, database, now, text):
    with database.transaction() as session:
        try:
            outcome = service.refresh(accounts, session, text=text, now=now)
        except errors.RefreshRefused as refused:
            outcome = refused
    assert type(outcome) is errors.RefreshRefused


def test_revoking_a_refresh_token_ends_its_sign_in(signed_in, accounts, database, refresh, now):
    tokens, principal = signed_in
    with database.transaction() as session:
        service.revoke(accounts, session, text=tokens.refresh, now=now)
    assert ended(database, principal)
    assert isinstance(refresh(tokens.refresh), errors.RefreshRefused)


def test_revoking_an_access_token_ends_its_sign_in_even_when_it_is_over(signed_in, accounts, database, now):
    tokens, principal = signed_in
    with database.transaction() as session:
        service.revoke(accounts, session, text=tokens.access, now=now + timedelta(hours=1))
    assert ended(database, principal)


@pytest.mark.parametrize("text", ["x", "a.b.c", "A" * 43, "eyJhbGciOiJub25lIn0.e30.", "'; --"])
def test_revoking_what_is_none_of_ours_changes_nothing(accounts, database, now, text):
    with database.transaction() as session:
        service.revoke(accounts, session, text=text, now=now)
        assert not session.new
        assert not session.dirty


def test_a_revocation_reaches_another_process_within_seconds(signed_in, accounts, database, now):
    tokens, _ = signed_in
    elsewhere = replace(accounts, revocations=service.poll_revocations(database, system_clock))
    service.principal_from(elsewhere, tokens.access, now)
    with database.transaction() as session:
        service.revoke(accounts, session, text=tokens.refresh, now=now)
    elsewhere.revocations.refresh()
    with pytest.raises(errors.TokenInvalid):
        service.principal_from(elsewhere, tokens.access, now)


def test_a_revocation_is_forgotten_when_no_token_can_live_any_more(signed_in, accounts, database, now):
    tokens, principal = signed_in
    with database.transaction() as session:
        service.revoke(accounts, session, text=tokens.refresh, now=now)
        assert session.get_one(Revocation, principal.session).expires_at > now + timedelta(minutes=10)


def test_sweeping_forgets_what_is_over_and_keeps_what_lives(sign_in, database, accounts, now):
    _, over = sign_in(random_phone(), now)
    _, living = sign_in(random_phone(), now)
    with database.transaction() as session:
        session.get_one(RefreshFamily, over.session).expires_at = now
    with database.transaction() as session:
        end_rows(session, service.ENDINGS, now)
    with database.transaction() as session:
        assert session.get(RefreshFamily, over.session) is None
        assert session.get(RefreshFamily, living.session) is not None
