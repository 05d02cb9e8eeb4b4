"""A client of the product's own HTTP interface, for the commands that play a resident, a scanner or staff."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from gettext import gettext as _
from typing import Any

import urllib3
from urllib3.exceptions import HTTPError, LocationParseError
from urllib3.util import parse_url

from qe_ban.cli.refusals import Refused

PREFIX = "/api/v1"
WAIT = urllib3.Timeout(connect=5.0, read=20.0)
TOKEN_PATH = "/auth/token"


class Away(Refused):
    """The server did not answer: the network, not the request."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server answered; `data` is the JSON object, empty where it was none; header names in any case."""

    status: int
    content: bytes
    data: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def problem(self) -> str:
        """Return in one line what was wrong."""
        faults = self.data.get("errors")
        parts = [str(self.data.get("detail") or _("no problem document")), json.dumps(faults, ensure_ascii=False)]
        return f"{self.status} {self.data.get('code', '')}: {' '.join(parts if faults else parts[:1])}"


class Api:
    """One server; `server` is its address without the path, such as ``http://127.0.0.1:8000``."""

    def __init__(self, server: str) -> None:
        """Nothing connects yet. Raises Refused when `server` is no http address."""
        if not _is_address(server):
            raise Refused(
                _("{server!r} is no address such as https://host or http://127.0.0.1:8000").format(server=server)
            )
        self.server = server.rstrip("/")
        self._pool = urllib3.PoolManager(retries=False, timeout=WAIT)

    def ask(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Make one request below /api/v1 and give whatever is answered. Raises Away."""
        request_headers = {"Accept": "application/json", **(headers or {})}
        if token is not None:
            request_headers["Authorization"] = f"Bearer {token}"
        try:
            response = self._pool.request(
                method, f"{self.server}{PREFIX}{path}", json=body, headers=request_headers, redirect=False
            )
        except HTTPError as error:
            raise Away(
                _("{server} does not answer ({name})").format(server=self.server, name=type(error).__name__)
            ) from error
        return Answer(response.status, response.data, _object(response.data), response.headers)

    def get(self, method: str, path: str, *, status: int = 200, **request: Any) -> Answer:
        """Make one request that must be answered with `status`. Raises Away, Refused with the server's reason."""
        answer = self.ask(method, path, **request)
        if answer.status != status:
            raise Refused(f"{method} {path}: {answer.problem}")
        return answer


def _is_address(text: str) -> bool:
    try:
        parts = parse_url(text)
    except LocationParseError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.host)


def _object(content: bytes) -> Mapping[str, Any]:
    try:
        data = json.loads(content)
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}
