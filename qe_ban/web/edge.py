"""The outermost layer of every app: request ids, the headers of every answer, the access line, the counters.

WSGI and not Flask's hooks: it runs on every request, and here it costs no context and no proxy.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import format_datetime
from time import perf_counter
from typing import TYPE_CHECKING, Any

from qe_ban.kernel.clock import Clock
from qe_ban.web import logs
from qe_ban.web.draining import is_draining
from qe_ban.web.metrics import METHODS, Recorder
from qe_ban.web.requests import BODY, CALLER, REQUEST_ID, new_request_id

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_CLIENT_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_NO_ROUTE = "unmatched"


def http_1(environ: "WSGIEnvironment") -> bool:
    """Return whether a connection serves one request after the other: only there can one be closed after an answer."""
    return str(environ.get("SERVER_PROTOCOL", "HTTP/1.1")).startswith("HTTP/1")


class Edge:
    """Wraps a Flask app's `wsgi_app`."""

    def __init__(self, inner: "WSGIApplication", clock: Clock, recorder: Recorder) -> None:
        self._inner, self._clock, self._recorder = inner, clock, recorder
        self._second: tuple[int, str, str] = (-1, "", "")

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Serve one request."""
        began = perf_counter()
        client_id = environ.get("HTTP_X_REQUEST_ID", "")
        environ[REQUEST_ID] = client_id if _CLIENT_ID.fullmatch(client_id) else new_request_id()

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            moment = self._clock()
            # not before: a resident's call gets an id of ours when the guard knows who calls
            request_id = environ[REQUEST_ID]
            date, stamp = self._format(moment)
            names = {name.lower() for name, _ in headers}
            headers += (("X-Request-Id", request_id), ("X-Content-Type-Options", "nosniff"))
            if "date" not in names:
                headers.append(("Date", date))
            if "cache-control" not in names:
                headers.append(("Cache-Control", "no-store"))
            unread = BODY not in environ and environ.get("CONTENT_LENGTH", "0") not in ("", "0")
            # unread: refused before its body was read, and what is left of it would be taken for the next request
            if (unread or is_draining()) and http_1(environ):
                headers.append(("Connection", "close"))
            self._note(environ, status[:3], request_id, f"{stamp}.{moment.microsecond // 1000:03d}Z", began)
            return start_response(status, headers, exc_info) if exc_info else start_response(status, headers)

        return self._inner(environ, start)

    def _note(self, environ: "WSGIEnvironment", status: str, request_id: str, stamp: str, began: float) -> None:
        request = environ.get("werkzeug.request")
        # what was refused before it was routed has none
        rule = getattr(request, "url_rule", None)
        route = rule.rule if rule is not None else _NO_ROUTE
        method = environ["REQUEST_METHOD"]
        if method not in METHODS:
            method = "other"
        seconds = perf_counter() - began
        self._recorder.record(method, route, status, seconds)
        logs.access(stamp, request_id, method, route, status, seconds * 1000, environ.get(CALLER, "-"))

    def _format(self, moment: datetime) -> tuple[str, str]:
        """Format the moment for the Date header (RFC 9110, 5.6.7) and for the log, once a second."""
        second = int(moment.timestamp())
        if self._second[0] != second:
            utc = moment.astimezone(UTC)
            self._second = (second, format_datetime(utc, usegmt=True), utc.strftime("%Y-%m-%dT%H:%M:%S"))
        entry = self._second
        return entry[1], entry[2]
