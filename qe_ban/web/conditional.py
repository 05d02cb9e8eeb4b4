"""Conditional reads (RFC 9110, 13): a strong ETag on what clients poll, and 304 for who has it already."""

import base64
import hashlib
from collections.abc import Callable
from typing import Any

from flask import Response, request
from werkzeug.http import parse_etags

from qe_ban.web import wire

Payload = bytes | dict[str, Any] | list[Any]


def etagged(
    payload: Payload | Callable[[], Payload],
    version: str | bytes | None = None,
    *,
    content_type: str = wire.JSON,
    cache_control: str = "private, no-cache",
) -> Response:
    """Answer a payload with its ETag, or 304 without a body where If-None-Match names it.

    `payload` is JSON data or bytes of `content_type`; or a function giving it, which is not called for a 304 when
    `version` (anything that changes whenever the payload does) is given. Without `version` the payload is hashed.
    """
    data = _bytes(payload) if version is None else b""
    tag = _tag(content_type, data if version is None else version)
    headers = {"ETag": f'"{tag}"', "Cache-Control": cache_control}
    asked = request.headers.get("If-None-Match")
    if asked is not None and request.method in ("GET", "HEAD") and parse_etags(asked).contains_weak(tag):
        return Response(b"", 304, headers)
    return Response(data if version is None else _bytes(payload), 200, headers, content_type=content_type)


def _bytes(payload: Payload | Callable[[], Payload]) -> bytes:
    value = payload() if callable(payload) else payload
    return value if isinstance(value, bytes) else wire.dumps(value)


def _tag(content_type: str, version: str | bytes) -> str:
    said = version.encode() if isinstance(version, str) else version
    digest = hashlib.sha256(content_type.encode() + b"\0" + said).digest()
    return base64.urlsafe_b64encode(digest[:18]).decode()
