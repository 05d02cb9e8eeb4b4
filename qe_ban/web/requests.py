"""What the edge knows of the request in hand: its id, where it comes from, the bytes of its body."""

import ipaddress
import random
from collections.abc import Mapping
from typing import Any, Final

from flask import request

from qe_ban.config import Settings
from qe_ban.web.parts import part

# Kept in the WSGI environment, not on flask.g: the edge reads them after Flask's contexts are gone.
REQUEST_ID: Final = "qe.request_id"
PRINCIPAL: Final = "qe.principal"
CALLER: Final = "qe.caller"
BODY: Final = "qe.body"
OAUTH: Final = "qe.oauth"
QUERY: Final = "qe.query"

UNKNOWN = "unknown"


def new_request_id() -> str:
    """Return a new id for a request."""
    # names a request and protects nothing: no reason to ask the system for randomness each time
    return f"{random.getrandbits(96):024x}"


def request_id() -> str:
    """Return the id of this request, as answered in X-Request-Id and written in the log."""
    return str(request.environ.get(REQUEST_ID, UNKNOWN))


def body() -> bytes:
    """Return the bytes of the body that the view's arguments were read from; empty where it takes none."""
    data: bytes = request.environ.get(BODY, b"")
    return data


def query() -> Mapping[str, Any]:
    """Return the parameters as the view's schema loaded them; none where it reads no query string."""
    parameters: Mapping[str, Any] = request.environ.get(QUERY, {})
    return parameters


def address() -> str:
    """Return the client's address: the peer's, or behind n trusted proxies the n-th forwarded one from the right.

    What stands further left in X-Forwarded-For was written by whoever, and is never looked at. `unknown` where the
    server names no peer.
    """
    peer = _normal(request.environ.get("REMOTE_ADDR", "")) or UNKNOWN
    proxies = part(Settings).proxies
    if not proxies:
        return peer
    hops = [entry.strip() for entry in request.environ.get("HTTP_X_FORWARDED_FOR", "").split(",")]
    return _normal(hops[-min(proxies, len(hops))]) or peer


def network() -> str:
    """Return what limits by address count: an IPv4 address, or an IPv6 client's /64, of which one client has all."""
    text = address()
    if ":" not in text:
        return text
    return str(ipaddress.ip_network((text, 64), strict=False))


def _normal(text: str) -> str | None:
    try:
        value = ipaddress.ip_address(_without_port(text))
    except ValueError:
        return None
    if isinstance(value, ipaddress.IPv6Address):
        # A scope id means nothing outside its own machine and would make as many subjects as one likes.
        value = ipaddress.IPv6Address(int(value))
        return str(value.ipv4_mapped or value)
    return str(value)


def _without_port(text: str) -> str:
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0] if text.count(":") == 1 else text
