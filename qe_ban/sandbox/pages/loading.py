"""Loads the sample's halls and zones as people do it; what is there already stays as it is, what is missing comes."""

import io
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy.orm import Session

from qe_ban.audit import service as audit
from qe_ban.db.engine import Database
from qe_ban.halls import errors
from qe_ban.halls.service import apps, places
from qe_ban.kernel.city import CITY_HALL, City
from qe_ban.publishing.service import drafts, media, pages, publications, reviews
from qe_ban.publishing.service.page_types import PageType, PageTypes
from qe_ban.sandbox.pages import files, spelling
from qe_ban.sandbox.pages.painting import Painter
from qe_ban.sandbox.pages.people import Pair, pairs

NOBODY_WROTE: Final = 0
"""The revision of a page that has no draft."""
_FIRST: Final = ("zone", CITY_HALL)
"""Zones come first, for halls lead to them; then the city's hall, for those of districts lie over it."""

Page = tuple[PageType, str]


@dataclass(frozen=True, slots=True)
class Missing:
    """What of the sample is not there: slugs of apps and places, and pages."""

    apps: list[str]
    places: list[str]
    pages: list[Page]

    def __len__(self) -> int:
        return len(self.apps) + len(self.places) + len(self.pages)


@dataclass(frozen=True, slots=True)
class Loader:
    """What loading works with; `store` keeps the files of pictures."""

    database: Database
    city: City
    page_types: PageTypes
    store: media.MediaStore

    def missing(self) -> Missing:
        """Return what is missing; of a city that is not Qingdao, whose halls the sample does not know, nothing."""
        districts = {code for row in files.apps().values() for code in row["districts"]}
        if not districts <= set(self.city.districts):
            return Missing([], [], [])
        with self.database.transaction() as session:
            return Missing(
                [slug for slug in files.apps() if not _is_there(apps.app, errors.AppNotFound, session, slug)],
                [slug for slug in files.places() if not _is_there(places.place, errors.PlaceNotFound, session, slug)],
                [page for page in self._pages() if _is_untouched(session, page)],
            )

    def load(self, now: datetime) -> Missing:
        """Load what is missing; return what came. A page that nobody of the staff may edit and review does not."""
        missing = self.missing()
        contents = {_key(page): files.content(page[0].kind.value, page[1]) or {} for page in missing.pages}
        rows = files.apps()
        icons = [rows[slug] for slug in missing.apps]
        digests = self._pictures({*spelling.pictures(icons), *spelling.pictures(list(contents.values()))}, now)
        came = Missing(*self._put_registers(missing, rows, digests, now), [])
        speller = spelling.Speller(spelling.items() if missing.pages else {}, digests, now)
        for page in missing.pages:
            with suppress(_NotOurs), self.database.transaction() as session:
                pair = pairs(session)(*page)
                if pair is not None:
                    self._publish(session, page, speller.resolve(contents[_key(page)]), pair, now)
                    came.pages.append(page)
        return came

    def _pages(self) -> list[Page]:
        candidates = [(page_type, slug) for page_type in self.page_types.types.values() for slug in page_type.names]
        with_content = [page for page in candidates if files.content(page[0].kind.value, page[1]) is not None]
        return sorted(with_content, key=lambda page: page[0].kind.value not in _FIRST and page[1] not in _FIRST)

    def _pictures(self, names: Iterable[str], now: datetime) -> dict[str, str]:
        painter = Painter()
        pictures = {name: media.reencode(io.BytesIO(painter.paint(name))) for name in sorted(names)}
        with self.database.transaction() as session:
            for picture in pictures.values():
                media.store_picture(session, self.store, picture, None, now)
        return {name: picture.digest for name, picture in pictures.items()}

    def _put_registers(
        self, missing: Missing, rows: Mapping[str, Any], digests: Mapping[str, str], now: datetime
    ) -> tuple[list[str], list[str]]:
        """Put the apps and places that are missing; return the slugs of those that still were."""
        change, spots = audit.AtShell(now), files.places()
        came: tuple[list[str], list[str]] = [], []
        with self.database.transaction() as session:
            for slug in missing.apps:
                content = rows[slug] | {"icon": digests[rows[slug]["icon"]]}
                with suppress(_NotOurs), session.begin_nested():
                    apps.upsert(session, self.city, slug, content, precondition=_require_absent, change=change)
                    came[0].append(slug)
            for slug in missing.places:
                with suppress(_NotOurs), session.begin_nested():
                    places.upsert(session, self.city, slug, spots[slug], precondition=_require_absent, change=change)
                    came[1].append(slug)
        return came

    def _publish(self, session: Session, page: Page, content: Mapping[str, Any], pair: Pair, now: datetime) -> None:
        """Write, submit, approve and publish a page, each by whoever does that."""
        page_type, slug = page
        editor, reviewer = (audit.Change(who, now) for who in (pair.editor, pair.reviewer))
        where = (session, self.page_types, page_type.kind, slug)
        drafts.save(*where, content, precondition=_require_untouched, change=editor)
        # sandboxes follow no links: the sample's lead nowhere
        drafts.submit(*where, {}, precondition=_any, change=editor)
        reviews.approve(*where, precondition=_any, change=reviewer)
        outcome = publications.publish(*where, at=None, end_at=None, precondition=_any, change=editor)
        if not isinstance(outcome, publications.PagePublication):
            raise outcome


class _NotOurs(Exception):
    """Somebody was there meanwhile."""


def _require_absent(tag: str | None) -> None:
    """Leave a row alone that somebody made meanwhile."""
    if tag is not None:
        raise _NotOurs


def _require_untouched(tag: str | None) -> None:
    """Leave a page alone that somebody wrote meanwhile."""
    if tag != str(NOBODY_WROTE):
        raise _NotOurs


def _any(_tag: str | None) -> None:
    """Take a page as it is: it is held."""


def _is_there(
    find: Callable[[Session, str], object], not_found: type[errors.AppNotFound | errors.PlaceNotFound],
    session: Session, slug: str,
) -> bool:  # fmt: skip
    """Return whether there is such a row, also one that staff have withdrawn."""
    try:
        find(session, slug)
    except not_found:
        return False
    return True


def _is_untouched(session: Session, page: Page) -> bool:
    return pages.look(session, page[0].kind, page[1]).revision == NOBODY_WROTE


def _key(page: Page) -> tuple[str, str]:
    return page[0].kind.value, page[1]
