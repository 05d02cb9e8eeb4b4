"""From GCJ-02, which phones and maps in China give, to WGS 84: they lie up to 700 metres apart.

The forward formula is the published approximation of the official one; it has no closed inverse, so it is iterated.
"""

import math
from typing import Final

from qe_ban.halls.rules.distances import Point

_AXIS: Final = 6_378_245.0
_ECCENTRICITY: Final = 0.00669342162296594323
"""Of the ellipsoid of Krasovsky: the greater half axis in metres, and the eccentricity squared."""
_SOUTH, _NORTH, _WEST, _EAST = 0.8293, 55.8271, 72.004, 137.8347
"""Outside nothing is shifted."""
_ROUNDS: Final = 5
"""Each brings the point about a thousand times nearer; after three it is right to a millimetre."""


def to_wgs84(point: Point) -> Point:
    """Return a point of GCJ-02 in WGS 84, right to a centimetre of the approximation."""
    estimate = point
    for _ in range(_ROUNDS):
        image = from_wgs84(estimate)
        estimate = Point(
            estimate.latitude + point.latitude - image.latitude, estimate.longitude + point.longitude - image.longitude
        )
    return estimate


def from_wgs84(point: Point) -> Point:
    """Return a point of WGS 84 in GCJ-02."""
    if not (_SOUTH <= point.latitude <= _NORTH and _WEST <= point.longitude <= _EAST):
        return point
    x, y = point.longitude - 105.0, point.latitude - 35.0
    radians = math.radians(point.latitude)
    magic = 1 - _ECCENTRICITY * math.sin(radians) ** 2
    north = _north(x, y) * 180 / (_AXIS * (1 - _ECCENTRICITY) / (magic * math.sqrt(magic)) * math.pi)
    east = _east(x, y) * 180 / (_AXIS / math.sqrt(magic) * math.cos(radians) * math.pi)
    return Point(point.latitude + north, point.longitude + east)


def _north(x: float, y: float) -> float:
    """Return how far a point is shifted to the north, in metres."""
    shift = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * math.sqrt(abs(x)) + _short_waves(x)
    shift += (20 * _wave(y) + 40 * _wave(y / 3)) * 2 / 3
    return shift + (160 * _wave(y / 12) + 320 * _wave(y / 30)) * 2 / 3


def _east(x: float, y: float) -> float:
    """Return how far a point is shifted to the east, in metres."""
    shift = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * math.sqrt(abs(x)) + _short_waves(x)
    shift += (20 * _wave(x) + 40 * _wave(x / 3)) * 2 / 3
    return shift + (150 * _wave(x / 12) + 300 * _wave(x / 30)) * 2 / 3


def _short_waves(x: float) -> float:
    return (20 * _wave(6 * x) + 20 * _wave(2 * x)) * 2 / 3


def _wave(turns: float) -> float:
    return math.sin(turns * math.pi)
