"""Texts and lists of words in cells: what is written is read again as it was."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qe_ban.items.rules import spelling

TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n"), min_size=1, max_size=30)
TRICKY = st.text("'\"=+-@无、；;，, \n　a", min_size=1, max_size=12)
WORDS = (TEXTS | TRICKY).filter(lambda word: word.strip())


@given(TEXTS | TRICKY, st.booleans())
def test_a_text_is_read_as_it_was_written(text, formulas):
    assert spelling.read(spelling.written(text, formulas=formulas)) == text


@given(st.lists(WORDS, max_size=6), st.booleans())
def test_words_are_read_as_they_were_written(words, formulas):
    cell = spelling.written(spelling.joined(words), formulas=formulas)
    assert spelling.split(spelling.read(cell)) == words


@given(TEXTS | TRICKY)
def test_no_written_text_begins_a_formula_or_means_none(text):
    cell = spelling.written(text, formulas=True)
    assert not cell.startswith(("=", "+", "-", "@"))
    assert not spelling.is_none(cell)


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("  社保卡　", "社保卡"),
        ("=1+1", "=1+1"),
        ("'=1+1", "=1+1"),
        ("''=1", "'=1"),
        ("'quoted", "'quoted"),
        ("a\r\nb\rc", "a\nb\nc"),
    ],
)
def test_what_people_typed(cell, text):
    assert spelling.read(cell) == text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("社保卡、医保卡", ["社保卡", "医保卡"]),
        ("社保卡；医保卡;养老，失业,工伤\n生育", ["社保卡", "医保卡", "养老", "失业", "工伤", "生育"]),
        ("、、社保卡 、", ["社保卡"]),
        ('"社保卡、医保卡"、养老', ["社保卡、医保卡", "养老"]),
        ('他说"好"', ['他说"好"']),
        ("", []),
    ],
)
def test_lists_as_people_type_them(text, words):
    assert spelling.split(text) == words


@pytest.mark.parametrize("text", ['"社保卡', '"社保卡"医保卡', '养老、"失业'])
def test_quotes_that_do_not_match_are_refused(text):
    with pytest.raises(ValueError, match="quote"):
        spelling.split(text)
