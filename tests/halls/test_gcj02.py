"""GCJ-02 against pairs that are known, and there and back all over the country."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qe_ban.halls.rules.distances import Point, metres
from qe_ban.halls.rules.gcj02 import from_wgs84, to_wgs84

PAIRS = (
    # WGS 84, GCJ-02: Shanghai, Shenzhen, Beijing
    (Point(31.1774276, 121.5272106), Point(31.17530398364597, 121.531541859215)),
    (Point(22.543847, 113.912316), Point(22.540796131694766, 113.9171764808363)),
    (Point(39.911954, 116.377817), Point(39.91334545536069, 116.38404722455657)),
)


def is_near(one, other, degrees):
    return abs(one.latitude - other.latitude) < degrees and abs(one.longitude - other.longitude) < degrees


@pytest.mark.parametrize(("wgs84", "gcj02"), PAIRS)
def test_known_points_are_where_they_are_known_to_be(wgs84, gcj02):
    assert is_near(from_wgs84(wgs84), gcj02, 1e-9)
    assert is_near(to_wgs84(gcj02), wgs84, 1e-7)


def test_in_qingdao_the_two_are_some_hundred_metres_apart():
    hall = Point(36.0662, 120.3826)
    assert 300 < metres(hall, from_wgs84(hall)) < 700


@given(st.floats(20, 50), st.floats(75, 133))
def test_there_and_back_is_the_same_place(latitude, longitude):
    point = Point(latitude, longitude)
    assert is_near(to_wgs84(from_wgs84(point)), point, 1e-7)


@pytest.mark.parametrize("point", [Point(51.5, -0.12), Point(-33.9, 151.2), Point(0.1, 0.1)])
def test_outside_the_country_nothing_is_shifted(point):
    assert to_wgs84(point) == point
