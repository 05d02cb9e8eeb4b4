"""Each decision has an id of its own, a date and a status, and ids that code and documents name exist."""

import re
from datetime import date

from tests.docs.documents import REPOSITORY, documents, prose, read, sources

PAGE = REPOSITORY / "docs" / "decisions.md"
STANDING = re.compile(r"`(?P<id>D-\d{3})` · (?P<date>\d{4}-\d\d-\d\d) · (?:in force|replaced by `(?P<by>D-\d{3})`)")
REFERENCE = re.compile(r"\bD-\d{3}\b")


def decisions():
    """Return title and status line of each decision."""
    lines = [line for _, line in prose(PAGE)]
    for number, line in enumerate(lines):
        if line.startswith("### "):
            yield line.removeprefix("### "), next((text for text in lines[number + 1 :] if text), "")


def ids():
    return [match["id"] for _, line in decisions() if (match := STANDING.fullmatch(line))]


def test_each_decision_has_an_id_a_date_and_a_status():
    assert [title for title, line in decisions() if not STANDING.fullmatch(line)] == []
    assert all(date.fromisoformat(STANDING.fullmatch(line)["date"]) for _, line in decisions())


def test_no_two_decisions_have_one_id_and_none_is_left_out():
    assert sorted(ids()) == [f"D-{number:03d}" for number in range(1, len(ids()) + 1)]


def test_every_id_that_is_named_is_a_decision():
    known = set(ids())
    lost = [
        f"{path.relative_to(REPOSITORY)}: {id_}"
        for path in [*documents(), *sources()]
        for id_ in REFERENCE.findall(read(path))
        if id_ not in known
    ]
    assert lost == []
