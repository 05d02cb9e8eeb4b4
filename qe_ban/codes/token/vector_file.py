"""Reads a file of QE1 vectors: the issuer's keys, the policy, and codes with the verdicts that are wanted."""

import base64
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec

from qe_ban.codes.token.claims import Profile, Reason
from qe_ban.codes.token.verification import Keys, Policy, VerificationKey
from qe_ban.kernel.city import CodeKind
from qe_ban.message import Message

_KIND_NAMES = {kind.slug for kind in CodeKind}
_PROFILE_NAMES = {Profile.ISSUED, Profile.PRINTED, Profile.PRESENTED}
_VERDICTS = {reason.value for reason in Reason} | {"ok", "same"}


class VectorsInvalid(ValueError):
    """The file is not one of QE1 vectors; the message, one line, says where."""


@dataclass(frozen=True, slots=True)
class Vector:
    """One vector: `code` at the clock `at` (seconds) gives `want`; of an accepted code also kind and profile.

    For `same`, `twin` is another text of the same code.
    """

    name: str
    code: str
    at: int
    want: str
    kind: str | None
    profile: str | None
    twin: str | None


@dataclass(frozen=True, slots=True)
class VectorFile:
    """The keys and the policy of a file, and its vectors."""

    keys: Keys
    policy: Policy
    vectors: tuple[Vector, ...]


def read(document: object) -> VectorFile:
    """Return the vectors of a JSON value; raises VectorsInvalid."""
    root = _object(document, "file")
    if root.get("format") != "QE1":
        raise VectorsInvalid(Message("file: format is not QE1"))
    denied_kids = set()
    for place, item in _items(root, "denied_kids"):
        denied_kids.add(_kid(item, place))
    keys: dict[bytes, VerificationKey] = {}
    for place, item in _items(root, "keys"):
        key = _key(_object(item, place), place, denied_kids)
        if key.kid in keys:
            raise VectorsInvalid(Message("{place}: kid {hex} occurs twice", place=place, hex=key.kid.hex()))
        keys[key.kid] = key
    policy = Policy(
        skew=_whole(root.get("skew"), "skew"), presented_window=_whole(root.get("presented_window"), "presented_window")
    )
    vectors = tuple(_vector(_object(item, place), place) for place, item in _items(root, "vectors"))
    if not keys or not vectors:
        raise VectorsInvalid(Message("file: no keys or no vectors"))
    return VectorFile(keys, policy, vectors)


def _key(jwk: dict[str, object], place: str, denied_kids: set[bytes]) -> VerificationKey:
    if jwk.get("kty") != "EC" or jwk.get("crv") != "P-256":
        raise VectorsInvalid(Message("{place}: not an EC key on P-256", place=place))
    names = (_text(name, where) for where, name in _items(jwk, "profiles", f"{place}."))
    profiles = frozenset(names) if "profiles" in jwk else None
    x, y = (_coordinate(jwk.get(member), f"{place}.{member}") for member in ("x", "y"))
    try:
        public_key = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    except ValueError:
        raise VectorsInvalid(Message("{place}: not a point of the curve", place=place)) from None
    kid = _kid(jwk.get("kid"), f"{place}.kid")
    not_before, expires = (_whole(jwk.get(member), f"{place}.{member}") for member in ("nbf", "exp"))
    return VerificationKey(kid, public_key, profiles, not_before, expires, is_denied=kid in denied_kids)


def _vector(item: dict[str, object], place: str) -> Vector:
    want = _text(item.get("want"), f"{place}.want")
    if want not in _VERDICTS:
        raise VectorsInvalid(Message("{place}.want: no word of steps 1 to 6: {line}", place=place, line=line(want)))
    accepted = want in ("ok", "same")
    vector = Vector(
        name=_text(item.get("name"), f"{place}.name"),
        code=_text(item.get("code"), f"{place}.code"),
        at=_whole(item.get("at"), f"{place}.at"),
        want=want,
        kind=_text(item.get("kind"), f"{place}.kind") if accepted else None,
        profile=_text(item.get("profile"), f"{place}.profile") if accepted else None,
        twin=_text(item.get("twin"), f"{place}.twin") if want == "same" else None,
    )
    if accepted and (vector.kind not in _KIND_NAMES or vector.profile not in _PROFILE_NAMES):
        raise VectorsInvalid(Message("{place}: an unknown kind or profile", place=place))
    return vector


def _object(value: object, place: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise VectorsInvalid(Message("{place}: not an object", place=place))
    return value


def _items(parent: dict[str, object], member: str, prefix: str = "") -> list[tuple[str, object]]:
    """Return the items of an array with the place of each; an absent one is empty."""
    value = parent.get(member, [])
    if not isinstance(value, list):
        raise VectorsInvalid(Message("{prefix}{member}: not an array", prefix=prefix, member=member))
    return [(f"{prefix}{member}[{number}]", item) for number, item in enumerate(value)]


def _text(value: object, place: str) -> str:
    if not isinstance(value, str):
        raise VectorsInvalid(Message("{place}: not a string", place=place))
    return value


def _whole(value: object, place: str) -> int:
    if type(value) is not int or value < 0:
        raise VectorsInvalid(Message("{place}: not a whole number from 0 on", place=place))
    return value


def _kid(value: object, place: str) -> bytes:
    text = _text(value, place)
    try:
        kid = bytes.fromhex(text)
    except ValueError:
        kid = b""
    if len(kid) != 4 or kid.hex() != text:
        raise VectorsInvalid(Message("{place}: not 4 bytes in lower-case hex", place=place))
    return kid


def _coordinate(value: object, place: str) -> int:
    text = _text(value, place)
    try:
        data = base64.b64decode(text + "=", altchars=b"-_", validate=True)
    except ValueError:
        data = b""
    if len(data) != 32:
        raise VectorsInvalid(Message("{place}: not 32 bytes in base64url", place=place))
    return int.from_bytes(data, "big")


def line(text: str) -> str:
    """Return the text fit for one line of a terminal."""
    return "".join(character if character.isprintable() else "?" for character in text[:80])
