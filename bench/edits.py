"""A morning of edits: while pages are asked for, one after the other is published anew, and apps are changed."""

import http.client
import json
import threading
from itertools import cycle
from types import TracebackType
from typing import Any, Final, Self

from bench.load import BenchFailed
from bench.stand import Stand
from qe_ban.accounts.models import Staff
from qe_ban.accounts.rules import staff_scopes
from qe_ban.accounts.service import Accounts, tokens
from qe_ban.halls.rules import apps
from qe_ban.kernel.ids import new_id
from qe_ban.kernel.principal import Place, PrincipalKind

API: Final = "/api/v1"
EVERY: Final = 2.0
"""Seconds from one change to the next: far more often than pages change."""
PAGES: Final = ("zones/karos", "halls/laoshan", "halls/city")
_ROLES: Final = ("city_admin",)


class Edits:
    """A context: inside it a zone, a district's hall, the city's hall and an app are changed in turns."""

    def __init__(self, stand: Stand) -> None:
        """Make a member of staff; nothing is changed yet."""
        self.count = 0
        self._port, self._over = stand.product.port, threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._token = _token(stand)
        self._failure: BenchFailed | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        if self._failure is not None and error is None:
            raise self._failure

    def _run(self) -> None:
        try:
            for page in cycle((*PAGES, None)):
                if self._over.wait(EVERY):
                    return
                self._change_app() if page is None else self._publish(page)
                self.count += 1
        except BenchFailed as error:
            self._failure = error

    def _publish(self, page: str) -> None:
        """Publish a page's first version again."""
        tag, _ = self._ask("GET", f"{API}/{page}/draft")
        self._ask("POST", f"{API}/{page}/rollback", {"version": 1}, tag)

    def _change_app(self) -> None:
        _, page = self._ask("GET", f"{API}/apps?limit=1")
        path = f"{API}/apps/{page['items'][0]['slug']}"
        tag, app = self._ask("GET", path)
        fields = {field.name: app[field.name] for field in apps.FIELDS}
        self._ask("PUT", path, fields | {"summary": f"第 {self.count} 次修改"}, tag)

    def _ask(self, method: str, path: str, body: Any = None, tag: str | None = None) -> tuple[str, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers | _matching(tag))
            answer = connection.getresponse()
            data = answer.read()
        finally:
            connection.close()
        if answer.status != 200:
            raise BenchFailed(f"{method} {path} answered {answer.status} {data[:300]!r}")
        return answer.headers["ETag"], json.loads(data)


def _matching(tag: str | None) -> dict[str, str]:
    return {} if tag is None else {"If-Match": tag}


def _token(stand: Stand) -> str:
    parts, staff, now = stand.parts, new_id(), stand.parts.clock()
    with parts.database.transaction() as session:
        session.add(
            Staff(
                id=staff, username="bench", password_hash="x", totp_sealed=b"x", roles=list(_ROLES), created_at=now
            )  # nobody can sign in as this one
        )
    return tokens.access(
        parts.get(Accounts), kind=PrincipalKind.STAFF, subject=staff, session=new_id(), scopes=staff_scopes(_ROLES),
        roles=_ROLES, place=Place(), now=now,
    ).access  # fmt: skip
