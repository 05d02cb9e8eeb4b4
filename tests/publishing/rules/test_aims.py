"""Blocks aimed at a district that the city has not, or that the page's own people are not in."""

import pytest

from qe_ban.publishing.rules import audience_rules

CITY = {"370202": "市南区", "370203": "市北区"}


def told(districts, own=None):
    content = {"blocks": [{"aim": {"districts": districts}}]}
    return [(fault.place, fault.severity, fault.message) for fault in audience_rules.faults(content, CITY, own)]


def test_a_district_that_the_city_has_not_is_an_error():
    assert told(["370202", "999999"]) == [("blocks.0.aim.districts", "error", "没有这个区划代码：999999")]


def test_a_block_that_a_districts_own_page_never_shows_is_warned_of():
    assert told(["370203"], "370202") == [("blocks.0.aim.districts", "warning", "本分厅属于市南区，此区块不会显示")]
    assert told(["370203", "370202"], "370202") == []
    assert told([], "370202") == []


@pytest.mark.parametrize("odd", [None, "370202", 1, [1], ["37"], [None], {}], ids=repr)
def test_what_is_no_list_of_codes_is_left_to_its_shape(odd):
    assert told(odd) == []


@pytest.mark.parametrize("content", [{}, {"blocks": None}, {"blocks": 3}, {"blocks": ["a", {"aim": 1}]}], ids=repr)
def test_what_is_no_page_has_no_aims(content):
    assert list(audience_rules.faults(content, CITY)) == []
