"""The glossary names every term once, in both languages, and settles words that had two meanings."""

import re

from tests.docs.documents import REPOSITORY, prose

SETTLED = {"app", "page", "review", "draft", "case", "window", "desk", "board", "card"}


def tables():
    """Return the rows of the glossary's tables, with the heading above each."""
    heading = ""
    for _, line in prose(REPOSITORY / "docs" / "glossary.md"):
        if line.startswith("## "):
            heading = line.removeprefix("## ")
        elif line.startswith("| ") and not line.startswith("| term"):
            yield heading, [cell.strip() for cell in line.strip("|").split("|")]


def test_words_that_had_two_meanings_have_one():
    settled = {cells[0]: cells for heading, cells in tables() if heading == "One word, one meaning"}
    assert set(settled) == SETTLED
    assert all(len(cells) == 3 and cells[1] and cells[2] for cells in settled.values())


def test_each_term_has_its_chinese_and_its_meaning():
    terms = [cells for heading, cells in tables() if heading != "One word, one meaning"]
    assert len(terms) >= 100
    assert [cells for cells in terms if len(cells) != 4 or not cells[2]] == []
    assert [cells[0] for cells in terms if not re.search(r"[\u4e00-\u9fff]", cells[1])] == []


def test_no_term_stands_twice():
    terms = [cells[0] for _, cells in tables()]
    assert sorted(terms) == sorted(set(terms))
