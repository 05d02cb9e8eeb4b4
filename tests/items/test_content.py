"""Canonical contents, digests and differences."""

import json

from hypothesis import given
from hypothesis import strategies as st

from qe_ban.items.rules.content import canonical, changes, digest, encoded, faults
from qe_ban.items.rules.fields import ITEM, TABLES
from qe_ban.kernel import field_types
from qe_ban.kernel.field_types import Field
from tests.factories.items import content, department_code, full_content

DEPARTMENT = department_code()
TEXT = st.text(alphabet="申领办证abc 1", min_size=1, max_size=6).filter(str.strip)
BY_TYPE = {
    field_types.TEXT: lambda _: TEXT,
    field_types.LINES: lambda _: TEXT,
    field_types.LINK: lambda _: st.sampled_from(["https://a.cn", "http://b.cn/x"]),
    field_types.WHOLE: lambda field: st.integers(0, field.max),
    field_types.FLAG: lambda _: st.booleans(),
    field_types.CHOICE: lambda field: st.sampled_from(list(field.choices)),
    field_types.CHOICES: lambda field: st.lists(st.sampled_from(list(field.choices)), min_size=1, max_size=4),
    field_types.WORDS: lambda _: st.lists(TEXT, min_size=1, max_size=3),
    field_types.DEPARTMENT: lambda _: st.just(DEPARTMENT),
    field_types.DISTRICT: lambda _: st.sampled_from(["370202", "370212"]),
    field_types.TOPICS: lambda _: st.lists(st.sampled_from(["birth", "work", "old-age"]), min_size=1, max_size=4),
}


def value(field: Field):
    made = BY_TYPE[field.type](field)
    if field.required:
        return made
    return made | st.sampled_from([None, [] if field.type.is_list else ""])


def row(fields):
    return st.fixed_dictionaries(
        {field.name: value(field) for field in fields if field.required},
        optional={field.name: value(field) for field in fields if not field.required},
    )


contents = st.builds(
    lambda said, tables: said | tables,
    row(ITEM),
    st.fixed_dictionaries({}, optional={table.name: st.lists(row(table.fields), max_size=3) for table in TABLES}),
)


@given(contents)
def test_the_canonical_form_is_its_own_and_survives_json(said):
    plain = canonical(said)
    assert canonical(plain) == plain
    assert json.loads(encoded(plain)) == plain
    assert digest(said) == digest(plain)
    assert changes(said, plain) == []


@given(contents, contents)
def test_two_contents_differ_exactly_when_their_digests_do(before, after):
    assert (changes(before, after) == []) == (digest(before) == digest(after))


@given(contents, st.sampled_from([field.name for field in ITEM]), contents)
def test_one_changed_field_is_one_difference(said, name, other):
    changed = said | {name: other.get(name)}
    found = changes(said, changed)
    assert {change.field for change in found} <= {name}
    assert (found == []) == (digest(said) == digest(changed))


@given(contents)
def test_the_order_of_keys_and_sets_makes_no_difference(said):
    turned = dict(reversed(said.items()))
    for name in ("audiences", "channels", "topics"):
        if turned.get(name):
            turned[name] = [*reversed(turned[name]), turned[name][0]]
    assert digest(turned) == digest(said)
    assert changes(said, turned) == []


def test_what_is_not_told_is_left_out():
    said = content(DEPARTMENT, phone="", aliases=[], summary=None, materials=[], charged=False, visits=0)
    assert canonical(said) == content(DEPARTMENT, charged=False, visits=0)
    assert digest(said) == digest(content(DEPARTMENT, charged=False, visits=0))


def test_words_keep_their_order_and_sets_do_not():
    assert canonical(content(DEPARTMENT, aliases=["乙", "甲", "乙"]))["aliases"] == ["乙", "甲"]
    assert canonical(content(DEPARTMENT, channels=["window", "app"]))["channels"] == ["app", "window"]


def test_rows_are_recognised_by_their_key():
    before = [{"name": "身份证", "need": "required"}, {"name": "照片", "need": "later", "copies": 1}]
    after = [{"name": "照片", "need": "later", "copies": 2}, {"name": "户口簿", "need": "optional"}]
    found = changes(content(DEPARTMENT, materials=before), content(DEPARTMENT, materials=after))
    assert [(one.field, one.heading, one.before, one.after) for one in found] == [
        ("materials", "材料：身份证", before[0], None),
        ("materials", "材料：照片", {"copies": 1}, {"copies": 2}),
        ("materials", "材料：户口簿", None, after[1]),
    ]


def test_a_changed_order_of_rows_is_a_difference_and_so_is_a_second_one_of_a_name():
    rows = [{"name": name, "need": "required"} for name in ("甲", "乙")]
    found = changes(content(DEPARTMENT, materials=rows), content(DEPARTMENT, materials=rows[::-1]))
    assert [(one.heading, one.before, one.after) for one in found] == [("材料的顺序", ["甲", "乙"], ["乙", "甲"])]
    twice = changes(content(DEPARTMENT, materials=rows[:1]), content(DEPARTMENT, materials=rows[:1] * 2))
    assert [(one.before, one.after) for one in twice] == [(None, rows[0])]


@given(contents)
def test_generated_contents_have_no_errors_but_those_between_fields(said):
    between = {"statutory_days", "statutory_unit", "promised_days", "promised_unit", "fees"}
    assert {fault.place for fault in faults(said) if fault.severity == "error"} <= between


def test_a_full_content_differs_from_the_least_in_every_field_told():
    full, least = full_content(DEPARTMENT), content(DEPARTMENT)
    told = {change.field for change in changes(least, full)}
    assert told == {name for name in full if full[name] != least.get(name)}
