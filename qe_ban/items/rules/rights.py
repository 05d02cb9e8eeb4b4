"""Who may change which items: the city's staff all, a district's its own, a department's its own."""

from qe_ban.kernel.principal import Place


def may_edit(place: Place, *, department: str, district: str | None) -> bool:
    """Tell whether staff of a place answer for an item of a department (USCC) in a district (None: the city itself).

    A hall's or a zone's staff answer for no items.
    """
    if place.is_city:
        return True
    if place.department is not None:
        return place.department == department
    return place.district is not None and place.district == district
