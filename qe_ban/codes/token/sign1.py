"""The two COSE_Sign1 envelopes (RFC 9052 section 4.2) that QE1 section 2 knows: the issuer's and the phone's."""

from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from qe_ban.codes.token import cbor
from qe_ban.codes.token.claims import Reason, Refused

KID_BYTES = 4

# tag 18, an array of four, and the protected header: {1: -7, 4: kid} up to the kid, or {1: -7}
_ISSUER_START = bytes.fromhex("d28449a201260444")
_PHONE_START = bytes.fromhex("d28443a10126")
_EMPTY_HEADER = 0xA0  # the empty map
_SIGNATURE = bytes.fromhex("5840")  # 64 bytes follow
_ONE_BYTE_LENGTH = 0x58  # of a byte string (RFC 8949 section 3)
_TAIL = len(_SIGNATURE) + 64
_CONTEXT = bytes.fromhex("846a") + b"Signature1"  # Sig_structure, RFC 9052 section 4.4
_NO_EXTERNAL_DATA = bytes.fromhex("40")

_ES256 = ec.ECDSA(hashes.SHA256())
_ZERO = bytes(32)
_ORDER = bytes.fromhex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551")


class Envelope(NamedTuple):
    """A COSE_Sign1 taken apart: `kid` is None when a phone signed, `sig_structure` what is signed, `signature` r||s."""

    kid: bytes | None
    payload: bytes
    sig_structure: bytes
    signature: bytes


def split(data: bytes) -> Envelope:
    """Take a COSE_Sign1 apart; raises Refused(malformed).

    Only kid, payload and signature differ between codes. All else is compared byte for byte, never interpreted.
    """
    if data[:8] == _ISSUER_START:
        kid, header_end = data[8:12], 12
    elif data[:6] == _PHONE_START:
        kid, header_end = None, 6
    else:
        raise Refused(Reason.MALFORMED)
    payload_at, end = header_end + 1, len(data) - _TAIL
    if end <= payload_at or data[header_end] != _EMPTY_HEADER or data[end : end + 2] != _SIGNATURE:
        raise Refused(Reason.MALFORMED)
    start = payload_at + 2
    # the usual payload has 24 to 255 bytes, so a length of one byte; any other is for the general reader
    if data[payload_at] != _ONE_BYTE_LENGTH or not 24 <= data[start - 1] == end - start:
        start, stop = cbor.byte_string(data, payload_at)
        if stop != end:
            raise Refused(Reason.MALFORMED)
    sig_structure = _CONTEXT + data[2:header_end] + _NO_EXTERNAL_DATA + data[payload_at:end]
    return Envelope(kid, data[start:end], sig_structure, data[end + 2 :])


def holds(envelope: Envelope, public_key: ec.EllipticCurvePublicKey) -> bool:
    """Return whether the ES256 signature (RFC 9053 section 2.1) is by the key; both twins, s and n - s, are."""
    r, s = envelope.signature[:32], envelope.signature[32:]
    if not (_ZERO < r < _ORDER and _ZERO < s < _ORDER):
        return False
    content = _der_integer(r) + _der_integer(s)
    try:
        public_key.verify(b"\x30" + bytes((len(content),)) + content, envelope.sig_structure, _ES256)
    except InvalidSignature:
        return False
    return True


def seal(payload: bytes, kid: bytes, signing_key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return the issuer's COSE_Sign1 over `payload`, at most 255 bytes, under a kid of 4 bytes."""
    start, body = _ISSUER_START + kid, _byte_string(payload)
    r, s = decode_dss_signature(signing_key.sign(_CONTEXT + start[2:] + _NO_EXTERNAL_DATA + body, _ES256))
    signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    return start + bytes((_EMPTY_HEADER,)) + body + _SIGNATURE + signature


def _byte_string(value: bytes) -> bytes:
    length = len(value)
    return (bytes((0x40 | length,)) if length < 24 else bytes((0x58, length))) + value


def _der_integer(value: bytes) -> bytes:
    """Return the DER (X.690 section 8.3) of a positive number of 32 bytes, most of which begin with no zero."""
    if value[0] >= 0x80:
        return b"\x02\x21\x00" + value
    if value[0] > 0:
        return b"\x02\x20" + value
    value = value.lstrip(b"\0")
    if value[0] >= 0x80:
        value = b"\0" + value
    return b"\x02" + bytes((len(value),)) + value
