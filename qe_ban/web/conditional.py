"""Conditional requests (RFC 9110, 13): 304 for who has it already, and writes that say what they believe to be there.

So of two editors at once exactly one wins. The tag of a thing that is edited has two parts, `state.payload`: reads
compare all of it, writes only the state: it changes when the thing itself does, and not when a neighbour does of which
the answer also tells.
"""

import base64
import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Protocol

from flask import Response, request
from werkzeug.datastructures import ETags
from werkzeug.http import parse_etags

from qe_ban.web import wire
from qe_ban.web.refusals import PreconditionFailed, PreconditionRequired

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_WEIGHT: Final = re.compile(r"q\s*=\s*(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)", re.ASCII)

Payload = bytes | dict[str, Any] | list[Any]
PUBLIC: Final = "public, max-age=0, stale-while-revalidate=1, stale-if-error=86400"
"""For what is published: a change is to be seen everywhere within seconds, so a cache asks again, with the tag."""


class Representation(Protocol):
    """Bytes with their strong tag, without quotes."""

    @property
    def data(self) -> bytes:
        """Return the bytes."""

    @property
    def tag(self) -> str:
        """Return what changes whenever a byte does."""


class PreparedAnswer(Protocol):
    """An answer made before anybody asked, plain and, where that pays, under gzip."""

    @property
    def plain(self) -> Representation:
        """Return it as it is."""

    @property
    def gzip_body(self) -> Representation | None:
        """Return it under gzip, None where that does not pay."""

    @property
    def age(self) -> int | None:
        """Return the seconds since it was known to be right, where that cannot be said now."""


def respond(
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
    if_none_match = request.headers.get("If-None-Match")
    if (
        if_none_match is not None
        and request.method in ("GET", "HEAD")
        and parse_etags(if_none_match).contains_weak(tag)
    ):
        return Response(b"", 304, headers)
    return Response(data if version is None else _bytes(payload), 200, headers, content_type=content_type)


def respond_prepared(answer: PreparedAnswer) -> Response:
    """Answer what stands prepared, in the encoding that the client prefers, or 304 where it has just this.

    One tag for each encoding, and `Vary`; what may be out of date is marked (RFC 9211; RFC 9111, 5.1).
    """
    environ = request.environ
    representation, gzip_body = answer.plain, answer.gzip_body
    headers = [("Cache-Control", PUBLIC), ("Vary", "Accept-Encoding")]
    takes_gzip = gzip_body is not None and accepts_gzip(environ.get("HTTP_ACCEPT_ENCODING", ""))
    if gzip_body is not None and takes_gzip:
        representation = gzip_body
    etag = f'"{representation.tag}"'
    headers.append(("ETag", etag))
    if answer.age is not None:
        headers += _stale(answer.age)
    if_none_match = environ.get("HTTP_IF_NONE_MATCH")
    # the plain comparison first: reading the header as a list costs more than all else here
    if if_none_match is not None and (
        if_none_match == etag or parse_etags(if_none_match).contains_weak(representation.tag)
    ):
        return _Ready(None, 304, headers)
    headers.append(("Content-Type", wire.JSON))
    if takes_gzip:
        headers.append(("Content-Encoding", "gzip"))
    return _Ready(representation.data, 200, headers)


def respond_published(payload: Payload, age: int | None) -> Response:
    """Answer what is put together of a published page for this request; `age` is as of `mark_stale`."""
    return mark_stale(respond(payload, cache_control=PUBLIC), age)


def mark_stale(answer: Response, age: int | None) -> Response:
    """Mark an answer that was last known to be right `age` seconds ago (RFC 9211; RFC 9111, 5.1); None: it is right."""
    if age is not None:
        answer.headers.extend(_stale(age))
    return answer


def _stale(age: int) -> tuple[tuple[str, str], ...]:
    return ("Cache-Status", "qe-ban; hit; detail=stale"), ("Age", str(age))


class _Ready(Response):
    """An answer of which nothing is left to be found out: Werkzeug goes through all headers of any other once more."""

    default_mimetype = None

    def get_wsgi_response(self, environ: "WSGIEnvironment") -> tuple[Iterable[bytes], str, list[tuple[str, str]]]:
        """Return the body, without one for HEAD, the status and the headers."""
        body: Iterable[bytes] = () if environ["REQUEST_METHOD"] == "HEAD" else self.iter_encoded()
        return body, self.status, self.headers.to_wsgi_list()


@lru_cache(maxsize=256)
def accepts_gzip(accept_encoding: str) -> bool:
    """Return whether a client likes gzip at least as much as the plain bytes (RFC 9110, 12.5.3).

    Who says nothing may be anybody, so gets the plain bytes; what cannot be read is passed over.
    """
    weights: dict[str, float] = {}
    for part in accept_encoding.lower().split(","):
        coding, _, parameter = (piece.strip() for piece in part.partition(";"))
        weight = _WEIGHT.fullmatch(parameter)
        if coding and (weight or not parameter):
            weights["gzip" if coding == "x-gzip" else coding] = float(weight[1]) if weight else 1.0
    others = weights.get("*", 0.0)
    weight_of_gzip = weights.get("gzip", others)
    return weight_of_gzip > 0 and weight_of_gzip >= weights.get("identity", others)


def respond_written(payload: dict[str, Any], state: str, status: int = 200, **more: Any) -> Response:
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


def read_precondition() -> Precondition:
    """Return what the request says in If-Match and `If-None-Match: *`. Raises PreconditionRequired for neither."""
    match, absent = request.headers.get("If-Match"), request.headers.get("If-None-Match", "").strip() == "*"
    if match is None and not absent:
        raise PreconditionRequired
    return Precondition(None if match is None else parse_etags(match), absent)


def precondition_failed(state: str | None) -> PreconditionFailed:
    """Return the refusal of a write to what was changed since it was looked at, with the current ETag."""
    return PreconditionFailed(headers=_current(state))


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
    content = version.encode() if isinstance(version, str) else version
    digest = hashlib.sha256(content_type.encode() + b"\0" + content).digest()
    tag = base64.urlsafe_b64encode(digest[:18]).decode()
    return f"{state}.{tag}" if state is not None else tag
