"""The sandbox's second source: a process of its own that answers for one kind as `codes.adapters.http` describes."""

import hmac
import json
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

from qe_ban.config import sandbox_data
from qe_ban.kernel.clock import Clock, rfc3339
from qe_ban.kernel.identifiers import IdType

KIND = "medical"
LARGEST = 4096
UNKNOWN = {"state": "not_entitled", "reason": "not_insured", "detail": {}}

Person = tuple[str, str, str]
Records = Mapping[Person, Mapping[str, Any]]


def records() -> dict[Person, Mapping[str, Any]]:
    """Return the kind's records of the made-up people, by document (type and number) and name."""
    return {
        (row.get("id_type", IdType.RESIDENT_ID.value), row["id_number"], row["name"]): row["register"][KIND]
        for row in sandbox_data()["residents"]
        if KIND in row["register"]
    }


def server(port: int, token: str, by_person: Records, now: Clock) -> ThreadingHTTPServer:
    """Return a server on the loopback address; nothing is served before its `serve_forever`. Raises OSError."""

    class Handler(_Question):
        bearer = f"Bearer {token}".encode()
        people = by_person
        clock = staticmethod(now)

    return _Server(("127.0.0.1", port), Handler)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # connections of the server before are no reason not to start again
    allow_reuse_address = True
    request_queue_size = 128


class _Question(BaseHTTPRequestHandler):
    """One connection. What it is asked about is personal and is not logged."""

    bearer: ClassVar[bytes]
    people: ClassVar[Records]
    clock: ClassVar[Clock]
    protocol_version = "HTTP/1.1"
    timeout = 30.0
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        """Answer for one person."""
        authorization = self.headers.get("Authorization", "").encode("latin-1", "replace")
        if not hmac.compare_digest(authorization, self.bearer):
            self._refuse(401)
            return
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()):
            self._refuse(411)
            return
        if len(length) > 6 or int(length) > LARGEST:
            self._refuse(413)
            return
        person = _parse_person(self.rfile.read(int(length)))
        if person is None:
            self._refuse(400)
            return
        self._answer(200, dict(self.people.get(person, UNKNOWN)) | {"as_of": rfc3339(type(self).clock())})

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the base class's
        """Log nothing."""

    def _refuse(self, status: int) -> None:
        # the body was not read, so the connection cannot go on
        self.close_connection = True
        self._answer(status, {"error": status})

    def _answer(self, status: int, data: Mapping[str, Any]) -> None:
        body = json.dumps(data, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)


def _parse_person(body: bytes) -> Person | None:
    """Read whom a question is about, None where it is no question of this kind."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(data, dict) or data.get("kind") != KIND:
        return None
    id_type, number, name = (data.get(field) for field in ("id_type", "id_number", "name"))
    if not (isinstance(id_type, str) and isinstance(number, str) and isinstance(name, str)):
        return None
    return id_type, number, name
