"""Each type of field is one object: what is checked, sent, described and written in a cell agrees, for every type."""

import ast
from pathlib import Path

import marshmallow
import pytest

import qe_ban
from qe_ban.items.rules import cells
from qe_ban.items.rules.names import Names
from qe_ban.kernel import field_types
from qe_ban.kernel.field_types import FIELD_TYPES, Field, FieldType
from qe_ban.web.shapes import input_field

NAMES = Names({"370202": "市南区"}, {"birth": "出生"})
DIGEST = "0123456789abcdef" * 4

GOOD = {
    field_types.TEXT: ["甲", "x" * 20],
    field_types.LINES: ["一\n二"],
    field_types.LINK: ["https://a.cn/"],
    field_types.WHOLE: [0, 20],
    field_types.FLAG: [True, False],
    field_types.CHOICE: ["a"],
    field_types.CHOICES: [["a"], ["a", "b"]],
    field_types.WORDS: [["甲", "乙"]],
    field_types.DEPARTMENT: ["11370200MB2A12345X"],
    field_types.DISTRICT: ["370202"],
    field_types.TOPICS: [["birth"]],
    field_types.SLUG: ["a", "a-1"],
    field_types.SLUGS: [["a", "b-2"]],
    field_types.MOMENT: ["2026-12-01T08:00:00+08:00"],
    field_types.DATE: ["2022-05-01"],
    field_types.MEDIA: [DIGEST],
    field_types.RICH: ["<b>一</b>\n"],
    field_types.COLOUR: ["#0b5cad"],
    field_types.ENTRY: ["370000000001", "A" * 33],
}
BAD = {
    field_types.TEXT: ["x" * 21, "一\n二", "a\0", " ", 1],
    field_types.LINES: ["x" * 21, "a\r\n", 1],
    field_types.LINK: ["x" * 21, "a\nb", 1],
    field_types.WHOLE: [-1, 21, "1", True, 1.0],
    field_types.FLAG: [0, "true"],
    field_types.CHOICE: ["c", "甲", 1],
    field_types.CHOICES: ["a", ["c"], ["a", "b", "a", "b"]],
    field_types.WORDS: ["甲", ["x" * 21], [1], ["a", "b", "c", "d"]],
    field_types.DEPARTMENT: ["11370200MB2A12345x", "1" * 17, 1],
    field_types.DISTRICT: ["37020", "3702022", "市南区", "３７０２０２"],
    field_types.TOPICS: [["A"], ["-a"], "birth"],
    field_types.SLUG: ["A", "-a", "a" * 41, "a\n"],
    field_types.SLUGS: [["A"], "a", ["a"] * 4],
    field_types.MOMENT: ["2026-12-01T08:00:00", "2026-12-01 08:00:00Z", "2026-02-30T00:00:00Z", 1],
    field_types.DATE: ["2022-5-1", "20220501", 1],
    field_types.MEDIA: [DIGEST.upper(), DIGEST[1:]],
    field_types.RICH: ["x" * 21, 1],
    field_types.COLOUR: ["#0B5CAD", "0b5cad", "#fff"],
    field_types.ENTRY: ["1" * 11, "1" * 34, "37000000000-"],
}
"""Wrong for the check and for the wire; that a link has a host, and that a day exists, only the check sees."""


def field_of(field_type: FieldType) -> Field:
    return Field("some", "某项", field_type, max=20, most=3, choices={"a": "甲", "b": "乙"})


def errors(field_type: FieldType, value: object) -> list[str]:
    field = field_of(field_type)
    return [message for message, severity in field_type.check(field, value) if severity == "error"]


def refusal_of_the_wire(field_type: FieldType, value: object) -> object:
    try:
        input_field(field_of(field_type)).deserialize(value)
    except marshmallow.ValidationError as error:
        return error.messages
    return None


by_type = pytest.mark.parametrize("field_type", FIELD_TYPES, ids=lambda field_type: field_type.name)


def test_the_list_has_every_type_once():
    constants = {name: value for name, value in vars(field_types).items() if isinstance(value, FieldType)}
    public = [value for name, value in constants.items() if not name.startswith("_")]
    assert list(FIELD_TYPES) == public
    assert [value.name for value in FIELD_TYPES] == [name.lower() for name in constants if not name.startswith("_")]
    assert set(GOOD) == set(BAD) == set(FIELD_TYPES)


@by_type
def test_what_is_right_passes_the_check_and_the_wire(field_type):
    for value in GOOD[field_type]:
        assert errors(field_type, value) == [], value
        assert refusal_of_the_wire(field_type, value) is None, value


@by_type
def test_what_is_wrong_is_refused_by_the_check_and_the_wire(field_type):
    for value in BAD[field_type]:
        assert errors(field_type, value), value
        assert refusal_of_the_wire(field_type, value), value


@by_type
def test_the_api_document_says_the_json_type_and_the_pattern(field_type):
    field = input_field(field_of(field_type))
    word = field.inner if field_type.is_list else field
    kinds = {"string": marshmallow.fields.String, "integer": marshmallow.fields.Integer}
    if field_type.format != "date-time":
        assert isinstance(word, kinds.get(field_type.json_type, marshmallow.fields.Boolean))
    if field_type.pattern is not None:
        assert word.metadata["pattern"] == f"^(?:{field_type.pattern})$"
    if field_type.description:
        assert field_type.description in field.metadata["description"]


@pytest.mark.parametrize(
    ("field_type", "value"),
    [
        (field_types.TEXT, "甲"),
        (field_types.LINES, "一\n二"),
        (field_types.LINK, "https://a.cn/"),
        (field_types.WHOLE, 7),
        (field_types.FLAG, True),
        (field_types.CHOICE, "a"),
        (field_types.CHOICES, ["a", "b"]),
        (field_types.WORDS, ["乙", "甲"]),
        (field_types.DEPARTMENT, "11370200MB2A12345X"),
        (field_types.DISTRICT, "370202"),
        (field_types.TOPICS, ["birth"]),
        (field_types.SLUG, "a-1"),
        (field_types.DATE, "2022-05-01"),
        (field_types.COLOUR, "#0b5cad"),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_a_cell_gives_what_was_written_in_it(field_type, value):
    column = field_of(field_type)
    cell = cells.write(column, value, NAMES, formulas=False)
    assert cells.reader(column, NAMES)(cells.Number(str(cell)) if isinstance(cell, int) else cell) == value


def test_no_mapping_is_keyed_by_types_of_fields():
    constants = {f"field_types.{name}" for name, value in vars(field_types).items() if isinstance(value, FieldType)}
    mappings = [
        f"{path}:{display.lineno}"
        for path in sorted(Path(qe_ban.__file__).parent.rglob("*.py"))
        for display in ast.walk(ast.parse(path.read_text()))
        if isinstance(display, ast.Dict) and constants & {ast.unparse(key) for key in display.keys if key is not None}
    ]
    assert mappings == []


def test_a_department_may_be_written_in_small_letters():
    assert cells.reader(field_of(field_types.DEPARTMENT), NAMES)("11370200mb2a12345x") == "11370200MB2A12345X"
