"""What is wrong with a content is told, whatever it holds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qe_ban.items.rules.checks import faults
from qe_ban.items.rules.fields import ITEM, TABLES
from qe_ban.kernel import field_types
from qe_ban.kernel.field_types import is_link
from tests.factories.items import content, department_code, full_content

DEPARTMENT = department_code()
NAMES = [field.name for field in ITEM] + [table.name for table in TABLES]
ROW_NAMES = [field.name for table in TABLES for field in table.fields]

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(ROW_NAMES) | st.text(), inner, max_size=4)
    ),
    max_leaves=10,
)


def errors(**changed):
    return {
        fault.place: fault.message for fault in faults(full_content(DEPARTMENT, **changed)) if fault.severity == "error"
    }


def warnings(**changed):
    return {fault.place for fault in faults(full_content(DEPARTMENT, **changed)) if fault.severity == "warning"}


def test_a_full_and_a_least_content_have_no_faults():
    assert faults(full_content(DEPARTMENT)) == []
    assert faults(content(DEPARTMENT)) == []


@given(st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=5), anything, max_size=12))
def test_nothing_that_json_can_hold_makes_the_checks_fail(hostile):
    assert all(any("\u4e00" <= char <= "\u9fff" for char in fault.message) for fault in faults(hostile))
    faults(content(DEPARTMENT) | hostile)


def test_every_required_field_is_missed():
    required = {field.name for field in ITEM if field.required}
    assert {fault.place for fault in faults({})} == required
    for name in required:
        for absent in (None, "", []):
            assert set(errors(**{name: absent})) == {name}


@pytest.mark.parametrize("field", ITEM, ids=lambda field: field.name)
@pytest.mark.parametrize("wrong", [{"a": 1}, 1.5, [[1]], b"x"], ids=repr)
def test_a_value_of_the_wrong_type_is_named(field, wrong):
    assert field.name in errors(**{field.name: wrong})


@pytest.mark.parametrize(
    "field", [field for field in ITEM if field.type in (field_types.TEXT, field_types.LINES)], ids=lambda f: f.name
)
def test_texts_are_bounded_and_hold_nothing_that_deceives(field):
    assert field.name not in errors(**{field.name: "字" * field.max})
    assert field.name in errors(**{field.name: "字" * (field.max + 1)})
    for hostile in ("a\0b", "a\u202eb", "a\ud800b", "a\x1bb", " \u3000 ", "a\rb", "a\tb"):
        assert field.name in errors(**{field.name: hostile}), repr(hostile)
    assert (field.name in errors(**{field.name: "一\n二"})) == (field.type is field_types.TEXT)


@pytest.mark.parametrize(
    "field", [field for field in ITEM if field.type is field_types.WHOLE], ids=lambda field: field.name
)
def test_numbers_are_whole_and_bounded(field):
    for wrong in (-1, field.max + 1, True, "5", 5.0, 10**30):
        assert field.name in errors(**{field.name: wrong}), wrong


@pytest.mark.parametrize(
    "field", [field for field in ITEM if field.most != 20 or field.type is field_types.WORDS], ids=lambda f: f.name
)
def test_lists_are_bounded_and_hold_no_blanks(field):
    assert field.name in errors(**{field.name: ["词"] * (field.most + 1)})
    assert field.name in errors(**{field.name: ["词", None]})
    assert field.name in errors(**{field.name: ["词", ""]})


def test_choices_are_those_of_the_table():
    assert "item_type" in errors(item_type="行政许可")
    assert "channels" in errors(channels=["window", "pigeon"])
    assert errors(channels=["window", "window"]) == {}
    assert warnings(channels=["window", "window"]) == {"channels"}


def test_codes_have_their_shapes():
    for wrong in ("1" * 17, DEPARTMENT.lower(), "I" * 18, f"{DEPARTMENT}\n"):
        assert "department" in errors(department=wrong), wrong
    for wrong in ("37020", "市南区", "３７０２０２"):
        assert "district" in errors(district=wrong)
    for wrong in (["Up"], ["a b"], ["-a"], ["a" * 41]):
        assert "topics" in errors(topics=wrong)


def test_rows_are_checked_by_number_and_name():
    good = {"name": "身份证", "need": "required"}
    assert set(errors(materials=[good, {"name": "照片"}])) == {"materials.1.need"}
    assert set(errors(materials=[good | {"colour": "红"}])) == {"materials.0.colour"}
    assert set(errors(materials=["身份证"])) == {"materials.0"}
    assert set(errors(materials={"name": "身份证"})) == {"materials"}
    assert set(errors(materials=[good | {"copies": 101}])) == {"materials.0.copies"}
    assert set(errors(materials=[good] * 101)) == {"materials"}
    assert warnings(materials=[good, good]) == {"materials.1.name"}


def test_days_and_units_come_together_and_the_promise_is_not_longer_than_the_law():
    assert set(errors(promised_unit=None)) == {"promised_unit"}
    assert set(errors(promised_days=None)) == {"promised_days"}
    assert set(errors(promised_days=21)) == {"promised_days"}
    assert errors(promised_days=20) == {}
    assert errors(promised_days=21, promised_unit="calendar_days") == {}


def test_fees_and_being_charged_agree():
    assert set(errors(charged=False)) == {"fees"}
    assert errors(charged=True, fees=[]) == {}
    assert warnings(charged=True, fees=[]) == {"charged"}
    assert errors(charged=None) == {}


@pytest.mark.parametrize(
    "link",
    [
        "https://example.cn",
        "http://localhost:8080/a?b=c#d",
        "https://政务.cn/事项",
        "https://[2001:db8::1]/x",
        "https://192.0.2.1/",
    ],
)
def test_web_addresses_are_links(link):
    assert is_link(link)


@pytest.mark.parametrize(
    "link",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "ftp://example.cn",
        "//example.cn",
        "example.cn",
        "https://",
        "https:///path",
        "https://user:secret@example.cn",
        "https://example.cn@evil.cn",
        "https://example.cn\\@evil.cn",
        "https://exa mple.cn",
        'https://example.cn/"><script>',
        "https://example.cn/<script>",
        "https://example.cn/a b",
        "https://example.cn/\u00a0",
        "https://example.cn/\u202egpj.exe",
        "https://example.cn:99999",
        "https://example.cn:0",
        "https://[::1",
        "https://.example.cn",
        "https://exam<ple.cn",
        "HTTPS://example.cn\n",
        " https://example.cn",
    ],
)
def test_what_is_no_web_address_is_refused(link):
    assert not is_link(link)
    assert set(errors(online_url=link)) == {"online_url"}
