"""Clients with keys of their own: nonces, the proof that they hold a key, assertions, revocation."""

import base64
import binascii
import hmac
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from qe_ban.accounts import errors, rules
from qe_ban.accounts import token as jwts
from qe_ban.accounts.models import Client, UsedJti
from qe_ban.accounts.service import families, tokens
from qe_ban.accounts.service.collaborators import Accounts
from qe_ban.accounts.service.tokens import Tokens
from qe_ban.kernel.ids import new_id, parse_id
from qe_ban.kernel.principal import PrincipalKind
from qe_ban.keys import wrapping
from qe_ban.keys.models import Ring

NONCE_RANDOM, NONCE_MAC = 16, 16


def nonce(accounts: Accounts, now: datetime) -> str:
    """Give a nonce of five minutes. It carries its own end and our seal, so that asking for one stores nothing."""
    body = int((now + rules.NONCE_LIFE).timestamp()).to_bytes(5, "big") + secrets.token_bytes(NONCE_RANDOM)
    return wrapping.b64url(body + accounts.rings.mac(Ring.DERIVE, "nonce", body)[:NONCE_MAC])


def check_proof(accounts: Accounts, session: Session, *, jwk: Mapping[str, Any], proof: str, now: datetime) -> None:
    """Check that the caller holds the private half of a P-256 JWK: an ES256 JWT by that key over one of our nonces.

    Its `aud` is exactly the issuer; the nonce is used up with the caller's transaction. Raises ProofInvalid.
    """
    try:
        claims = jwts.verified_claims(proof, _key(jwk))
    except jwts.ForeignTokenBroken as error:
        raise errors.ProofInvalid(fields={"proof": "签名或格式不正确"}) from error
    if not rules.names_only(claims.get("aud"), accounts.issuer):
        raise errors.ProofInvalid(fields={"proof": f"aud 须恰为 {accounts.issuer}"})
    nonce_text = claims.get("nonce")
    ends = _end_of_nonce(accounts, nonce_text) if isinstance(nonce_text, str) else None
    if ends is None or ends <= now or not _use(session, "nonce", str(nonce_text), ends + timedelta(minutes=1)):
        raise errors.ProofInvalid(fields={"proof": "随机数无效、已过期或已使用，请重新获取"})


def register_client(session: Session, *, jwk: Mapping[str, Any], now: datetime, kind: str = "scanner") -> UUID:
    """Keep a client's public key; gives the client's id. Raises ProofInvalid for a bad key, ClientExists."""
    _key(jwk)
    public = {name: jwk[name] for name in ("kty", "crv", "x", "y")}
    client_id = new_id()
    row = {
        "id": client_id,
        "kind": kind,
        "jwk": public,
        "thumbprint": wrapping.thumbprint(public),
        "created_at": now,
    }
    statement = insert(Client).values(row).on_conflict_do_nothing(index_elements=["thumbprint"]).returning(Client.id)
    if session.scalar(statement) is None:
        raise errors.ClientExists
    return client_id


def revoke_client(session: Session, client_id: UUID, now: datetime) -> None:
    """Refuse a client's assertions and tokens from now on; a repeat changes nothing. Raises ClientNotFound."""
    if session.get(Client, client_id) is None:
        raise errors.ClientNotFound
    session.execute(update(Client).where(Client.id == client_id, Client.revoked_at.is_(None)).values(revoked_at=now))
    families.refuse(session, client_id, now)


def sign_in_client(
    accounts: Accounts, session: Session, *, assertion: str, now: datetime, named: str | None = None
) -> Tokens:
    """Sign a scanner in by an assertion (RFC 7523): the key is the one enrolled for `sub`, whatever the header says.

    `named` is the `client_id` beside the assertion, where there is one: it must be the assertion's client (RFC 7521,
    4.2). Raises AssertionRefused, AssertionClock, AssertionReplayed.
    """
    try:
        client_id = parse_id(jwts.claimed_subject(assertion) or "")
        client = session.get(Client, client_id) if client_id else None
        if client is None:
            raise errors.AssertionRefused
        claims = jwts.verified_claims(assertion, wrapping.public_key(client.jwk))
    except jwts.ForeignTokenBroken as error:
        raise errors.AssertionRefused from error
    if client.revoked_at is not None:
        raise errors.AssertionRefused("设备身份验证失败：该设备已停用")
    if named is not None and named != str(client.id):
        raise errors.AssertionRefused("设备身份验证失败：client_id 与断言中的设备编号不一致")
    jti, remembered_until = rules.check_assertion(claims, client=str(client.id), issuer=accounts.issuer, now=now)
    if not _use(session, str(client.id), jti, remembered_until):
        raise errors.AssertionReplayed
    return tokens.access(
        accounts,
        kind=PrincipalKind.SCANNER,
        subject=client.id,
        session=client.id,
        scopes=rules.SCANNER,
        now=now,
    )


def _key(jwk: Mapping[str, Any]) -> ec.EllipticCurvePublicKey:
    try:
        return wrapping.public_key(dict(jwk))
    except ValueError as error:
        raise errors.ProofInvalid(fields={"jwk": "须为 P-256 公钥"}) from error


def _use(session: Session, subject: str, jti: str, remembered_until: datetime) -> bool:
    """Use up an id; tells whether it was unused. Two at the same instant: the row's key decides."""
    row = {"subject": subject, "jti": jti, "expires_at": remembered_until}
    used = insert(UsedJti).values(row).on_conflict_do_nothing().returning(UsedJti.jti)
    return session.scalar(used) is not None


def _end_of_nonce(accounts: Accounts, text: str) -> datetime | None:
    """Give when a nonce of ours ends, or None for one that is not ours."""
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    body, seal = data[:-NONCE_MAC], data[-NONCE_MAC:]
    valid_macs = [mac[:NONCE_MAC] for mac in accounts.rings.macs(Ring.DERIVE, "nonce", body)]
    if not any(hmac.compare_digest(seal, mac) for mac in valid_macs) or wrapping.b64url(data) != text:
        return None
    return datetime.fromtimestamp(int.from_bytes(body[:5], "big"), UTC)
