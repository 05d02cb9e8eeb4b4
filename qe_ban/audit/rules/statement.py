"""What a seal states, and how it is signed: a JWS with ES256 (RFC 7515; RFC 7518, 3.4), linked to the one before."""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from qe_ban.audit.rules.merkle import HASH, canonical

NONE_BEFORE: Final = bytes(HASH)
TYPE: Final = "qe-audit-seal"
ERASURE: Final = "qe-audit-erasure"
ID: Final = 8
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ES256 = ec.ECDSA(hashes.SHA256())


@dataclass(frozen=True, slots=True)
class Statement:
    """What a seal says. `at` is seconds since 1970 as text with six decimals, `ids` the SHA-256 of the rows' ids.

    `top` is the greatest id taken so far; `more` says that there were more rows than this seal took.
    """

    n: int
    at: str
    leaves: int
    top: int
    more: bool
    root: bytes
    previous: bytes
    ids: bytes

    def signing_input(self, kid: str) -> str:
        """Return header and payload of the JWS, each in base64url."""
        return signing_input(
            kid,
            TYPE,
            {
                "n": str(self.n),
                "at": self.at,
                "leaves": str(self.leaves),
                "top": str(self.top),
                "more": "yes" if self.more else "no",
                "root": self.root.hex(),
                "previous": self.previous.hex(),
                "ids": self.ids.hex(),
            },
        )

    def sign(self, kid: str, key: ec.EllipticCurvePrivateKey) -> bytes:
        """Return the signature, 64 bytes."""
        return signature_of(self.signing_input(kid), key)

    def is_signed(self, kid: str, key: ec.EllipticCurvePublicKey, signature: bytes) -> bool:
        """Return whether the signature is the key's."""
        return holds(signature, self.signing_input(kid), key)

    def jws(self, kid: str, signature: bytes) -> str:
        """Return the JWS in its compact form."""
        return f"{self.signing_input(kid)}.{_b64url(signature)}"

    def head(self, kid: str, signature: bytes) -> bytes:
        """Return what the next seal names: the SHA-256 of the JWS. It stands for everything up to here."""
        return hashlib.sha256(self.jws(kid, signature).encode()).digest()


@dataclass(frozen=True, slots=True)
class Erasure:
    """What retention says of itself: up to which seal it has erased, and when."""

    through: int
    at: str

    def signing_input(self, kid: str) -> str:
        """Return header and payload of the JWS, each in base64url."""
        return signing_input(kid, ERASURE, {"through": str(self.through), "at": self.at})


def signing_input(kid: str, kind: str, payload: Mapping[str, str | None]) -> str:
    """Return header and payload of a JWS, each in base64url."""
    header = canonical({"alg": "ES256", "kid": kid, "typ": kind})
    return f"{_b64url(header)}.{_b64url(canonical(payload))}"


def signature_of(text: str, key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return the signature of a JWS's input, 64 bytes."""
    r, s = decode_dss_signature(key.sign(text.encode(), _ES256))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def holds(signature: bytes, text: str, key: ec.EllipticCurvePublicKey) -> bool:
    """Return whether the signature is the key's."""
    if len(signature) != 64:
        return False
    pair = encode_dss_signature(int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))
    try:
        key.verify(pair, text.encode(), _ES256)
    except InvalidSignature:
        return False
    return True


def epoch_text(moment: datetime) -> str:
    """Spell a moment as PostgreSQL spells `extract(epoch FROM ...)`: seconds with six decimals."""
    seconds, micros = divmod((moment - _EPOCH) // timedelta(microseconds=1), 1_000_000)
    return f"{seconds}.{micros:06d}"


def digest(ids: bytes) -> bytes:
    """Return the SHA-256 of a seal's ids."""
    return hashlib.sha256(ids).digest()


def pack_ids(ids: list[int]) -> bytes:
    """Return ids one after the other, 8 bytes each."""
    return b"".join(number.to_bytes(ID, "big", signed=True) for number in ids)


def unpack_ids(ids: bytes) -> list[int]:
    """Return the ids of packed bytes, without an incomplete one at the end."""
    return [int.from_bytes(ids[i : i + ID], "big", signed=True) for i in range(0, len(ids) - ID + 1, ID)]


def _b64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
