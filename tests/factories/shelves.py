"""Shelves as processes have them, on pages that nobody else knows, with a clock that a test turns."""

import itertools
import threading
from datetime import UTC, datetime, timedelta

from qe_ban.db import valkey
from qe_ban.kernel.ids import new_id
from qe_ban.publishing.models import PageVersion, PageWithdrawal
from qe_ban.publishing.rules.states import PageKind
from qe_ban.publishing.rules.views import ResolvedPage, View
from qe_ban.publishing.service import pages, stamps
from qe_ban.publishing.service.page_cache import PageCache
from qe_ban.publishing.service.screens import Absent
from qe_ban.web import wire
from tests.factories.waits import HANG_TIMEOUT

HALL, ANYBODY = PageKind.HALL, View()
TEXT = {"id": "about", "type": "rich_text"}


class Hands:
    """A monotonic clock that stands until it is turned."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        return self.at


class Process:
    """One process's shelf; counts how often it loads a page."""

    def __init__(self, newsstand, *, release="1", monotonic=None, database=None, url=None):
        self.newsstand, self.loads, self.gate = newsstand, 0, threading.Event()
        self.loading = threading.Event()
        self.now = None
        self.gate.set()
        self.valkey = valkey.connect(url or newsstand.valkey_url)
        self.shelf = PageCache(
            database or newsstand.database,
            self.valkey,
            dict.fromkeys(PageKind, self._load),
            dict.fromkeys(PageKind, newsstand.slugs),
            encode=wire.dumps,
            release=release,
            clock=lambda: self.now or datetime.now(UTC),
            monotonic=monotonic or newsstand.hands,
        )

    def _load(self, session, slug, now):
        self.loads += 1
        if not self.gate.is_set():
            self.loading.set()
        self.gate.wait(HANG_TIMEOUT)
        version = pages.in_force(session, HALL, slug, now)
        if version is None:
            return Absent(pages.begins_at(session, HALL, slug, now))
        return ResolvedPage(
            {"title": version.content["title"], "number": version.number},
            version.content["blocks"],
            None,
            version.next_change_at,
        )

    def read(self, view=ANYBODY, slug=None, now=None):
        """The title that is shown, and the age that it is marked with, if it is."""
        screen = self.screen(view, slug, now)
        return wire.loads(screen.plain.data)["title"], screen.age

    def later(self, **options):
        """What is shown once this process has looked, which it does when it is asked."""
        self.read(**options)
        self.settle()
        return self.read(**options)

    def screen(self, view=ANYBODY, slug=None, now=None):
        self.now = now
        return self.shelf.screen(HALL, slug or self.newsstand.slug, view, now or datetime.now(UTC))

    def settle(self):
        """Wait until nobody of this process is on the way to the engines."""
        for thread in (self.shelf._looker, self.shelf._loader):
            thread.submit(lambda: None).result(HANG_TIMEOUT)


class Newsstand:
    """A page of its own, what is published of it, and the processes that show it."""

    def __init__(self, database, valkey_url, hands=None):
        self.database, self.valkey_url, self.hands = database, valkey_url, hands or Hands()
        self.slug, self.slugs = f"stand-{new_id().hex[-12:]}", set()
        self.slugs |= {self.slug, f"{self.slug}-other"}
        self.numbers = itertools.count(1)
        with database.transaction() as session:
            pages.hold(session, HALL, self.slug)

    def process(self, **options):
        return Process(self, **options)

    def publish(self, title, *, starts_at=None, ends_at=None, blocks=(TEXT,)):
        """Commit a version that nobody is told of; gives its number."""
        now, number = datetime.now(UTC), next(self.numbers)
        blocks = [{"html": f"<p>{title}</p>"} | block for block in blocks]
        with self.database.transaction() as session:
            session.add(
                PageVersion(
                    kind=HALL, slug=self.slug, number=number, content={"title": title, "blocks": blocks}, digest=b"x",
                    starts_at=starts_at or now - timedelta(seconds=1), ends_at=ends_at, editors=[new_id()],
                    approved_by=new_id(), published_by=new_id(), published_at=now,
                )
            )  # fmt: skip
            stamps.bump(session, HALL, self.slug)
        return number

    def withdraw(self, number):
        with self.database.transaction() as session:
            at = datetime.now(UTC)
            session.add(PageWithdrawal(kind=HALL, slug=self.slug, number=number, at=at, by=new_id(), reason="x"))
            stamps.bump(session, HALL, self.slug)
