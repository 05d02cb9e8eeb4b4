"""What a place is made of, and what is wrong with one."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from qe_ban.halls.rules import distances, hours
from qe_ban.halls.rules.words import PLACE_KINDS, PLACE_STATES
from qe_ban.kernel import field_types
from qe_ban.kernel.bounds import Bounds
from qe_ban.kernel.field_types import Field, has_value
from qe_ban.kernel.shapes import Fault, row_faults, unknown_faults

OPEN: Final = "open"
WITHDRAWN: Final = "withdrawn"
DEGREES: Final = {"latitude": 90, "longitude": 180}
"""The coordinates, with the greatest that each may be."""

FIELDS: Final = (
    Field("name", "名称", max=60, required=True),
    Field("kind", "类型", field_types.CHOICE, choices=PLACE_KINDS, vocabulary="PlaceKind", required=True),
    Field("district", "所在区市", field_types.DISTRICT, hint="区划代码；不填为市级网点"),
    Field("address", "地址", max=200, required=True),
    Field("phone", "电话", max=60),
    Field("services", "可办业务", field_types.WORDS, max=30, most=40),
    Field("note", "说明", field_types.LINES, max=300, hint="暂停服务时请说明原因"),
    Field("state", "状态", field_types.CHOICE, choices=PLACE_STATES, vocabulary="PlaceState", required=True),
)


def complete(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a place's fields with nothing left out: null or an empty list for what is not told."""
    row = {field.name: record.get(field.name) if has_value(record.get(field.name)) else None for field in FIELDS}
    row |= {field.name: row[field.name] or [] for field in FIELDS if field.type.is_list}
    return row | {name: float(record[name]) for name in DEGREES} | {"hours": record["hours"]}


def faults(record: Mapping[str, Any], districts: Collection[str], bounds: Bounds | None = None) -> Iterator[Fault]:
    """Find what is wrong with a place in a city of these districts (codes) that lies in a box."""
    yield from unknown_faults([*(field.name for field in FIELDS), *DEGREES, "hours"], record)
    yield from (fault for fault in row_faults(FIELDS, record) if fault.severity == "error")
    yield from _coordinate_faults(record, bounds)
    if record.get("hours") is None:
        yield Fault("hours", "此项必填")
    else:
        yield from hours.faults(record["hours"])
    district = record.get("district")
    if isinstance(district, str) and district and district not in districts:
        yield Fault("district", "没有这个区划代码")


def _coordinate_faults(record: Mapping[str, Any], bounds: Bounds | None) -> Iterator[Fault]:
    wrong = [Fault(name, message) for name in DEGREES if (message := _wrong_degrees(record, name))]
    yield from wrong or _elsewhere(record, bounds)


def _wrong_degrees(record: Mapping[str, Any], name: str) -> str | None:
    return "此项必填" if record.get(name) is None else distances.fault(record[name], DEGREES[name])


def _elsewhere(record: Mapping[str, Any], bounds: Bounds | None) -> Iterator[Fault]:
    """Find coordinates outside the city, and the point that programs write where they know none."""
    latitude, longitude = record["latitude"], record["longitude"]
    if latitude == longitude == 0:
        yield Fault("latitude", "0,0 不是网点的位置，请填写实际坐标")
    elif bounds is not None:
        if not bounds.contains_latitude(latitude):
            yield Fault("latitude", f"不在本市范围内（{bounds.south} 至 {bounds.north}），请核对是否填反")
        if not bounds.contains_longitude(longitude):
            yield Fault("longitude", f"不在本市范围内（{bounds.west} 至 {bounds.east}），请核对是否填反")
