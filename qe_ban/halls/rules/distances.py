"""Where places are and how far: coordinates in degrees of WGS 84, distances in metres."""

import math
import re
from dataclasses import dataclass
from typing import Final

DIGITS: Final = 6
"""So many decimals has a coordinate at most: the sixth is 11 centimetres."""
NEAR_PATTERN: Final = rf"-?[0-9]{{1,2}}(?:\.[0-9]{{1,{DIGITS}}})?,-?[0-9]{{1,3}}(?:\.[0-9]{{1,{DIGITS}}})?"

_NEAR = re.compile(NEAR_PATTERN, re.ASCII)
WGS84: Final = "wgs84"
GCJ02: Final = "gcj02"

_EARTH: Final = 6_371_008.8
"""The mean radius of WGS 84, in metres."""
_STEP: Final = 10


@dataclass(frozen=True, slots=True)
class Point:
    """A point on the earth, in degrees: north and east are positive."""

    latitude: float
    longitude: float


NOWHERE: Final = Point(0, 0)
"""What programs tell that know of no place: a point in the Atlantic."""


def near(text: str) -> Point | None:
    """Read `36.066200,120.382600` (latitude first, at most six decimals); None for whatever is no such point."""
    if not _NEAR.fullmatch(text):
        return None
    latitude, longitude = map(float, text.split(","))
    return Point(latitude, longitude) if not (fault(latitude, 90) or fault(longitude, 180)) else None


def fault(degrees: object, greatest: int) -> str | None:
    """Return what is wrong with a coordinate: a number from -greatest to greatest with at most six decimals."""
    if isinstance(degrees, bool) or not isinstance(degrees, int | float):
        return "须为数字"
    if not math.isfinite(degrees) or not -greatest <= degrees <= greatest:
        return f"须在 -{greatest} 至 {greatest} 之间"
    if round(degrees, DIGITS) != degrees:
        return f"最多 {DIGITS} 位小数"
    return None


def metres(one: Point, other: Point) -> int:
    """Return the great-circle distance (haversine), rounded to ten metres."""
    south, north = math.radians(one.latitude), math.radians(other.latitude)
    angle = math.radians(other.longitude - one.longitude)
    half = math.sin((north - south) / 2) ** 2 + math.cos(south) * math.cos(north) * math.sin(angle / 2) ** 2
    # rounding may carry antipodes a little beyond 1
    return round(2 * _EARTH * math.asin(math.sqrt(min(1.0, half))) / _STEP) * _STEP
