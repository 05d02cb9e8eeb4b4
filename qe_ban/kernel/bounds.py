"""The box in which a city lies, as its file says it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Bounds:
    """The box in which all of the city lies, in degrees of WGS 84."""

    south: float
    west: float
    north: float
    east: float

    def contains_latitude(self, latitude: float) -> bool:
        """Return whether a latitude is one of the city's."""
        return self.south <= latitude <= self.north

    def contains_longitude(self, longitude: float) -> bool:
        """Return whether a longitude is one of the city's."""
        return self.west <= longitude <= self.east


def read_bounds(row: Mapping[str, Any] | None) -> Bounds | None:
    """Read the city's box. Raises ValueError where it is none on the earth."""
    if row is None:
        return None
    bounds = Bounds(**{name: float(row[name]) for name in ("south", "west", "north", "east")})
    if not (-90 <= bounds.south < bounds.north <= 90 and -180 <= bounds.west < bounds.east <= 180):
        raise ValueError("bounds: south, west, north, east are no box in degrees")
    return bounds
