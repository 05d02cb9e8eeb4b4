"""Wraps secrets under the master key, and makes and reads signing keys. AES-256-GCM (NIST SP 800-38D)."""

import base64
import hashlib
import json
import secrets
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from qe_ban.message import Message

NONCE = 12


class MasterKeyWrong(ValueError):
    """The master key that was given is not the one under which the keys were wrapped."""


def wrap(master: bytes, kid: str, ring: str, secret: bytes) -> bytes:
    """Wrap a secret, bound to its kid and ring; return nonce and ciphertext."""
    nonce = secrets.token_bytes(NONCE)
    return nonce + AESGCM(master).encrypt(nonce, secret, f"{ring}/{kid}".encode())


def unwrap(master: bytes, kid: str, ring: str, ciphertext: bytes) -> bytes:
    """Return the secret that was wrapped. Raises MasterKeyWrong when the master key, kid or ring is another."""
    try:
        return AESGCM(master).decrypt(ciphertext[:NONCE], ciphertext[NONCE:], f"{ring}/{kid}".encode())
    except InvalidTag as error:
        raise MasterKeyWrong(Message("the master key does not open the keys in the database")) from error


def private_bytes(key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return a private key as PKCS #8 in DER."""
    return key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def private_key(der: bytes) -> ec.EllipticCurvePrivateKey:
    """Read a P-256 private key from PKCS #8 in DER."""
    key = serialization.load_der_private_key(der, password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError("a signing key must be an elliptic curve key")
    return key


def public_jwk(key: ec.EllipticCurvePublicKey, kid: str) -> dict[str, Any]:
    """Return the public half as a JWK (RFC 7517) for ES256."""
    numbers = key.public_numbers()
    return {
        "kty": "EC",
        "crv": "P-256",
        "alg": "ES256",
        "use": "sig",
        "kid": kid,
        "x": b64url(numbers.x.to_bytes(32, "big")),
        "y": b64url(numbers.y.to_bytes(32, "big")),
    }


def public_key(jwk: dict[str, Any]) -> ec.EllipticCurvePublicKey:
    """Read the public half of a P-256 JWK. Raises ValueError when it is not one or is off the curve."""
    if jwk.get("kty") != "EC" or jwk.get("crv") != "P-256":
        raise ValueError("not a P-256 key")
    x, y = (_coordinate(jwk.get(name)) for name in ("x", "y"))
    return ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()


def thumbprint(jwk: dict[str, Any]) -> bytes:
    """Return the SHA-256 thumbprint of a P-256 JWK (RFC 7638), 32 bytes."""
    members = {name: jwk[name] for name in ("crv", "kty", "x", "y")}
    return hashlib.sha256(json.dumps(members, separators=(",", ":"), sort_keys=True).encode()).digest()


def b64url(data: bytes) -> str:
    """Encode as base64url without padding (RFC 7515, 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _coordinate(value: object) -> int:
    if not isinstance(value, str) or len(value) != 43:
        raise ValueError("a coordinate must be 32 bytes in base64url")
    data = base64.b64decode(value + "=", altchars=b"-_", validate=True)
    if b64url(data) != value:
        raise ValueError("a coordinate must be 32 bytes in base64url")
    return int.from_bytes(data, "big")
