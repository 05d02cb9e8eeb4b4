"""Conditional requests (RFC 9110, 13): 304 for who has it already, and writes that say what they believe to be there.

So of two editors at once exactly one wins. The tag of a thing that is edited has two parts, `state.payload`: reads
compare all of it, writes only the state: it changes when the thing itself does, and not when a neighbour does of which
the answer also tells.
"""

import base64
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Response, request
from werkzeug.datastructures import ETags
from werkzeug.http import parse_etags

from qe_ban.web import wire
from qe_ban.web.refusals import PreconditionFailed, PreconditionRequired

Payload = bytes | dict[str, Any] | list[Any]


def etagged(
    payload: Payload | Callable[[], Payload],
    version: str | bytes | None = None,
    *,
    content_type: str = wire.JSON,
    cache_control: str = "private, no-cache",
    state: str | None = None,
) -> Response:
    """Answer a payload with its ETag, or 304 without a body where If-None-Match names it.

    `payload` is JSON data or bytes of `content_type`; or a function giving it, which is not called for a 304 when
    `version` (anything that changes whenever the payload does) is given. Without `version` the payload is hashed.
    `state` is what `required` compares; it has no dot.
    """
    data = _bytes(payload) if version is None else b""
    tag = _tag(content_type, data if version is None else version, state)
    headers = {"ETag": f'"{tag}"', "Cache-Control": cache_control}
    asked = request.headers.get("If-None-Match")
    if asked is not None and request.method in ("GET", "HEAD") and parse_etags(asked).contains_weak(tag):
        return Response(b"", 304, headers)
    return Response(data if version is None else _bytes(payload), 200, headers, content_type=content_type)


def written(payload: dict[str, Any], state: str, status: int = 200, **more: Any) -> Response:
    """Answer a write with what there is now, and the ETag that a read of just this gives; `more` is said beside it."""
    tag = _tag(wire.JSON, wire.dumps(payload), state)
    headers = {"ETag": f'"{tag}"', "Cache-Control": "no-store"}
    return Response(wire.dumps(payload | more), status, headers, content_type=wire.JSON)


@dataclass(frozen=True, slots=True)
class Precondition:
    """What a write believes to be there. Call it with the state of the locked thing, None where there is none.

    `match`: one of these; `absent`: nothing. Weak tags never match (RFC 9110, 13.1.1).
    """

    match: ETags | None
    absent: bool

    def __call__(self, state: str | None) -> None:
        """Raise PreconditionFailed, with the current ETag, unless it is so."""
        if self.match is not None and not _names(self.match, state):
            raise PreconditionFailed(headers=_current(state))
        if self.absent and state is not None:
            raise PreconditionFailed("已存在，不能重复新建；修改请带 If-Match", headers=_current(state))


def required() -> Precondition:
    """Give what the request says in If-Match and `If-None-Match: *`. Raises PreconditionRequired for neither."""
    match, absent = request.headers.get("If-Match"), request.headers.get("If-None-Match", "").strip() == "*"
    if match is None and not absent:
        raise PreconditionRequired
    return Precondition(None if match is None else parse_etags(match), absent)


def _names(tags: ETags, state: str | None) -> bool:
    if state is None:
        return False
    # an empty tag comes out of Werkzeug as None
    return tags.star_tag or any(tag.partition(".")[0] == state for tag in tags.as_set() if tag)


def _current(state: str | None) -> dict[str, str]:
    return {"ETag": f'"{state}"'} if state is not None else {}


def _bytes(payload: Payload | Callable[[], Payload]) -> bytes:
    value = payload() if callable(payload) else payload
    return value if isinstance(value, bytes) else wire.dumps(value)


def _tag(content_type: str, version: str | bytes, state: str | None) -> str:
    said = version.encode() if isinstance(version, str) else version
    digest = hashlib.sha256(content_type.encode() + b"\0" + said).digest()
    tag = base64.urlsafe_b64encode(digest[:18]).decode()
    return f"{state}.{tag}" if state is not None else tag
