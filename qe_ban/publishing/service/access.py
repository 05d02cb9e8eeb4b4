"""Which page is meant, and whether it is the caller's: the first step of every use case."""

from qe_ban.kernel.city import CITY_HALL
from qe_ban.kernel.principal import Place
from qe_ban.publishing import errors
from qe_ban.publishing.rules.states import PageKind
from qe_ban.publishing.service.desks import Desk, Desks


def desk_of(desks: Desks, kind: PageKind, slug: str, place: Place) -> Desk:
    """Return the type of a page for which staff of a place answer. Raises PageNotFound, OtherPlace."""
    desk = desks.desks[kind]
    if slug not in desk.names:
        raise errors.PageNotFound
    if not desk.covers(place, slug):
        raise errors.OtherPlace
    return desk


def is_district_hall(kind: PageKind, slug: str) -> bool:
    """Return whether a page inherits from the city's."""
    return kind is PageKind.HALL and slug != CITY_HALL
