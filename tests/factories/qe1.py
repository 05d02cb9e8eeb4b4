"""Makes codes of all four profiles, good and bad, from the text of the format alone: cbor2, base45 and cryptography.

Shares no code with the product but the shape of a verifier's key.
"""

from dataclasses import dataclass, field

import base45
import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from qe_ban.codes import token

NOW = 1_790_980_000
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
CTI = bytes(range(16))
NUMBERS = {"issued": 1, "pass": 2, "printed": 3}


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def text(data: bytes) -> str:
    return "QE1:" + base45.b45encode(data).decode()


def data_of(code: str) -> bytes:
    return base45.b45decode(code[4:])


def raw(r: int, s: int) -> bytes:
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def sign1(protected_header: bytes, payload: bytes, key: ec.EllipticCurvePrivateKey) -> bytes:
    to_be_signed = cbor2.dumps(["Signature1", protected_header, b"", payload])
    signature = raw(*decode_dss_signature(key.sign(to_be_signed, ec.ECDSA(hashes.SHA256()))))
    return cbor2.dumps(cbor2.CBORTag(18, [protected_header, {}, payload, signature]))


def with_signature(code: str, signature: bytes) -> str:
    return text(data_of(code)[:-64] + signature)


def cose_key(key: ec.EllipticCurvePrivateKey) -> dict:
    point = key.public_key().public_numbers()
    return {1: 2, -1: 1, -2: point.x.to_bytes(32, "big"), -3: bool(point.y & 1)}


@dataclass(frozen=True)
class Issuer:
    """An issuer's key and what it signs."""

    kid: bytes = b"\x01\x02\x03\x04"
    private: ec.EllipticCurvePrivateKey = field(default_factory=new_key)

    def verification_key(self, **changes: object) -> token.VerificationKey:
        fields = {
            "kid": self.kid,
            "public_key": self.private.public_key(),
            "profiles": None,
            "not_before": 0,
            "expires": 1 << 40,
        }
        return token.VerificationKey(**(fields | changes))

    def keys(self, **changes: object) -> token.Keys:
        return {self.kid: self.verification_key(**changes)}

    def sign(self, claims: object) -> bytes:
        payload = claims if isinstance(claims, bytes) else cbor2.dumps(claims)
        return sign1(cbor2.dumps({1: -7, 4: self.kid}), payload, self.private)

    def code(self, claims: object) -> str:
        return text(self.sign(claims))

    def presented(self, phone: ec.EllipticCurvePrivateKey, claims: dict, shown_at: int = NOW, **more: object) -> str:
        showing = {6: shown_at, -70002: self.sign(claims | {8: {1: cose_key(phone)}})}
        if "challenge" in more:
            showing[-70003] = more["challenge"]
        return text(sign1(cbor2.dumps({1: -7}), cbor2.dumps(showing), phone))


def claims(profile: str = "issued", kind: int = 1, iat: int = NOW, life: int = 60, index: int = 99_999) -> dict:
    """The claims of a code or, but for cnf, of a pass."""
    qe = [NUMBERS[profile], kind] if profile == "issued" else [NUMBERS[profile], kind, index]
    return {4: iat + life, 6: iat, 7: CTI, -70001: qe}
