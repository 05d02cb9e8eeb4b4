"""Who keeps which local apps and places: the city's staff all, a district's and its hall's those of just that one."""

from collections.abc import Collection, Mapping

from qe_ban.kernel.principal import Place


def own_district(place: Place, halls: Mapping[str, str | None]) -> str | None:
    """Return the one district that a place is or whose hall it is; None for the city, zones and departments."""
    return place.district if place.district is not None else halls.get(place.hall or "")


def may_keep(place: Place, halls: Mapping[str, str | None], districts: Collection[str]) -> bool:
    """Return whether staff of a place answer for what is offered in these districts (none: in the whole city).

    What several districts share is the city's to keep.
    """
    if place.is_city:
        return True
    own = own_district(place, halls)
    return own is not None and list(districts) == [own]
