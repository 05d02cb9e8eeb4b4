"""Cells to values and back, and the sentence that each wrong cell gets."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qe_ban.items.rules import cells
from qe_ban.items.rules.cells import Broken, CellFault, Formula, Number
from qe_ban.items.rules.fields import ITEM, TABLES
from qe_ban.items.rules.names import Names
from qe_ban.kernel import field_types, texts
from qe_ban.kernel.clock import CITY_TIME

NAMES = Names(
    {"370202": "市南区", "370211": "黄岛区(西海岸新区)", "370281": "胶州市"},
    {"birth": "出生", "firm-birth": "出生", "retire": "退休养老", "odd": "birth"},
)
FIELDS = {field.name: field for field in ITEM}
ALL = [*ITEM, *(field for table in TABLES for field in table.fields)]
TEXT = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Cf", "Cn", "Co", "Zl", "Zp"]), min_size=1, max_size=40
).filter(str.strip)
LINES = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Cf", "Cn", "Co", "Zl", "Zp"], include_characters="\n"),
    min_size=1,
    max_size=40,
).filter(str.strip)


def values(field):
    """What a field may hold."""
    match field.type:
        case field_types.WHOLE:
            return st.integers(0, field.max)
        case field_types.FLAG:
            return st.booleans()
        case field_types.CHOICE:
            return st.sampled_from(list(field.choices))
        case field_types.CHOICES:
            return st.sets(st.sampled_from(list(field.choices)), min_size=1).map(sorted)
        case field_types.WORDS:
            return st.lists(TEXT, min_size=1, max_size=5)
        case field_types.DISTRICT:
            return st.sampled_from(list(NAMES.districts))
        case field_types.TOPICS:
            return st.sets(st.sampled_from(list(NAMES.topics)), min_size=1).map(sorted)
        case field_types.DEPARTMENT:
            return st.from_regex("[0-9A-HJ-NPQRTUWXY]{18}", fullmatch=True)
        case field_types.LINES:
            return LINES
    return TEXT


@pytest.mark.parametrize("field", ALL, ids=lambda field: field.name)
@given(data=st.data(), formulas=st.booleans())
def test_every_field_is_read_as_it_was_written(field, data, formulas):
    value = data.draw(values(field))
    cell = cells.write(field, value, NAMES, formulas=formulas)
    raw = Number(str(cell)) if isinstance(cell, int) and not formulas else str(cell)
    assert cells.reader(field, NAMES)(raw) == value


@pytest.mark.parametrize("field", ALL, ids=lambda field: field.name)
@given(raw=st.text(max_size=30) | st.text("0123456789.Ee+-、；是否无\"'=年月日: \n\t\0", max_size=12))
def test_any_text_is_a_value_or_a_chinese_sentence(field, raw):
    said = ""
    try:
        cells.reader(field, NAMES)(raw)
    except CellFault as fault:
        said = str(fault)
    assert not said or any("\u4e00" <= char <= "\u9fff" for char in said)
    # it is stored, and shown beside the row
    assert not texts.FORBIDDEN.search(said)


@pytest.mark.parametrize("field", ALL, ids=lambda field: field.name)
def test_an_empty_cell_is_no_value(field):
    for raw in ("", "   ", "　\n"):
        assert cells.reader(field, NAMES)(raw) in (None, [])


@pytest.mark.parametrize("field", ALL, ids=lambda field: field.name)
@pytest.mark.parametrize(("raw", "told"), [(Formula(), "公式"), (Broken("#N/A"), "#N/A")])
def test_no_field_takes_a_formula_or_an_error(field, raw, told):
    if field.type in (field_types.WHOLE, field_types.DISTRICT, field_types.FLAG) and isinstance(raw, Number):
        return
    with pytest.raises(CellFault, match=told):
        cells.reader(field, NAMES)(raw)


@pytest.mark.parametrize("name", ["name", "phone", "department", "aliases", "conditions", "item_type"])
@pytest.mark.parametrize("raw", [Number("1.1E+30"), Number("12345"), datetime(2026, 1, 1), True])  # noqa: DTZ001
def test_a_text_is_never_made_of_a_number_a_date_or_a_truth(name, raw):
    with pytest.raises(CellFault, match="文本"):
        cells.reader(FIELDS[name], NAMES)(raw)


@pytest.mark.parametrize("raw", [Number("1.1E+30"), Number("113702000000000000"), Number("5")])
def test_a_code_that_is_a_number_is_never_guessed(raw):
    with pytest.raises(CellFault, match="须为文本格式"):
        cells.code(raw)


@pytest.mark.parametrize(
    ("raw", "value"), [(Number("5"), 5), (Number("1.0"), 1), ("20", 20), ("２０", 20), (" 7 ", 7), ("", None)]
)
def test_whole_numbers(raw, value):
    assert cells.reader(FIELDS["promised_days"], NAMES)(raw) == value


@pytest.mark.parametrize(
    "raw", [Number("1.5"), Number("1E2"), Number("-1"), "五", "5天", "1e3", True, Number("9" * 16)]
)
def test_what_is_no_whole_number(raw):
    with pytest.raises(CellFault):
        cells.reader(FIELDS["promised_days"], NAMES)(raw)


@pytest.mark.parametrize(("raw", "value"), [("是", True), ("否", False), (True, True), (False, False)])
def test_flags(raw, value):
    assert cells.reader(FIELDS["charged"], NAMES)(raw) is value


def test_a_wrong_choice_is_told_with_what_can_be_chosen():
    with pytest.raises(CellFault, match="“行政许客”不在可选范围内，可选：行政许可、行政给付"):
        cells.reader(FIELDS["item_type"], NAMES)("行政许客")


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("市南区", "370202"),
        ("370202", "370202"),
        (Number("370202"), "370202"),
        ("黄岛区（西海岸新区）", "370211"),
        (" 胶州市 ", "370281"),
    ],
)
def test_districts_by_name_or_code(raw, code):
    assert cells.reader(FIELDS["district"], NAMES)(raw) == code


def test_topics_of_one_name_are_told_apart_by_their_slugs():
    topics = cells.reader(FIELDS["topics"], NAMES)
    assert topics("出生、退休养老") == ["birth", "retire"]
    assert topics("firm-birth") == ["firm-birth"]
    with pytest.raises(CellFault, match="没有“上学”这个主题"):
        topics("上学")


@pytest.mark.parametrize(
    "raw",
    [
        "2026-12-01 08:00",
        "2026/12/1 8:00",
        "2026.12.01 08:00:00",
        "2026年12月1日 8:00",
        "2026-12-01T08:00",
        datetime(2026, 12, 1, 8),  # noqa: DTZ001
    ],
)
def test_times_are_the_citys(raw):
    assert cells.moment(raw) == datetime(2026, 12, 1, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "raw", ["2026-13-01", "明天", "2026-02-30 08:00", "08:00", "2026-12-01 25:00", Number("46000.3")]
)
def test_what_is_no_time(raw):
    with pytest.raises(CellFault):
        cells.moment(raw)


@given(st.datetimes(datetime(1950, 1, 1), datetime(2199, 1, 1)).map(lambda moment: moment.replace(tzinfo=CITY_TIME)))  # noqa: DTZ001
def test_a_time_is_read_as_it_was_written(moment):
    assert cells.moment(cells.write_moment(moment)) == moment


def test_a_time_is_written_no_finer_than_it_is():
    moment = datetime(2026, 12, 1, 0, 0, tzinfo=UTC)
    assert cells.write_moment(moment) == "2026-12-01 08:00"
    assert cells.write_moment(moment + timedelta(seconds=1)) == "2026-12-01 08:00:01"


def test_what_is_said_of_a_long_cell_is_short():
    with pytest.raises(CellFault) as told:
        cells.reader(FIELDS["item_type"], NAMES)("很" * 30_000)
    assert len(str(told.value)) < 200


@pytest.mark.parametrize("raw", ["5.3285E+10", "1.1E+30", "#REF!", "#N/A", " #NAME? ", "#DIV/0!"])
def test_what_a_spreadsheet_program_left_of_a_text_is_no_text(raw):
    name = next(field for field in ALL if field.name == "phone")
    with pytest.raises(CellFault, match="被表格软件改写"):
        cells.reader(name, NAMES)(raw)
    # but one that really says so survives an export
    assert cells.reader(name, NAMES)(str(cells.write(name, raw.strip(), NAMES, formulas=True))) == raw.strip()
