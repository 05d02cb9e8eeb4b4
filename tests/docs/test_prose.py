"""Documents are short lines of prose, and the first page is short."""

import pytest

from tests.docs.documents import REPOSITORY, documents, prose

MAX_COLUMNS = 120
MAX_BYTES = {"README.md": 4096, "README.zh-CN.md": 6144}
# made by `make interface`: a line is a field
GENERATED = {"interface.zh-CN.md"}


def is_prose(line):
    """Tables, pictures, and a single word that cannot be broken are no prose."""
    return not line.lstrip().startswith(("|", "<")) and " " in line.strip().lstrip("-*0123456789. ")


def long_lines(path):
    for number, line in prose(path):
        if is_prose(line) and len(line) >= MAX_COLUMNS:
            yield f"{path.relative_to(REPOSITORY)}:{number}: {len(line)}"


def test_lines_of_prose_are_under_120_columns():
    pages = [path for path in documents() if path.name not in GENERATED]
    assert [line for path in pages for line in long_lines(path)] == []


@pytest.mark.parametrize("name", MAX_BYTES)
def test_the_first_page_is_short(name):
    assert (REPOSITORY / name).stat().st_size <= MAX_BYTES[name]
