"""The field for a client's public key: a JSON Web Key (RFC 7517) on P-256, never with its private part."""

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from marshmallow import fields as base

from qe_ban.web.schema import messages

_COORDINATE = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_REQUIRED_MEMBERS = frozenset({"kty", "crv", "x", "y"})
# What key makers add. Nothing of it is kept, but it must not contradict what a client's key is for.
_KNOWN_MEMBERS = _REQUIRED_MEMBERS | {"kid", "use", "alg", "key_ops", "ext"}
# "sign" is what an exported key pair still says of its public half; without "verify" a key is for something else.
_OPERATIONS = frozenset({"sign", "verify"})
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})


class PublicJwk(base.Dict):
    """A P-256 public key as `{"kty", "crv", "x", "y"}`; its point lies on the curve."""

    default_error_messages = messages(
        invalid="须为 JWK 公钥对象",
        private="不得提交私钥",
        members="公钥含有未知的成员",
        key="须为 P-256 椭圆曲线公钥（ES256）",
        purpose="须为签名用公钥：use 为 sig，key_ops 含 verify 且不含其他用途",
    )

    def __init__(self, **options: Any) -> None:
        coordinate = {"type": "string", "pattern": f"^{_COORDINATE.pattern}$"}
        description = {
            "properties": {
                "kty": {"type": "string", "enum": ["EC"]},
                "crv": {"type": "string", "enum": ["P-256"]},
                "x": coordinate,
                "y": coordinate,
                "kid": {"type": "string"},
                "use": {"type": "string", "enum": ["sig"]},
                "alg": {"type": "string", "enum": ["ES256"]},
                "key_ops": {"type": "array", "items": {"type": "string", "enum": sorted(_OPERATIONS)}},
                "ext": {"type": "boolean"},
            },
            "additionalProperties": False,
            "description": "A public key on P-256 (RFC 7517); private members are refused.",
            "required": sorted(_REQUIRED_MEMBERS),
        }
        super().__init__(**(options | {"metadata": description | dict(options.get("metadata") or {})}))

    def _deserialize(self, value: Any, *_place: Any, **_options: Any) -> dict[str, str]:
        if not isinstance(value, dict):
            raise self.make_error("invalid")
        refusal = _refusal(value)
        if refusal is not None:
            raise self.make_error(refusal)
        x, y = self._coordinate(value.get("x")), self._coordinate(value.get("y"))
        try:
            ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
        except ValueError:
            raise self.make_error("key") from None
        return {"kty": "EC", "crv": "P-256", "x": value["x"], "y": value["y"]}

    def _coordinate(self, text: object) -> int:
        if not isinstance(text, str) or not _COORDINATE.fullmatch(text):
            raise self.make_error("key")
        try:
            raw = base64.b64decode(text + "=", b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise self.make_error("key") from None
        # The last character has spare bits: only one spelling of a key is taken.
        if base64.urlsafe_b64encode(raw).rstrip(b"=").decode() != text:
            raise self.make_error("key")
        return int.from_bytes(raw)


def _refusal(value: Mapping[str, Any]) -> str | None:
    """Return the name of the message for what is wrong with a key, as far as that shows without its point."""
    if not _PRIVATE.isdisjoint(value):
        return "private"
    if not _KNOWN_MEMBERS.issuperset(value):
        return "members"
    if (value.get("kty"), value.get("crv"), value.get("alg", "ES256")) != ("EC", "P-256", "ES256"):
        return "key"
    if value.get("use", "sig") != "sig" or not _is_for_verifying(value.get("key_ops", ["verify"])):
        return "purpose"
    if not isinstance(value.get("kid", ""), str) or not isinstance(value.get("ext", True), bool):
        return "members"
    return None


def _is_for_verifying(operations: object) -> bool:
    """Return whether `key_ops` (RFC 7517, 4.3: strings, none twice) are those of a key for signatures."""
    if not isinstance(operations, list) or not all(isinstance(name, str) for name in operations):
        return False
    return "verify" in operations and _OPERATIONS.issuperset(operations) and len(set(operations)) == len(operations)
