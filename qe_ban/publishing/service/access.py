"""Which page is meant, and whether it is the caller's: the first step of every use case."""

from qe_ban.kernel.city import CITY_HALL
from qe_ban.kernel.principal import Place
from qe_ban.publishing import errors
from qe_ban.publishing.rules.states import PageKind
from qe_ban.publishing.service.page_types import PageType, PageTypes


def page_type_of(page_types: PageTypes, kind: PageKind, slug: str, place: Place) -> PageType:
    """Return the type of a page for which staff of a place answer. Raises PageNotFound, OtherPlace."""
    page_type = page_types.types[kind]
    if slug not in page_type.names:
        raise errors.PageNotFound
    if not page_type.covers(place, slug):
        raise errors.OtherPlace
    return page_type


def is_district_hall(kind: PageKind, slug: str) -> bool:
    """Return whether a page inherits from the city's."""
    return kind is PageKind.HALL and slug != CITY_HALL
