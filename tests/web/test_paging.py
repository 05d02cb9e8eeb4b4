"""Pages and their cursors."""

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from qe_ban.web import fields, guard, paging
from qe_ban.web.api import Blueprint
from qe_ban.web.schema import Schema

ROWS = list(range(45))


class RowSchema(Schema):
    """A row."""

    n = fields.Whole(required=True)


blp = Blueprint("rows", url_prefix="/rows")


@blp.route("")
@guard.anyone
@blp.query(paging.PageQuery)
@blp.response(200, paging.page_schema(RowSchema))
def rows(query: dict[str, object]) -> dict[str, object]:
    after = -1
    if query["cursor"] is not None:
        (after,) = paging.decode(str(query["cursor"]), int)
    limit = int(str(query["limit"]))
    found = [{"n": n} for n in ROWS if n > after][: limit + 1]
    return paging.page(found, limit, lambda row: [row["n"]])


@pytest.fixture
def client(edge_app) -> FlaskClient:
    return edge_app(blp)


@pytest.mark.parametrize("limit", [1, 20, 44, 45, 100])
def test_pages_join_to_the_whole(client, limit):
    seen, cursor = [], ""
    while True:
        page = client.get(f"/api/v1/rows?limit={limit}{cursor}").json
        assert set(page) == {"items", "next"}
        assert len(page["items"]) <= limit
        seen += [row["n"] for row in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert seen == ROWS


@pytest.mark.parametrize(
    "cursor",
    ["a", "____", "W10", "WzFd=", paging.encode(["1"]), paging.encode([1, 2]), paging.encode({"n": 1}),
     paging.encode([True]), paging.encode([2**63]), paging.encode([1]) + "AA", "WyAxXQ"],
)  # fmt: skip
def test_a_cursor_that_was_never_given_is_422(client, cursor):
    answer = client.get("/api/v1/rows", query_string={"cursor": cursor})
    assert answer.status_code == 422
    assert list(answer.json["errors"]) == ["cursor"]


def test_a_page_schema_is_made_once():
    assert paging.page_schema(RowSchema) is paging.page_schema(RowSchema)
    assert paging.page_schema(RowSchema).__name__ == "RowPageSchema"


@given(
    st.lists(
        st.integers(-(10**18), 10**18) | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
    )
)
def test_a_cursor_gives_back_what_it_was_made_of(value):
    assert paging.decode(paging.encode(value)) == value


@given(st.text(max_size=50))
def test_no_text_breaks_the_reading_of_cursors(text):
    try:
        value = paging.decode(text)
    except paging.BadCursor:
        return
    assert paging.encode(value) == text
