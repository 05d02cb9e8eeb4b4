"""Who may change which items: the city's staff all, a district's its own, a department's its own."""

from qe_ban.kernel.field_types import Severity
from qe_ban.kernel.principal import Place

OTHER_AGENCY = "与事项编码中的机构代码不一致，请核对"
"""An item's department is not the agency whose code its own begins with."""


def may_edit(place: Place, *, department: str, district: str | None) -> bool:
    """Tell whether staff of a place answer for an item of a department (USCC) in a district (None: the city itself).

    A hall's or a zone's staff answer for no items.
    """
    if place.is_city:
        return True
    if place.department is not None:
        return place.department == department
    return place.district is not None and place.district == district


def other_agency(place: Place, *, new: bool) -> Severity:
    """Tell how bad OTHER_AGENCY is: whoever answers for a part of the city takes no code from another's agency."""
    return "error" if new and not place.is_city else "warning"
