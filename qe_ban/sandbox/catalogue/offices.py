"""Who does the sample's items, and where: departments of the city and their counterparts in the districts.

The names are real, the codes are not: the nine characters of an organisation are `QY`, its number here and `0000`, only
the check digit is right. Phones and addresses say that they are examples.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from qe_ban.items.service.departments import NewDepartment
from qe_ban.sandbox.catalogue import files

CITY: Final = "370200"
_USCC: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_COUNTY_LEVEL: Final = "市"
_CITY_HALL: Final = "青岛市福州南路17号 青岛市民中心（沙盒示例）"


@dataclass(frozen=True, slots=True)
class Office:
    """A department at one place; `district` is none for the city's own."""

    department: NewDepartment
    key: str
    phone: str
    place: str

    @property
    def district(self) -> str | None:
        """The district's code, none for the city."""
        return self.department.district

    def code(self, entry: str) -> str:
        """Return the code of an entry's item at this office: the office's USCC, 3 and the entry's code."""
        return f"{self.department.code}3{entry}"


def uscc(district: str, number: int) -> str:
    """Return the made-up code of a department (GB 32100: the last of 18 characters makes the sum a multiple of 31)."""
    body = f"11{district}QY{number:03d}0000"
    total = sum(_USCC.index(char) * pow(3, place, 31) for place, char in enumerate(body))
    return body + _USCC[-total % 31]


class Offices:
    """All offices of the sample by department key and place; cities come first, then districts by code."""

    def __init__(self) -> None:
        self._rows = {row["key"]: row for row in files.read("departments")}
        self._places = files.read("places")
        self._offices: dict[tuple[str, str | None], Office] = {}
        for row in self._rows.values():
            for number, place in enumerate([None, *self._places]):
                name = _name(row, place)
                if name is not None:
                    district = place["district"] if place else None
                    self._offices[row["key"], district] = _office(row, number, place, name)

    def departments(self) -> list[NewDepartment]:
        """Return every department once."""
        return [office.department for office in self._offices.values()]

    def of(self, key: str, spread: str) -> list[Office]:
        """Return the offices that do a kind: `spread` is `city`, `districts` or `both`."""
        offices = [self._offices[key, None]] if spread != "districts" else []
        if spread != "city":
            local = self._rows[key].get("district_by", key)
            districts = [place["district"] for place in self._places]
            offices += [self._offices[local, code] for code in districts if (local, code) in self._offices]
        return offices


def _name(row: Mapping[str, Any], place: Mapping[str, str] | None) -> str | None:
    if place is None:
        name: str = row["name"]
        return name
    if "district_name" not in row or place["district"] in row.get("not_in", ()):
        return None
    county = place["name"].endswith(_COUNTY_LEVEL)
    pattern: str = row.get("county_name", row["district_name"]) if county else row["district_name"]
    return pattern.replace("{区}", place["name"]).replace("{简}", place["short"])


def _office(row: Mapping[str, Any], number: int, place: Mapping[str, str] | None, name: str) -> Office:
    phone = f"0532-0000{(row['number'] - 100) * 11 + number:04d}"
    address = f"{place['address']}政务服务中心（沙盒示例）" if place else _CITY_HALL
    district = place["district"] if place else None
    code = uscc(district or CITY, row["number"])
    department = NewDepartment(code, name, row.get("type", "statutory"), district, phone, address)
    return Office(department, row["key"], phone, f"{address}\n{name}窗口")
