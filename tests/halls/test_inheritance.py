"""A district's page over the city's: order, replacement, hiding, and that nothing is ever lost or told twice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qe_ban.halls.rules import inheritance
from qe_ban.halls.rules.inheritance import OF_CITY, faults, merge

IDS = "abcdef"
OWN = "vwxyz"


def page(*blocks, **fields):
    return {"blocks": [{"id": block} if isinstance(block, str) else block for block in blocks], **fields}


def own(name, **relations):
    return {"id": name, "type": "rich_text", **relations}


def ids(city, mine):
    return [block["id"] for block in merge(city, mine)]


CITY = page("a", "b", "c")


@pytest.mark.parametrize(
    ("mine", "order"),
    [
        (page(), "abc"),
        ({}, "abc"),
        (page(own("x"), own("y")), "xyabc"),
        (page(own("x", replaces="b")), "axc"),
        (page(hides=["a", "c"]), "b"),
        (page(hides=["a", "gone"]), "bc"),
        (page(own("x", after="a")), "axbc"),
        (page(own("x", after="c"), own("y", after="x"), own("z", after="a")), "azbcxy"),
        (page(own("y", after="x"), own("x", after="a")), "axybc"),
        (page(own("x", after="a"), own("y", after="a")), "axybc"),
        (page(own("x"), own("y", after="x")), "xyabc"),
        # what stands after a hidden or replaced block stands where it would be
        (page(own("x", after="b"), hides=["b"]), "axc"),
        (page(own("x", replaces="b"), own("y", after="b"), own("z", after="x")), "axzyc"),
        # what names a block that is gone comes last, and is still there
        (page(own("x", after="gone"), own("y", after="x"), own("z")), "zabcxy"),
        (page(own("x", replaces="gone"), own("y")), "yabcx"),
        (page(own("x", replaces="gone", after="a")), "axbc"),
        # refused when written: here nothing may vanish
        (page(own("x", after="y"), own("y", after="x")), "abcxy"),
        (page(own("x", after="x")), "abcx"),
        (page(own("x", replaces="b"), own("y", replaces="b")), "axyc"),
        (page(own("x", replaces="b"), hides=["b"]), "axc"),
        (page(own("a", replaces="a")), "abc"),
    ],
)
def test_a_district_lays_its_blocks_over_the_citys(mine, order):
    assert "".join(ids(CITY, mine)) == order


def test_the_replacement_is_the_districts_and_relations_are_not_shown():
    shown = merge(CITY, page(own("b", replaces="b"), own("x", after="b")))
    assert [block["id"] for block in shown] == ["a", "b", "x", "c"]
    assert "type" in shown[1]
    assert all("replaces" not in block and "after" not in block for block in shown)


def test_a_block_of_the_city_that_comes_with_a_districts_id_gets_another():
    assert ids(CITY, page(own("b"), own("x", after="b"))) == ["b", "x", "a", f"{OF_CITY}b", "c"]


def test_the_citys_own_content_is_not_changed():
    city = page(own("a"), own("b"))
    merge(city, page(own("a"), own("x", replaces="b")))
    assert city == page(own("a"), own("b"))


@st.composite
def districts(draw):
    names = draw(st.lists(st.sampled_from([*OWN, *IDS]), unique=True, max_size=6))
    target = st.one_of(st.none(), st.sampled_from([*IDS, *OWN, "gone"]))
    blocks = []
    for name in names:
        said = {"replaces": draw(target), "after": draw(target)}
        blocks.append(own(name, **{field: value for field, value in said.items() if value is not None}))
    return page(*blocks, hides=draw(st.lists(st.sampled_from([*IDS, "gone"]), unique=True)))


@given(st.lists(st.sampled_from(IDS), unique=True), districts())
def test_every_block_is_shown_once_in_the_citys_order_unless_replaced_or_hidden(names, mine):
    shown = merge(page(*names), mine)
    mine_ids = [block["id"] for block in mine["blocks"]]
    citys = [block for block in shown if "type" not in block]
    gone = {block.get("replaces") for block in mine["blocks"]} | set(mine["hides"])
    assert [block["id"].removeprefix(OF_CITY) for block in citys] == [name for name in names if name not in gone]
    assert sorted(block["id"] for block in shown if "type" in block) == sorted(mine_ids)
    assert len({block["id"] for block in shown}) == len(shown)


@given(st.lists(st.sampled_from(IDS), unique=True, min_size=1), districts())
def test_what_replaces_stands_in_the_place(names, mine):
    order = [block["id"] for block in merge(page(*names), mine)]
    for block in mine["blocks"]:
        replaced = block.get("replaces")
        if replaced in names:
            at = order.index(block["id"])
            before = [name for name in names[: names.index(replaced)] if name in order and name not in mine_ids(mine)]
            behind = [name for name in names[names.index(replaced) + 1 :] if name in order]
            assert all(order.index(name) < at for name in before)
            assert all(order.index(name) > at for name in behind if name not in mine_ids(mine))


def mine_ids(mine):
    return {block["id"] for block in mine["blocks"]}


def told(mine, city=CITY):
    return [(fault.place, fault.severity) for fault in faults(mine, city)]


@pytest.mark.parametrize(
    ("mine", "found"),
    [
        (page(own("x", replaces="b"), own("y", after="x"), own("z", after="a"), hides=["c"]), []),
        (page(own("b")), [("blocks.0.id", "error")]),
        (page(own("b", replaces="b")), []),
        (page(own("b"), own("x", replaces="b")), []),
        (page(hides=["a", "gone"]), [("hides.1", "warning")]),
        (page(own("x", replaces="gone")), [("blocks.0.replaces", "warning")]),
        (page(own("x", after="gone")), [("blocks.0.after", "warning")]),
        (page(own("x", replaces="a", after="b")), [("blocks.0.after", "warning")]),
    ],
)
def test_what_does_not_fit_the_citys_page_is_told(mine, found):
    assert told(mine) == found


def test_a_fault_names_the_block_that_is_meant():
    (fault,) = faults(page(hides=["gone"]), CITY)
    assert "gone" in fault.message


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.fixed_dictionaries({}, optional={"hides": JSON, "blocks": JSON}))
def test_whatever_a_content_holds_it_is_looked_at(mine):
    assert all(fault.message for fault in inheritance.faults(mine, CITY))


@given(st.lists(st.fixed_dictionaries({}, optional={"id": JSON, "replaces": JSON, "after": JSON}), max_size=3))
def test_whatever_a_block_holds_it_is_looked_at(blocks):
    assert all(fault.place for fault in inheritance.faults({"blocks": blocks}, CITY))
