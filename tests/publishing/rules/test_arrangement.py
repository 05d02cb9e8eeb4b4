"""A district's page over the city's: replaced once, and no circles."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qe_ban.publishing.rules import arrangement


def faults(*blocks, hides=()):
    return {
        fault.place: (fault.message, fault.severity)
        for fault in arrangement.faults({"hides": list(hides)}, blocks, district_hall=True)
    }


def test_a_block_of_the_city_is_replaced_once():
    assert faults({"id": "a", "replaces": "x"}, {"id": "b", "replaces": "y"}) == {}
    twice = faults({"id": "a", "replaces": "x"}, {"id": "b", "replaces": "x"})
    assert twice == {"blocks.1.replaces": ("第 1 个区块已替换同一市级区块", "error")}


def test_a_block_that_is_replaced_need_not_be_hidden():
    assert faults({"id": "a", "replaces": "x"}, hides=["x"])["blocks.0.replaces"][1] == "warning"


def test_no_block_stands_after_itself():
    assert faults({"id": "a", "after": "a"}) == {"blocks.0.after": ("排列顺序成环：a → a", "error")}


def test_blocks_do_not_stand_after_each_other_in_a_circle():
    found = faults({"id": "a", "after": "b"}, {"id": "b", "after": "a"}, {"id": "c", "after": "a"})
    assert found == {"blocks.0.after": ("排列顺序成环：a → b → a", "error")}


def test_a_circle_through_a_replaced_block_is_found():
    found = faults({"id": "a", "replaces": "x", "after": "b"}, {"id": "b", "after": "x"})
    assert list(found) == ["blocks.0.after"]


def test_a_chain_and_blocks_of_the_city_are_no_circle():
    assert faults({"id": "a", "after": "x"}, {"id": "b", "after": "a"}, {"id": "c", "after": "a"}) == {}


def test_a_long_circle_is_told_short():
    blocks = [{"id": f"b{number}", "after": f"b{(number + 1) % 200}"} for number in range(200)]
    (message, _), *others = faults(*blocks).values()
    assert others == []
    assert message == "排列顺序成环：b0 → b1 → b2 → b3 → … → b0"


@given(st.lists(st.integers(0, 7) | st.none(), max_size=8))
def test_a_circle_is_told_exactly_when_there_is_one(after):
    blocks = [{"id": f"b{at}"} | ({} if to is None else {"after": f"b{to}"}) for at, to in enumerate(after)]

    def comes_back(at):
        here = at
        for _ in range(9):
            here = after[here] if here is not None and here < len(after) else None
        return here is not None

    assert bool(faults(*blocks)) == any(comes_back(at) for at in range(len(after)))


@pytest.mark.parametrize("hostile", [None, 3, "a", [], {"id": 3, "after": []}, {"after": None, "replaces": {}}])
def test_whatever_a_block_is_nothing_fails(hostile):
    assert faults(hostile, {"id": "a"}, hides=[[], 3]) == {}
