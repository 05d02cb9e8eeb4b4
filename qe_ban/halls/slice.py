"""What halls bring: their pages, local apps, places, and what residents keep."""

from collections.abc import Mapping
from typing import Final

from qe_ban.composition import PageDeclaration, RetentionPlan, Services, Slice, Source
from qe_ban.halls.routes import apps, halls, me, places
from qe_ban.halls.service import apps as app_register
from qe_ban.halls.service import closing, moving, retention
from qe_ban.halls.service import places as place_register
from qe_ban.halls.service.screens import Halls
from qe_ban.publishing.rules.states import PageKind
from qe_ban.web.ranks import Operations, Rank

_PUBLIC: Final = (halls.blp, apps.blp, apps.of_halls, places.blp, places.of_halls)
_REGISTER: Final = "a register that staff keep: it has as many rows as there are of these, and names no resident"
_OWN: Final = "as long as the resident keeps it; it goes with the account"


def _page_types(services: Services) -> Mapping[PageKind, PageDeclaration]:
    pages = Halls(services.city, services.merge(lambda slice_: slice_.page_sources))
    return {PageKind.HALL: PageDeclaration(pages.page_type(), pages.load, services.city.halls)}


def _page_sources(services: Services) -> Mapping[str, Source]:
    city = services.city
    return {
        "app": lambda session, keys, now: app_register.source(session, city, keys, now),
        "place": lambda session, keys, now: place_register.source(session, city, keys, now),
    }


def _rewrite(services: Services) -> int:
    return moving.move_all(services.database, services.rings, services.clock)


SLICE: Final = Slice(
    name="halls",
    operations=(
        *(Operations(blueprint, Rank.STAFF, reads=Rank.PAGES) for blueprint in _PUBLIC),
        Operations(me.blp, Rank.PEOPLE),
    ),
    scopes=frozenset({"me.home", "apps.write", "places.write"}),
    retention=RetentionPlan(
        endings=retention.ENDINGS,
        without_end={
            **dict.fromkeys(("apps", "places"), _REGISTER),
            **dict.fromkeys(("favourite_items", "followed_halls", "resident_halls"), _OWN),
        },
    ),
    eraser=lambda services: closing.eraser(services.rings),
    rewrite=_rewrite,
    page_types=_page_types,
    page_sources=_page_sources,
)
