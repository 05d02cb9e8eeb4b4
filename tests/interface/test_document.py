"""What a maker of clients may rely on in the API document, beyond what tools check."""

import ast
import json
import re
from pathlib import Path

import qe_ban
from qe_ban.codes.service import disclosing
from tests.factories.described import resolve
from tests.interface.test_error_table import CLASSES
from tests.interface.test_openapi import DOOR

DOCUMENT = DOOR.app.test_client().get("/api/v1/openapi.json").get_json()
SCHEMAS = DOCUMENT["components"]["schemas"]
OPERATIONS = [
    (f"{method.upper()} {path}", operation)
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
    if method != "parameters"
]
CHINESE = re.compile("[\u4e00-\u9fff]")


def nodes(node):
    """Yield every object of a part of the document."""
    if isinstance(node, dict):
        yield node
        for inner in node.values():
            yield from nodes(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from nodes(inner)


def reach(*roots):
    """Return the names of the schemas that parts of the document reach."""
    names, waiting = set(), list(roots)
    while waiting:
        for node in nodes(waiting.pop()):
            target = node.get("$ref")
            if isinstance(target, str):
                name = target.rpartition("/")[2]
                if "/schemas/" in target and name not in names:
                    names.add(name)
                    waiting.append(SCHEMAS[name])
                elif "/responses/" in target:
                    waiting.append(DOCUMENT["components"]["responses"][name])
    return names


REQUEST_SCHEMAS = reach(
    *(operation.get(part, {}) for _, operation in OPERATIONS for part in ("requestBody", "parameters"))
)
ANSWER_SCHEMAS = reach(*(operation["responses"] for _, operation in OPERATIONS))


def test_every_operation_says_in_chinese_what_it_does():
    silent = [name for name, operation in OPERATIONS if not CHINESE.search(operation.get("description", ""))]
    assert silent == [], "give the route a summary_zh, as its neighbours have: @blp.route(..., summary_zh=...)"


def test_every_reference_is_to_something():
    for node in nodes(DOCUMENT):
        if isinstance(node.get("$ref"), str):
            assert resolve(DOCUMENT, node) is not None


def test_the_title_makes_the_name_of_a_package():
    assert re.fullmatch("[A-Za-z][A-Za-z0-9 ]*", DOCUMENT["info"]["title"])
    assert "青e办" in DOCUMENT["info"]["description"]


def test_every_object_of_an_answer_has_fields():
    bare = [
        name
        for name in sorted(ANSWER_SCHEMAS)
        for node in nodes(SCHEMAS[name])
        if "object" in node.get("type", ()) and not {"properties", "additionalProperties"} & set(node)
    ]
    # what is in the audit, and the figures of an alarm, differ from action to action
    assert bare == ["Alarm", "AuditEvent"]


def test_answers_are_open_and_requests_are_closed():
    for name in ANSWER_SCHEMAS:
        for node in nodes(SCHEMAS[name]):
            assert node.get("additionalProperties") is not False, name
            assert "enum" not in node or name in REQUEST_SCHEMAS, name
    names = {name for name in REQUEST_SCHEMAS if SCHEMAS[name].get("additionalProperties") is False}
    assert {"IssueRequest", "VerifyCode", "VerifyShortNumber", "RealName"} <= names


def test_nothing_is_null_by_default():
    for node in nodes(DOCUMENT):
        assert "default" not in node or node["default"] is not None


def test_each_pattern_and_each_vocabulary_stands_in_one_place():
    for key in ("pattern", "enum"):
        counts = {}
        for node in nodes(DOCUMENT):
            if isinstance(node.get(key), str | list):
                text = json.dumps(node[key])
                counts[text] = counts.get(text, 0) + 1
        assert {text: count for text, count in counts.items() if count > 5} == {}, "name it in web/components.py"


def test_conditional_writes_and_their_answers_say_their_headers():
    for name, operation in OPERATIONS:
        parameters = {resolve(DOCUMENT, one)["name"] for one in operation.get("parameters", ())}
        if "If-Match" in parameters:
            success = next(one for status, one in operation["responses"].items() if status.startswith("2"))
            assert "ETag" in success.get("headers", {}) or "204" in operation["responses"], name
            assert {"412", "428"} <= set(operation["responses"]), name
        if "304" in operation["responses"]:
            assert "If-None-Match" in parameters, name
            assert "ETag" in operation["responses"]["304"]["headers"], name


def test_a_scan_is_of_a_code_or_of_a_short_number_and_a_grant_is_one_of_four():
    assert [one["$ref"].rpartition("/")[2] for one in SCHEMAS["VerifyRequest"]["oneOf"]] == [
        "VerifyCode",
        "VerifyShortNumber",
    ]
    assert "short_number" not in SCHEMAS["VerifyCode"]["properties"]
    assert set(SCHEMAS["TokenRequest"]["discriminator"]["mapping"]) == {
        "otp", "password", "client_credentials", "refresh_token",
    }  # fmt: skip


def test_an_operation_lists_the_codes_that_it_may_answer_by_status():
    codes = DOCUMENT["paths"]["/api/v1/codes/verify"]["post"]["x-error-codes"]
    assert codes["409"] == ["codes.scan_id_reused"]
    assert set(codes["401"]) == {"unauthenticated", "accounts.token_invalid", "codes.scanner_revoked"}
    assert {"codes.contended", "database_unavailable", "overloaded"} <= set(codes["503"])
    grants = DOCUMENT["paths"]["/api/v1/auth/token"]["post"]["x-error-codes"]
    assert {"accounts.otp_refused", "accounts.refresh_reused", "invalid_fields"} <= set(grants["400"])
    for name, operation in OPERATIONS:
        assert set(operation["x-error-codes"]) <= set(operation["responses"]), name


def test_a_holder_is_described_with_every_field_that_a_purpose_may_disclose():
    assert set(SCHEMAS["Holder"]["properties"]) == set(disclosing.DISCLOSED_BY)


def facts():
    """Yield the names of the facts that the code gives to errors that are answered."""
    names, of_categories = {cls.__name__ for cls in CLASSES}, {"fields", "errors", "headers"}
    for file in Path(qe_ban.__path__[0]).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in names:
                yield from (keyword.arg for keyword in node.keywords if keyword.arg not in of_categories)


def test_a_problem_is_described_with_every_fact_that_an_error_tells():
    names = set(facts())
    assert "earliest_settlement_at" in names, "the walk sees the facts that are known"
    properties = SCHEMAS["Problem"]["properties"]
    assert names <= set(properties)
    assert [name for name in names if not {"type", "$ref"} & set(properties[name])] == [], "each has a type"


def test_a_scans_detail_is_described_with_the_texts_to_show():
    assert set(SCHEMAS["ScanDetail"]["properties"]) == {"meal", "keyboard", "consent"}


def test_files_say_under_which_name_they_are_kept():
    for path in ("/codes/ledger/export", "/items/export", "/items/imports/template"):
        answer = DOCUMENT["paths"][f"/api/v1{path}"]["get"]["responses"]["200"]
        assert "Content-Disposition" in answer["headers"], path


def test_a_step_up_promises_no_refresh_token():
    assert "refresh_token" not in SCHEMAS["SteppedUp"]["properties"]
