"""Makes issued codes, the profile for phones that are online (QE1 section 4)."""

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec

from qe_ban.codes.token import base45, sign1
from qe_ban.codes.token.parsing import (
    CTI,
    CTI_BYTES,
    EXP,
    IAT,
    ISSUED_NUMBER,
    LONGEST_ISSUED,
    PREFIX,
    QE,
    SCANNER,
    SCANNER_BYTES,
)
from qe_ban.kernel.city import CodeKind


def issue(
    signing_key: ec.EllipticCurvePrivateKey,
    *,
    kid: bytes,
    kind: CodeKind,
    cti: bytes,
    issued_at: int,
    expires_at: int,
    scanner: bytes | None = None,
) -> str:
    """Return the text of an issued code, 184 characters; 199 with the 4 bytes of the `scanner` that it is meant for.

    `kid` has 4 bytes, `cti` is a sealed reference of 16, times are seconds since 1970 and at most 300 s apart. Raises
    ValueError for what no reader would accept.
    """
    if not isinstance(signing_key.curve, ec.SECP256R1) or len(kid) != sign1.KID_BYTES or len(cti) != CTI_BYTES:
        raise ValueError("an issued code takes a P-256 key, a kid of 4 bytes and a cti of 16")
    if not 0 <= issued_at <= expires_at < 1 << 40 or expires_at - issued_at > LONGEST_ISSUED:
        raise ValueError("an issued code lives from 0 to 300 seconds")
    if scanner is not None and len(scanner) != SCANNER_BYTES:
        raise ValueError("a scanner is named by 4 bytes")
    claims: dict[int, object] = {EXP: expires_at, IAT: issued_at, CTI: cti, QE: [ISSUED_NUMBER, kind.value]}
    if scanner is not None:
        claims[SCANNER] = scanner
    return PREFIX + base45.encode(sign1.seal(cbor2.dumps(claims), kid, signing_key))
