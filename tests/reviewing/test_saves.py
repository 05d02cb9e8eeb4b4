"""Earlier drafts: the last fifty, each for thirty days, with what they refer to."""

from datetime import timedelta

import pytest

from qe_ban.reviewing import errors
from qe_ban.reviewing.service import saves
from tests.reviewing.bylaws import BYLAWS


def list_saves(council):
    with council.database.transaction() as session:
        return {row.number: row.content["text"] for row in saves.list_saves(session, BYLAWS.tables, council.key)}


def test_each_save_is_kept_under_the_revision_that_it_made(council):
    editor = council.staff()
    for words in ("first", "second"):
        council.save(editor, words)
    assert list_saves(council) == {2: "second", 1: "first"}
    assert (council.words(-1), council.words(-2)) == ({"first"}, {"second"})
    with council.database.transaction() as session:
        assert saves.read_save(session, BYLAWS.tables, council.key, 1).saved_by == editor.id
        with pytest.raises(errors.SaveNotFound):
            saves.read_save(session, BYLAWS.tables, council.key, 3)


def test_what_came_by_a_rollback_is_kept_before_a_save_replaces_it(council):
    council.enact("first")
    council.enact("second")
    council.roll_back(council.staff(), 1)
    rolled_back = council.draft.revision
    council.save(council.staff(), "third")
    assert list_saves(council)[rolled_back] == "first"


def test_of_too_many_the_oldest_goes_with_what_it_refers_to(council, monkeypatch):
    monkeypatch.setattr(saves, "MAX_SAVES", 2)
    editor = council.staff()
    for words in ("first", "second", "third"):
        council.save(editor, words)
    assert list_saves(council) == {3: "third", 2: "second"}
    assert (council.words(-1), council.words(-2)) == (set(), {"second"})


def test_old_ones_go_with_what_they_refer_to(council):
    editor = council.staff()
    council.save(editor, "first")
    saved_at = council.now
    council.later(hours=1)
    council.save(editor, "second")
    with council.database.transaction() as session:
        saves.delete_old(session, BYLAWS, saved_at + timedelta(seconds=1))
    assert list_saves(council) == {2: "second"}
    assert (council.words(-1), council.words(-2)) == (set(), {"second"})
