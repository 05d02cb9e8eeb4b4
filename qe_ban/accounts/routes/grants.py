"""The four grants of the token endpoint, each with its limits first and its transactions around the use cases."""

from collections.abc import Callable, Mapping
from typing import Any

from qe_ban.accounts import errors, service
from qe_ban.accounts.routes.outcomes import settled
from qe_ban.accounts.schemas.grants import JWT_BEARER
from qe_ban.accounts.service import Accounts, Tokens
from qe_ban.db.engine import Database
from qe_ban.web import requests
from qe_ban.web.parts import now, part


def grant(body: Mapping[str, str]) -> Tokens:
    """Sign in as the body's `grant_type` says. Raises GrantUnsupported, GrantRequestInvalid, and the grants' own."""
    entry = GRANTS.get(body["grant_type"])
    if entry is None:
        raise errors.GrantUnsupported(fields={"grant_type": "不在可选范围内"})
    fields, sign_in = entry
    missing = {name: "此项必填" for name in fields if name not in body}
    if missing:
        raise errors.GrantRequestInvalid(fields=missing)
    return sign_in(body)


def _otp(body: Mapping[str, str]) -> Tokens:
    accounts, network = part(Accounts), requests.network()
    service.limit_tries(accounts, address=network)
    outcome = service.sign_in_by_otp(
        accounts,
        part(Database),
        phone=body["phone"],
        challenge=body["challenge"],
        otp=body["otp"],
        now=now(),
        network=network,
    )
    return settled(outcome)


def _password(body: Mapping[str, str]) -> Tokens:
    accounts, database, username = part(Accounts), part(Database), body["username"]
    service.limit_sign_in(accounts, username=username, address=requests.network())
    with accounts.passwords.turn():
        with database.transaction() as session:
            attempt = service.begin_sign_in(session, username=username, now=now())
        fits = accounts.passwords.fits(body["password"], attempt.password_hash)
        with database.transaction() as session:
            outcome = service.finish_sign_in(
                accounts, session, attempt=attempt, password_fits=fits, totp=body["totp"], now=now()
            )
    return settled(outcome)


def _assertion(body: Mapping[str, str]) -> Tokens:
    if body["client_assertion_type"] != JWT_BEARER:
        raise errors.GrantRequestInvalid(fields={"client_assertion_type": f"须为 {JWT_BEARER}"})
    # a parameter without a value is one that was left out (RFC 6749, 3.2)
    client_id = body.get("client_id") or None
    with part(Database).transaction() as session:
        return service.sign_in_client(
            part(Accounts), session, assertion=body["client_assertion"], now=now(), named=client_id
        )


def _refresh(body: Mapping[str, str]) -> Tokens:
    accounts = part(Accounts)
    with part(Database).transaction() as session:
        outcome = service.refresh(accounts, session, text=body["refresh_token"], now=now())
    if isinstance(outcome, errors.RefreshReused):
        accounts.revocations.refresh()
    return settled(outcome)


GRANTS: Mapping[str, tuple[tuple[str, ...], Callable[[Mapping[str, Any]], Tokens]]] = {
    "otp": (("phone", "challenge", "otp"), _otp),
    "password": (("username", "password", "totp"), _password),
    "client_credentials": (("client_assertion_type", "client_assertion"), _assertion),
    "refresh_token": (("refresh_token",), _refresh),
}
