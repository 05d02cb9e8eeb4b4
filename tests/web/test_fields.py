"""Strict fields, by loading shapes."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

import marshmallow
import pytest
from hypothesis import given
from hypothesis import strategies as st

from qe_ban.web import fields
from qe_ban.web.refusals import flatten
from qe_ban.web.schema import Schema

ID = "01998c00-0000-7000-8000-000000000001"


class Colour(StrEnum):
    RED = "red"
    GREEN = "green"


class Inner(Schema):
    n = fields.Whole(0, 9, required=True)


def load(field: marshmallow.fields.Field, value: Any) -> Any:
    return Schema.from_dict({"f": field})().load({"f": value})["f"]


def refused(field: marshmallow.fields.Field, value: Any) -> dict[str, list[str]]:
    with pytest.raises(marshmallow.ValidationError) as refusal:
        load(field, value)
    return flatten(refusal.value.messages)


@pytest.mark.parametrize("value", ["a", "青岛", "a b", "\U0001f600", "\u0627\u0644", "a\u3000b"])
def test_text_takes_what_people_write(value):
    assert load(fields.Text(), value) == value


@pytest.mark.parametrize(
    "value",
    ["", "x" * 201, "a\0", "a\nb", "a\tb", "a\x7f", "a\x85", "\ud800", "a\u202eb", "\u2066a", "\u200fa", "\u200e", 1,
     True, None, [], {}, b"a"],
)  # fmt: skip
def test_text_refuses_what_deceives_and_what_is_none(value):
    assert list(refused(fields.Text(), value)) == ["f"]


@pytest.mark.parametrize("value", ["一\n二", "\n一", "一\n\n二\n", "a"])
def test_lines_take_line_feeds(value):
    assert load(fields.Lines(), value) == value


@pytest.mark.parametrize(
    "value", ["", "\n \n", "a\r\nb", "a\tb", "a\0", "a\x0bb", "a\u202eb", "\ud800", 1, None, ["a"]]
)
def test_lines_refuse_what_text_does_and_carriage_returns(value):
    assert list(refused(fields.Lines(), value)) == ["f"]


def test_a_pattern_matches_the_whole_text():
    code = fields.Text(max=8, pattern="[a-z]+|[0-9]+")
    assert load(code, "abc") == "abc"
    for value in ("ab1", "abc\n", "١", ""):
        refused(code, value)


def test_an_exact_length_is_said_in_one_number():
    assert refused(fields.Text(6, 6), "abc") == {"f": ["长度须为 6 个字符"]}


def test_ids_are_uuids_in_small_letters_or_capitals():
    assert load(fields.Id(), ID) == load(fields.Id(), ID.upper()) == UUID(ID)
    for value in (ID.replace("-", ""), f"{{{ID}}}", f"urn:uuid:{ID}", "", 1, None, ID + "\n"):
        refused(fields.Id(), value)


def test_whole_numbers_are_neither_text_nor_fractions_nor_flags():
    assert load(fields.Whole(1, 5), 5) == 5
    for value in (0, 6, 1.0, 2.5, "3", True, None, [1], 10**30):
        refused(fields.Whole(1, 5), value)


def test_flags_are_true_or_false():
    assert load(fields.Flag(), False) is False
    for value in ("true", "yes", 1, 0, None, "on"):
        refused(fields.Flag(), value)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-10-02T08:00:00Z", datetime(2026, 10, 2, 8, tzinfo=UTC)),
        ("2026-10-02t08:00:00z", datetime(2026, 10, 2, 8, tzinfo=UTC)),
        ("2026-10-02T16:00:00.5+08:00", datetime(2026, 10, 2, 8, 0, 0, 500_000, tzinfo=UTC)),
        ("2026-10-02T08:00:00.123456789-00:00", datetime(2026, 10, 2, 8, 0, 0, 123_456, tzinfo=UTC)),
    ],
)
def test_moments_are_read_with_their_offset(text, moment):
    assert load(fields.Moment(), text) == moment


@pytest.mark.parametrize(
    "value",
    ["2026-10-02", "2026-10-02T08:00:00", "2026-10-02 08:00:00Z", "2026-02-30T08:00:00Z", "2026-10-02T25:00:00Z",
     "2026-10-02T08:00:00+25:00", "0001-01-01T00:00:00+08:00", "20261002T080000Z", 1790000000, None,
     "2026-W40-5T08:00:00Z", "9999-12-31T23:59:59-23:59", "２０２６-10-02T08:00:00Z"],
)  # fmt: skip
def test_moments_without_offset_or_off_the_calendar_are_refused(value):
    refused(fields.Moment(), value)


def test_moments_are_given_to_the_second_in_utc():
    shape = Schema.from_dict({"at": fields.Moment(), "none": fields.Moment()})()
    given_out = shape.dump({"at": datetime.fromisoformat("2026-10-02T16:00:00.9+08:00"), "none": None})
    assert given_out == {"at": "2026-10-02T08:00:00Z", "none": None}


def test_choices_are_members_or_words():
    assert load(fields.Choice(Colour), "red") is Colour.RED
    assert load(fields.Choice(["a", "b"]), "b") == "b"
    for value in ("RED", "blue", "", None, 1, ["red"], {}):
        assert refused(fields.Choice(Colour), value)
    shape = Schema.from_dict({"c": fields.Choice(Colour), "d": fields.Choice(["a"])})()
    assert shape.dump({"c": Colour.GREEN, "d": "a"}) == {"c": "green", "d": "a"}


def test_lists_are_bounded_and_their_faults_have_a_place():
    many = fields.Many(fields.Nested(Inner), max=2, min=1)
    assert load(many, [{"n": 1}]) == [{"n": 1}]
    assert refused(many, []) == {"f": ["须有 1 至 2 项"]}
    assert refused(many, [{"n": 1}] * 3) == {"f": ["须有 1 至 2 项"]}
    assert refused(many, [{"n": 1}, {"n": 10}]) == {"f.1.n": ["须在 0 至 9 之间"]}
    assert refused(many, [{"n": 1, "x": 1}]) == {"f.0.x": ["未知的字段"]}
    assert refused(many, [1]) == {"f.0": ["须为 JSON 对象"]}
    assert refused(many, {"n": 1}) == {"f": ["须为列表"]}


def test_every_message_is_chinese():
    shape = Schema.from_dict(
        {
            "a": fields.Text(required=True),
            "b": fields.Nested(Inner),
            "c": fields.Flag(),
            "d": fields.Choice(Colour),
            "e": fields.Id(),
            "g": fields.Moment(),
            "h": fields.Whole(),
        }
    )()
    errors = shape.validate({"b": None, "c": None, "d": 1, "e": 1, "g": 1, "h": "x", "zzz": 1})
    texts = [text for texts in flatten(errors).values() for text in texts]
    assert len(texts) == 8
    assert all(any("\u4e00" <= character <= "\u9fff" for character in text) for text in texts)


def test_free_json_is_for_answers_only():
    shape = Schema.from_dict({"f": fields.Anything()})()
    assert shape.dump({"f": {"any": [1]}}) == {"f": {"any": [1]}}
    assert shape.validate({"f": 1})


@given(st.text())
def test_text_that_is_taken_has_no_forbidden_character(value):
    try:
        text = load(fields.Text(0, 10_000), value)
    except marshmallow.ValidationError:
        return
    text.encode()
    assert text == value
    assert all(character >= " " for character in text)


@given(st.text() | st.from_regex(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})", fullmatch=True))
def test_no_text_breaks_the_reading_of_moments(value):
    try:
        moment = load(fields.Moment(), value)
    except marshmallow.ValidationError:
        return
    assert moment.tzinfo is UTC
