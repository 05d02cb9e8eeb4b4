"""Pages and their cursors."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from qe_ban.web import fields, guard, paging, requests
from qe_ban.web.api import Blueprint
from qe_ban.web.schema import Schema

ROWS = list(range(45))
PLAIN = Flask(__name__)


class RowSchema(Schema):
    """A row."""

    n = fields.Whole(required=True)


class RowsQuery(paging.PageQuery):
    """A filter that leaves all rows in, so that only the binding can notice a foreign cursor."""

    kind = fields.Text(1, 10, load_default="any", allow_none=False)
    near = fields.Text(1, 10, load_default=None, allow_none=False)


blp = Blueprint("rows", url_prefix="/rows")


@blp.route("/others", endpoint="others")
@blp.route("")
@guard.anyone
@blp.query(RowsQuery)
@blp.response(200, paging.page_schema(RowSchema))
def rows(query: dict[str, object]) -> dict[str, object]:
    after = -1
    if query["cursor"] is not None:
        (after,) = paging.decode(str(query["cursor"]), int)
    limit = int(str(query["limit"]))
    selection = [{"n": n} for n in ROWS if n > after][: limit + 1]
    return paging.page(selection, limit, lambda row: [row["n"]])


@pytest.fixture
def client(edge_app) -> FlaskClient:
    return edge_app(blp)


@pytest.mark.parametrize("limit", [1, 20, 44, 45, 100])
def test_pages_join_to_the_whole(client, limit):
    numbers, cursor = [], ""
    while True:
        page = client.get(f"/api/v1/rows?limit={limit}{cursor}").json
        assert set(page) == {"items", "next"}
        assert len(page["items"]) <= limit
        numbers += [row["n"] for row in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert numbers == ROWS


def refused(client, cursor, path="/api/v1/rows", **filters) -> bool:
    answer = client.get(path, query_string={"cursor": cursor} | filters)
    return (answer.status_code, list(answer.json.get("errors", ()))) == (422, ["cursor"])


@pytest.mark.parametrize("cursor", ["a", "____", "W10", "WzFd=", "W10AAAAA", "WyAxXQ"])
def test_a_cursor_that_was_never_given_is_422(client, cursor):
    assert refused(client, cursor)


@pytest.mark.parametrize("value", [["1"], [1, 2], {"n": 1}, [True], [2**63], []])
def test_a_cursor_of_another_shape_is_422(client, value):
    with client.application.test_request_context("/api/v1/rows") as context:
        context.request.environ[requests.QUERY] = RowsQuery().load({})
        cursor, right = paging.encode(value), paging.encode([1])
    assert client.get("/api/v1/rows", query_string={"cursor": right}).status_code == 200
    assert refused(client, cursor)
    assert refused(client, right + "AA")


def test_a_cursor_is_of_its_own_path_and_filters(client):
    cursor = client.get("/api/v1/rows?limit=2&kind=new").json["next"]
    assert client.get("/api/v1/rows", query_string={"cursor": cursor, "kind": "new"}).json["items"][0] == {"n": 2}
    assert refused(client, cursor)
    assert refused(client, cursor, kind="old")
    assert refused(client, cursor, kind="new", near="1,1")
    assert refused(client, cursor, path="/api/v1/rows/others", kind="new")


def test_the_limit_the_order_and_a_default_that_is_said_make_no_other_query(client):
    cursor = client.get("/api/v1/rows?limit=2&near=1,1").json["next"]
    for query in (
        f"limit=7&cursor={cursor}&near=1,1",
        f"near=1%2C1&cursor={cursor}",
        f"kind=any&near=1,1&cursor={cursor}",
    ):
        assert client.get(f"/api/v1/rows?{query}").json["items"][0] == {"n": 2}


def test_a_page_schema_is_made_once():
    assert paging.page_schema(RowSchema) is paging.page_schema(RowSchema)
    assert paging.page_schema(RowSchema).__name__ == "RowPageSchema"


@given(
    st.lists(
        st.integers(-(10**18), 10**18) | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
    )
)
def test_a_cursor_gives_back_what_it_was_made_of(value):
    with PLAIN.test_request_context("/rows"):
        assert paging.decode(paging.encode(value)) == value


@given(st.text(max_size=50))
def test_no_text_breaks_the_reading_of_cursors(text):
    with PLAIN.test_request_context("/rows"):
        try:
            value = paging.decode(text)
        except paging.BadCursor:
            return
        assert paging.encode(value) == text


@pytest.mark.parametrize("limit", [1, 3, 5, 9, 15, 45])
def test_a_full_last_page_has_nothing_after_it(client, limit):
    count, cursor = 0, ""
    for _ in range(45 // limit):
        page = client.get(f"/api/v1/rows?limit={limit}{cursor}").json
        assert len(page["items"]) == limit
        count += limit
        cursor = f"&cursor={page['next']}"
    assert (count, page["next"]) == (45, None)


@pytest.mark.parametrize(("rows_selected", "has_more"), [(0, False), (1, False), (2, False), (3, True)])
def test_a_page_goes_on_only_where_more_was_selected_than_it_holds(rows_selected, has_more):
    with PLAIN.test_request_context("/rows"):
        page = paging.page(list(range(rows_selected)), 2, lambda row: [row])
    assert page["items"] == list(range(min(rows_selected, 2)))
    assert (page["next"] is not None) == has_more
