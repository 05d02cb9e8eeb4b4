"""Access tokens: JWTs of type `at+jwt` (RFC 9068), ES256, whose header has exactly one form for each of our keys."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

from qe_ban.kernel.ids import parse_id
from qe_ban.kernel.principal import Place, PrincipalKind

ALGORITHM = "ES256"
TYPE = "at+jwt"
LONGEST = 4096

_jws = jwt.PyJWS(algorithms=[ALGORITHM])


class TokenBroken(ValueError):
    """Not an access token of ours; the message is one English word for logs."""


@dataclass(frozen=True, slots=True)
class AccessToken:
    """What an access token says. Times are seconds since 1970; `session` is the refresh family."""

    kind: PrincipalKind
    subject: UUID
    session: UUID
    jti: UUID
    scopes: frozenset[str]
    issued_at: int
    expires_at: int
    stepped_up_at: int | None = None
    roles: frozenset[str] = frozenset()
    place: Place = field(default_factory=Place)


def write(token: AccessToken, *, issuer: str, kid: bytes, key: ec.EllipticCurvePrivateKey) -> str:
    """Sign an access token with the key of a kid (4 bytes)."""
    claims: dict[str, Any] = {
        "iss": issuer,
        "aud": issuer,
        "sub": str(token.subject),
        "client_id": str(token.subject) if token.kind is PrincipalKind.SCANNER else token.kind.value,
        "iat": token.issued_at,
        "exp": token.expires_at,
        "jti": str(token.jti),
        "kind": token.kind.value,
        "scope": " ".join(sorted(token.scopes)),
        "sid": str(token.session),
    }
    if token.stepped_up_at is not None:
        claims["sua"] = token.stepped_up_at
    if token.roles:
        claims["roles"] = sorted(token.roles)
    place = {name: value for name, value in asdict(token.place).items() if value}
    if place:
        claims["place"] = place
    payload = json.dumps(claims, separators=(",", ":")).encode()
    return _jws.encode(payload, key, ALGORITHM, headers={"kid": kid.hex(), "typ": TYPE})


def expected_header(kid: bytes) -> str:
    """Give the first segment of every token that the key of this kid signs."""
    header = {"alg": ALGORITHM, "kid": kid.hex(), "typ": TYPE}
    return jwt.utils.base64url_encode(json.dumps(header, separators=(",", ":"), sort_keys=True).encode()).decode()


def read(token: str, *, issuer: str, keys: Mapping[str, ec.EllipticCurvePublicKey]) -> AccessToken:
    """Check form, signature, issuer and audience of an access token, not its times; `keys` by `expected_header`.

    A header that is not letter for letter one that we write is refused unread: other algorithms, types, embedded keys
    and unknown kids never come as far as a parser. Raises TokenBroken.
    """
    header, _, rest = token.partition(".")
    key = keys.get(header)
    if key is None or len(token) > LONGEST or rest.count(".") != 1 or not token.isascii():
        raise TokenBroken("header")
    try:
        claims = json.loads(_jws.decode(token, key, algorithms=[ALGORITHM]))
    except (jwt.InvalidTokenError, ValueError) as error:
        raise TokenBroken("signature") from error
    if not isinstance(claims, dict) or claims.get("iss") != issuer or claims.get("aud") != issuer:
        raise TokenBroken("issuer")
    return _token(claims)


def _token(claims: dict[str, Any]) -> AccessToken:
    try:
        kind = PrincipalKind(claims["kind"])
    except (KeyError, ValueError) as error:
        raise TokenBroken("kind") from error
    place = claims.get("place", {})
    if not isinstance(place, dict) or not set(place) <= {"district", "hall", "zone", "department"}:
        raise TokenBroken("place")
    return AccessToken(
        kind=kind,
        subject=_id(claims, "sub"),
        session=_id(claims, "sid"),
        jti=_id(claims, "jti"),
        scopes=frozenset(_text(claims, "scope").split()),
        issued_at=_seconds(claims, "iat"),
        expires_at=_seconds(claims, "exp"),
        stepped_up_at=_seconds(claims, "sua") if "sua" in claims else None,
        roles=_roles(claims),
        place=Place(**{name: _text(place, name) for name in place}),
    )


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str):
        raise TokenBroken(name)
    return value


def _id(claims: Mapping[str, Any], name: str) -> UUID:
    value = parse_id(_text(claims, name))
    if value is None:
        raise TokenBroken(name)
    return value


def _seconds(claims: Mapping[str, Any], name: str) -> int:
    value = claims.get(name)
    if type(value) is not int or not 0 < value < 1 << 40:
        raise TokenBroken(name)
    return value


def _roles(claims: Mapping[str, Any]) -> frozenset[str]:
    roles = claims.get("roles", [])
    if not isinstance(roles, list) or not all(isinstance(role, str) for role in roles):
        raise TokenBroken("roles")
    return frozenset(roles)
