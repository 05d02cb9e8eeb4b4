"""The database itself refuses what review forbids, for every sort of document."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from tests.reviewing.bylaws import Bylaw, BylawVersion


def refusal(council, statement, **values):
    """Return what the database says of a statement that it refuses."""
    with pytest.raises(DBAPIError) as error, council.database.transaction() as session:
        session.execute(text(statement), {"name": council.name, **values})
    return str(error.value.orig)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE bylaw_versions SET ends_at = NULL WHERE name = :name",
        "DELETE FROM bylaw_versions WHERE name = :name",
        "TRUNCATE bylaw_versions CASCADE",
    ],
)
def test_a_version_never_changes(council, statement):
    council.enact("first")
    assert "a published version never changes" in refusal(council, statement)
    assert council.text_at() == "first"


def test_nobody_reviews_or_approves_what_they_edited(council):
    editor, _ = council.bring_to_approval("first")
    assert "ck_bylaws_four_eyes" in refusal(
        council, "UPDATE bylaws SET reviewed_by = :editor WHERE name = :name", editor=editor.id
    )
    council.publish(editor)
    copy = "INSERT INTO bylaw_versions SELECT * FROM bylaw_versions WHERE name = :name"
    assert "pk_bylaw_versions" in refusal(council, copy)
    columns = [column.name for column in BylawVersion.__table__.columns]
    values = ["2" if name == "number" else "editors[1]" if name == "approved_by" else name for name in columns]
    own = f"INSERT INTO bylaw_versions ({', '.join(columns)}) SELECT {', '.join(values)} FROM bylaw_versions"
    assert "ck_bylaw_versions_four_eyes" in refusal(council, f"{own} WHERE name = :name")


@pytest.mark.parametrize(
    ("column", "value", "check"),
    [("state", "unknown", "state"), ("state", "approved", "reviewed"), ("base", 1, "base")],
)
def test_a_draft_has_a_known_state_a_reviewer_once_reviewed_and_a_base_that_was_published(
    council, column, value, check
):
    council.save(council.staff(), "first")
    statement = f"UPDATE bylaws SET {column} = :value WHERE name = :name"
    assert f"ck_bylaws_{check}" in refusal(council, statement, value=value)


def test_a_primary_key_begins_with_what_names_the_document():
    assert [column.name for column in BylawVersion.__table__.primary_key] == ["name", "number"]
    assert [column.name for column in Bylaw.__table__.primary_key] == ["name"]


def test_versions_of_pages_have_the_same_triggers(council):
    query = text(
        "SELECT tgrelid::regclass || '', pg_get_triggerdef(pg_trigger.oid), prosrc FROM pg_trigger"
        " JOIN pg_proc ON pg_proc.oid = tgfoid WHERE NOT tgisinternal AND tgrelid = CAST(:table AS regclass)"
        " ORDER BY tgname"
    )
    with council.database.transaction() as session:
        pages, bylaws = (
            [[column.replace(table, "TABLE") for column in row] for row in session.execute(query, {"table": table})]
            for table in ("page_versions", "bylaw_versions")
        )
    assert pages == bylaws
    assert len(pages) == 2
