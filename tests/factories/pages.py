"""A town of its own for tests of pages: halls and zones that no other test knows, staff with rows, a clock to move.

Import the fixture `town` into a conftest; `town.hall()` and `town.zone()` give slugs that nobody has touched.
"""

import json
import random
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from qe_ban.accounts import rules
from qe_ban.accounts.models import Staff
from qe_ban.accounts.service import Accounts, tokens
from qe_ban.app import assemble, create_app
from qe_ban.config import Settings
from qe_ban.kernel.clock import system_clock
from qe_ban.kernel.ids import new_id
from qe_ban.kernel.principal import Place, PrincipalKind
from qe_ban.publishing.rules.states import PageKind
from tests.conftest import closing_pool

API = "/api/v1"
PREFIX = {PageKind.HALL: "halls", PageKind.ZONE: "zones"}


class MovableClock:
    """The machine's time, and how far a test has moved it."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return system_clock() + self.ahead

    @contextmanager
    def shift(self, **ahead: float) -> Iterator[datetime]:
        """Let it be later (or earlier) for a while."""
        self.ahead += timedelta(**ahead)
        try:
            yield self()
        finally:
            self.ahead -= timedelta(**ahead)


@dataclass(frozen=True)
class Member:
    """A member of staff; a fresh token at every look."""

    town: "Town"
    id: UUID
    roles: tuple[str, ...]
    place: Place

    @property
    def headers(self) -> dict[str, str]:
        token = tokens.access(
            self.town.parts.get(Accounts),
            kind=PrincipalKind.STAFF,
            subject=self.id,
            session=new_id(),
            scopes=rules.staff_scopes(self.roles),
            roles=self.roles,
            place=self.place,
            now=self.town.clock(),
        )
        return {"Authorization": f"Bearer {token.access}"}


@dataclass
class Town:
    """An app whose city has halls and zones of its own; `district` gives a hall's code (GB/T 2260)."""

    settings: Settings
    clock: MovableClock
    district: dict[str, str]
    zones: list[str]

    def __post_init__(self) -> None:
        self.parts = assemble(self.settings, self.clock)
        self.app = create_app(self.settings, clock=self.clock)
        self._halls, self._zones = iter(self.district), iter(self.zones)

    @property
    def client(self):
        """A client of the app, a new one each time: threads may not share one."""
        return self.app.test_client()

    @property
    def database(self):
        return self.parts.database

    def hall(self) -> str:
        """A district's hall that nobody has touched."""
        return next(self._halls)

    def zone(self) -> str:
        """A zone that nobody has touched."""
        return next(self._zones)

    def page(self, kind: PageKind) -> str:
        return self.hall() if kind is PageKind.HALL else self.zone()

    def staff(self, *roles: str, **place: str) -> Member:
        """A member of staff with a row: of the city's administrators, or of other roles and places."""
        member = Member(self, new_id(), roles or ("city_admin",), Place(**place))
        with self.database.transaction() as session:
            session.add(
                Staff(
                    id=member.id,
                    username=f"staff-{member.id.hex[-12:]}",
                    password_hash="x",
                    totp_sealed=b"x",
                    roles=sorted(member.roles),
                    district=member.place.district,
                    hall=member.place.hall,
                    zone=member.place.zone,
                    department=member.place.department,
                    created_at=self.clock(),
                )
            )
        return member

    def change(self, member: Member, **columns: Any) -> None:
        """Change a member's row, as an administrator at a shell does; their token knows nothing of it."""
        with self.database.transaction() as session:
            row = session.get_one(Staff, member.id)
            for name, value in columns.items():
                setattr(row, name, value)

    def call(self, who: Member | None, method: str, kind: PageKind, path: str, body: Any = None, tag: str | None = "*"):
        """Send a request to `/halls/{path}` or `/zones/{path}`; `tag` is what If-Match says."""
        headers = dict(who.headers) if who else {}
        if tag is not None and method != "GET":
            headers["If-Match"] = tag
        options = {} if body is None else {"json": body}
        return self.client.open(f"{API}/{PREFIX[kind]}/{path}", method=method, headers=headers, **options)

    def get(self, who: Member | None, kind: PageKind, path: str):
        return self.call(who, "GET", kind, path)

    def put(self, who: Member, kind: PageKind, slug: str, content: Any, tag: str | None = "*"):
        return self.call(who, "PUT", kind, f"{slug}/draft", content, tag)

    def do(self, who: Member, kind: PageKind, slug: str, verb: str, body: Any = None, tag: str | None = "*"):
        """Submit, approve, reject, publish, roll back, withdraw; publishing at once where nothing is said."""
        if verb == "publish" and body is None:
            body = {}
        return self.call(who, "POST", kind, f"{slug}/{verb}", body, tag)

    def approve_draft(self, kind: PageKind, slug: str, body: Any = None) -> tuple[Member, Member]:
        """Bring a content as far as an approved draft; gives its editor and its reviewer."""
        editor, reviewer = self.staff(), self.staff()
        for answer in (
            self.put(editor, kind, slug, content() if body is None else body),
            self.do(editor, kind, slug, "submit"),
            self.do(reviewer, kind, slug, "approve"),
        ):
            assert answer.status_code == 200, answer.json
        return editor, reviewer

    def publish(self, kind: PageKind, slug: str, body: Any = None, **times: str) -> int:
        """Bring a content the whole way over HTTP, by an editor and a reviewer; gives the version's number."""
        editor, _ = self.approve_draft(kind, slug, body)
        # what other tests have planned for a page that they share stays planned
        answer = self.do(editor, kind, slug, "publish", {"later": "keep"} | times)
        assert answer.status_code == 200, answer.json
        return answer.json["published"]["version"]


