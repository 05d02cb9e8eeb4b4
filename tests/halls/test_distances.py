"""Points on the earth and how far they are from each other."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qe_ban.halls.rules.distances import Point, fault, metres, near

CITY_HALL, LAOSHAN = Point(36.0662, 120.3826), Point(36.1073, 120.4693)


@pytest.mark.parametrize(
    ("one", "other", "distance"),
    [
        (CITY_HALL, CITY_HALL, 0),
        (CITY_HALL, LAOSHAN, 9030),
        (Point(0, 0), Point(0, 1), 111_200),
        (Point(0, 0), Point(1, 0), 111_200),
        (Point(0, 179.5), Point(0, -179.5), 111_200),
        (Point(90, 0), Point(90, 180), 0),
        (Point(90, 0), Point(-90, 0), 20_015_110),
        (Point(0, 0), Point(0, 180), 20_015_110),
    ],
)
def test_known_distances_to_ten_metres(one, other, distance):
    assert metres(one, other) == metres(other, one) == distance


POINTS = st.builds(Point, st.floats(-90, 90), st.floats(-180, 180))


@given(POINTS, POINTS, POINTS)
def test_distances_are_finite_and_no_detour_is_shorter(one, other, third):
    straight = metres(one, other)
    assert 0 <= straight <= 20_015_110
    assert straight % 10 == 0
    assert metres(one, third) + metres(third, other) >= straight - 20


@pytest.mark.parametrize(
    ("text", "point"),
    [
        ("36.0662,120.3826", CITY_HALL),
        ("-90,-180", Point(-90, -180)),
        ("90.000000,180.000000", Point(90, 180)),
        ("0,0", Point(0, 0)),
    ],
)
def test_a_point_is_read(text, point):
    assert near(text) == point


@pytest.mark.parametrize(
    "text",
    [
        "",
        "36",
        "36,",
        ",120",
        "36,120,1",
        "36 ,120",
        "36, 120",
        "36.,120",
        ".5,120",
        "+36,120",
        "36.0662001,120",
        "36,120.1234567",
        "nan,120",
        "36,NaN",
        "inf,0",
        "Infinity,0",
        "-inf,0",
        "1e1,120",
        "36,1E2",
        "0x10,0",
        "90.000001,0",
        "-91,0",
        "0,180.000001",
        "0,999",
        "120.3826,36.0662",
        "３６,120",
        "36,120\n",
        "36;120",
        "36_0,120",
        "' OR 1=1 --",
    ],
)
def test_what_is_no_point(text):
    assert near(text) is None


@given(st.text(max_size=30))
def test_any_text_is_a_point_on_the_earth_or_none(text):
    point = near(text)
    assert point is None or (abs(point.latitude) <= 90 and abs(point.longitude) <= 180)


@pytest.mark.parametrize("degrees", [None, "36", True, [], math.nan, math.inf, -math.inf, 90.1, -91, 36.0662001, 1e300])
def test_coordinates_that_cannot_be(degrees):
    assert fault(degrees, 90)


@pytest.mark.parametrize("degrees", [0, 90, -90, 36.066201, -0.0, 89.999999])
def test_coordinates_that_can(degrees):
    assert fault(degrees, 90) is None
