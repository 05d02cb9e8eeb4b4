"""What no text of people holds, and what shows nothing."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qe_ban.kernel import texts


@pytest.mark.parametrize(
    "char",
    ["\0", "\x1b", "\x85", "\u061c", "\u180e", "\u200b", "\u2028", "\u202e", "\u2060", "\ufeff", "\ufffe", "\ud800"],
    ids=ascii,
)
def test_what_nobody_sees_is_in_no_text(char):
    assert texts.FORBIDDEN.search(f"名{char}称")
    assert texts.FORBIDDEN_IN_LINES.search(f"名{char}称")


def test_only_text_of_several_lines_has_line_feeds():
    assert texts.FORBIDDEN.search("a\nb")
    assert not texts.FORBIDDEN_IN_LINES.search("a\nb")


@pytest.mark.parametrize("text", ["社会保障卡（补领）", "é", "👨\u200d👩\u200d👧", "𠮷", "a b"])
def test_what_people_write_is(text):
    assert not texts.FORBIDDEN.search(text)
    assert not texts.is_blank(text)


@pytest.mark.parametrize(
    "text", ["", " ", "\u3000", "\u200d", "\U000e0041", " \u200d ", "\u3164", "\u2800\u115f"], ids=ascii
)
def test_a_text_that_shows_nothing_is_blank(text):
    assert texts.is_blank(text)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_the_description_says_what_the_check_does(text):
    # without the anchors: in Python, other than in JavaScript, $ also matches before a last line feed
    assert bool(re.fullmatch(texts.ALLOWED_PATTERN[1:-1], text)) is not bool(texts.FORBIDDEN.search(text))
    lines = texts.ALLOWED_IN_LINES[1:-1]
    assert bool(re.fullmatch(lines, text)) is not bool(texts.FORBIDDEN_IN_LINES.search(text))