def content(*blocks: Any, **fields: Any) -> dict[str, Any]:
    """A page of some blocks, or of one that refers to nothing."""
    return {"title": "测试页面", "blocks": list(blocks) or [rich_text()]} | fields


def rich_text(id: str = "about", html: str = "<p>欢迎</p>", **fields: Any) -> dict[str, Any]:  # noqa: A002
    return {"id": id, "type": "rich_text", "html": html} | fields


def notice(id: str = "notices", title: str = "停水通知", **fields: Any) -> dict[str, Any]:  # noqa: A002
    return {"id": id, "type": "notice", "notices": [{"title": title, "body": "本周六", "level": "info"} | fields]}


def make_town(settings: Settings, directory: Path, *, halls: int = 60, zones: int = 160) -> Town:
    """Make a town out of Qingdao's file with other districts and zones."""
    city = json.loads((resources.files("qe_ban") / "data" / "qingdao.json").read_text("utf-8"))
    name = secrets.token_hex(4)
    codes = random.sample(range(400_000, 1_000_000), halls)
    city["districts"] = [
        {"code": str(code), "slug": f"hall-{name}-{number}", "name": f"试验区{number}", "pinyin": f"Shiyan{number}"}
        for number, code in enumerate(codes)
    ]
    city["zones"] = [{"slug": f"zone-{name}-{number}", "name": f"试验专区{number}"} for number in range(zones)]
    path = directory / f"city-{name}.json"
    path.write_text(json.dumps(city, ensure_ascii=False), "utf-8")
    return Town(
        settings=replace(settings, city_file=path),
        clock=MovableClock(),
        district={row["slug"]: row["code"] for row in city["districts"]},
        zones=[row["slug"] for row in city["zones"]],
    )


@pytest.fixture(scope="module")
def town(settings: Settings) -> Iterator[Town]:
    with tempfile.TemporaryDirectory(prefix="qe-town-") as directory:
        own_town = make_town(settings, Path(directory))
        with closing_pool(own_town.app):
            yield own_town
        own_town.database.dispose()
