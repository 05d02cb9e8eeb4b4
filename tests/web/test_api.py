"""What a view declares is enforced and described."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest
from flask import Response
from flask.testing import FlaskClient

from qe_ban.web import fields, guard, paging
from qe_ban.web.api import Blueprint
from qe_ban.web.schema import Schema
from tests.factories.described import parameter_names

ID = "01998c00-0000-7000-8000-000000000001"


class ThingSchema(Schema):
    """A thing."""

    id = fields.Id(required=True)
    name = fields.Text(max=20, allow_none=True)
    key = fields.PublicJwk()


class NewThingSchema(Schema):
    """What makes a thing."""

    name = fields.Text(max=20, required=True)


blp = Blueprint("things", url_prefix="/things", description="Things.")


@blp.route("")
@guard.anyone
@blp.query(paging.PageQuery)
@blp.with_etag
@blp.response(200, paging.page_schema(ThingSchema))
def things(query: dict[str, object]) -> dict[str, object]:
    return {"items": [], "next": None}


@blp.route("", methods=["POST"])
@guard.requires("things.read", step_up=guard.SESSION)
@blp.arguments(NewThingSchema)
@blp.idempotent
@blp.response(201, ThingSchema)
@blp.problems(429)
def make(body: dict[str, str]) -> tuple[dict[str, object], dict[str, str]]:
    """Make a thing.

    It is made once.
    """
    return {"id": UUID(ID), "name": body["name"], "secret": 1}, {"Location": f"/api/v1/things/{ID}"}


@blp.route("/<id:thing_id>", methods=["GET"])
@guard.anyone
@blp.response(200, ThingSchema)
@blp.alternative(200, content_type="image/png")
@blp.problems(406)
def thing(thing_id: UUID) -> dict[str, object]:
    return {"id": thing_id}


@blp.route("/<id:thing_id>", methods=["PUT"])
@guard.anyone
@blp.query(paging.PageQuery)
@blp.arguments(NewThingSchema)
@blp.response(200)
def change(query: dict[str, object], body: dict[str, str], thing_id: UUID) -> dict[str, object]:
    return {"id": str(thing_id), "limit": query["limit"], "name": body["name"]}


@blp.route("/<id:thing_id>", methods=["DELETE"])
@guard.anyone
@blp.response(204)
def forget(thing_id: UUID) -> None:
    return None


@blp.route("/token", methods=["POST"])
@guard.anyone
@blp.form_or_json(NewThingSchema)
@blp.response(200)
def picture(body: dict[str, str]) -> Response:
    return Response(b"PNG", content_type="image/png")


@pytest.fixture
def client(edge_app) -> FlaskClient:
    return edge_app(blp)


@pytest.fixture
def document(client) -> dict:
    return client.get("/api/v1/openapi.json").json


def test_answers_are_shaped_by_the_schema(client):
    assert client.get(f"/api/v1/things/{ID}").json == {"id": ID}
    answer = client.delete(f"/api/v1/things/{ID}")
    assert (answer.status_code, answer.data) == (204, b"")
    assert "Content-Type" not in answer.headers


def test_a_view_may_add_headers(client, principals):
    principals["stepped"] = replace(principals["good"], stepped_up_at=datetime(2026, 10, 2, tzinfo=UTC))
    answer = client.post("/api/v1/things", json={"name": "a"}, headers={"Authorization": "Bearer stepped"})
    assert (answer.status_code, answer.json) == (201, {"id": ID, "name": "a"})
    assert answer.headers["Location"] == f"/api/v1/things/{ID}"


def test_a_finished_response_passes(client):
    answer = client.post("/api/v1/things/token", data={"name": "a"})
    assert (answer.data, answer.content_type) == (b"PNG", "image/png")


def test_query_body_and_path_arrive_in_order(client):
    answer = client.put(f"/api/v1/things/{ID}?limit=3", json={"name": "a"})
    assert answer.json == {"id": ID, "limit": 3, "name": "a"}


@pytest.mark.parametrize("text", [ID[:-1], "x", ID.replace("-", ""), ID + "0", "%00"])
def test_a_path_with_another_id_is_404(client, text):
    assert client.get(f"/api/v1/things/{text}").status_code == 404


def test_the_document_is_openapi_31_without_default_responses(document):
    assert document["openapi"] == "3.1.0"
    assert document["info"]["title"].isascii()
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    statuses = {status for operation in operations if "responses" in operation for status in operation["responses"]}
    assert "default" not in statuses
    assert all(status.isdigit() for status in statuses)


def test_an_operation_is_described_whole(document):
    operation = document["paths"]["/api/v1/things"]["post"]
    assert operation["operationId"] == "things.make"
    assert (operation["summary"], operation["description"]) == ("Make a thing.", "It is made once.")
    assert operation["security"] == [{"bearer": ["things.read"]}]
    assert operation["x-step-up"] == "session"
    assert operation["requestBody"]["required"] is True
    assert operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].endswith("/NewThing")
    assert set(operation["responses"]) == {
        "201", "400", "401", "403", "409", "411", "413", "415", "422", "429", "503",
    }  # fmt: skip
    assert operation["responses"]["401"] == {"$ref": "#/components/responses/Problem401"}
    assert parameter_names(document, operation) == {"Idempotency-Key"}


def test_problems_are_described_as_problems(document):
    problem = document["components"]["responses"]["Problem429"]
    assert list(problem["content"]) == ["application/problem+json"]
    assert problem["content"]["application/problem+json"]["schema"] == {"$ref": "#/components/schemas/Problem"}
    assert "Retry-After" in problem["headers"]


def test_reads_are_described_whole(document):
    operation = document["paths"]["/api/v1/things"]["get"]
    assert operation["security"] == []
    assert parameter_names(document, operation) == {"limit", "cursor", "If-None-Match"}
    assert set(operation["responses"]) == {"200", "304", "400", "422", "503"}
    assert operation["responses"]["200"]["content"]["application/json"]["schema"]["$ref"].endswith("/ThingPage")
    single = document["paths"]["/api/v1/things/{thing_id}"]["get"]
    assert set(single["responses"]) == {"200", "400", "404", "406", "422", "503"}
    assert set(single["responses"]["200"]["content"]) == {"application/json", "image/png"}


def test_a_token_endpoint_takes_two_kinds_of_body(document):
    content = document["paths"]["/api/v1/things/token"]["post"]["requestBody"]["content"]
    assert set(content) == {"application/json", "application/x-www-form-urlencoded"}
    assert len({json.dumps(body["schema"]) for body in content.values()}) == 1


def test_shapes_are_described_with_their_bounds(document):
    schemas = document["components"]["schemas"]
    assert schemas["NewThing"]["required"] == ["name"]
    assert schemas["NewThing"]["additionalProperties"] is False
    name = schemas["Thing"]["properties"]["name"]
    assert (name["minLength"], name["maxLength"], name["type"]) == (1, 20, ["string", "null"])
    assert set(schemas["Thing"]["properties"]["key"]["required"]) == {"kty", "crv", "x", "y"}


def test_two_apps_may_have_the_same_blueprint(edge_app, document):
    again = edge_app(blp).get("/api/v1/openapi.json").json
    assert again == document


def test_the_document_can_be_polled(client):
    tag = client.get("/api/v1/openapi.json").headers["ETag"]
    assert client.get("/api/v1/openapi.json", headers={"If-None-Match": tag}).status_code == 304


def test_the_docs_page_takes_nothing_from_elsewhere(client):
    page = client.get("/api/v1/docs")
    assert page.content_type == "text/html; charset=utf-8"
    assert "default-src 'self'" in page.headers["Content-Security-Policy"]
    assert "unsafe" not in page.headers["Content-Security-Policy"]
    assert "http:" not in page.text
    assert "https:" not in page.text
    assert "<script>" not in page.text
    for asset in ("swagger-ui.css", "swagger-ui-bundle.js", "docs.js"):
        assert f"docs/assets/{asset}" in page.text
        assert client.get(f"/api/v1/docs/assets/{asset}").status_code == 200
    assert client.get("/api/v1/docs/assets/index.html").status_code == 404
    assert client.get("/api/v1/docs/assets/..%2F..%2Fapi.py").status_code == 404
