"""JWTs that clients sign with keys of their own: read strictly, bounded, and never by what their header proposes."""

import base64
import binascii
import json
import re
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

ALGORITHM = "ES256"
LONGEST = 4096
DEEPEST = 16

_COMPACT = re.compile(r"([A-Za-z0-9_-]{2,1366})\.([A-Za-z0-9_-]{2,4000})\.[A-Za-z0-9_-]{86}")
_jws = jwt.PyJWS(algorithms=[ALGORITHM])


class ForeignTokenBroken(ValueError):
    """Not a JWT by the key that it should be by; the message is one English word for logs."""


def claimed_subject(token: str) -> str | None:
    """Give the `sub` that a JWT claims, to find the key that must prove it. Raises ForeignTokenBroken."""
    subject = _parts(token)[1].get("sub")
    return subject if isinstance(subject, str) else None


def verified_claims(token: str, key: ec.EllipticCurvePublicKey) -> dict[str, Any]:
    """Give the claims of a JWT (RFC 7519) that `key` signed with ES256; nothing in them is judged.

    The header may carry anything else (`kid`, `jku`, `jwk`): it is ignored. Raises ForeignTokenBroken.
    """
    header, claims = _parts(token)
    if header.get("alg") != ALGORITHM or "crit" in header or "b64" in header:
        raise ForeignTokenBroken("algorithm")
    try:
        _jws.decode(token, key, algorithms=[ALGORITHM])
    except jwt.InvalidTokenError as error:
        raise ForeignTokenBroken("signature") from error
    return claims


def _parts(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    match = _COMPACT.fullmatch(token) if len(token) <= LONGEST else None
    if match is None:
        raise ForeignTokenBroken("form")
    return _object(match[1]), _object(match[2])


def _object(segment: str) -> dict[str, Any]:
    """Read a JSON object whose nesting is bounded before the parser sees it."""
    try:
        data = base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
        if data.count(b"[") + data.count(b"{") > DEEPEST:
            raise ForeignTokenBroken("nesting")
        value = json.loads(data.decode(), parse_constant=_refuse, object_pairs_hook=_once)
    except (binascii.Error, ValueError) as error:
        raise ForeignTokenBroken("json") from error
    if not isinstance(value, dict):
        raise ForeignTokenBroken("json")
    return value


def _refuse(constant: str) -> object:
    raise ForeignTokenBroken(constant)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ForeignTokenBroken("duplicate")
    return value
