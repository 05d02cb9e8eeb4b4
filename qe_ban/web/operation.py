"""The description of one operation, kept on the view the way flask-smorest keeps it, until the document is made."""

import inspect
from collections.abc import Callable, Sequence
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Final

import marshmallow

from qe_ban.web import guard, wire
from qe_ban.web.errors import PROBLEM_TYPE, TITLES, ProblemSchema

View = Callable[..., Any]
SchemaLike = type[marshmallow.Schema] | marshmallow.Schema
Description = dict[str, Any]

BEARER = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "From `POST /auth/token`."}

ANSWER_HEADERS: Final = "x-answer-headers"
"""Where the names of the headers of successes are kept until the document is finished."""

COMPONENT: Final = "x-component"
"""Where a parameter keeps the name of its component until the document is finished."""

_ALWAYS = (400, 422, 503)
_WITH_BODY = (411, 413, 415)
_AUTH_PROBLEMS = (401, 403)
_PROBLEM_HEADERS = {
    401: ("WWW-Authenticate",),
    403: ("WWW-Authenticate",),
    412: ("ETag",),
    429: ("Retry-After",),
    503: ("Retry-After",),
}
_TEXT = {"type": "string"}
HEADERS: Final[dict[str, Description]] = {
    "X-Request-Id": {"description": "The id of this call: quote it when you ask about it.", "schema": _TEXT},
    "Retry-After": {"description": "In whole seconds.", "schema": {"type": "integer", "minimum": 1}},
    "WWW-Authenticate": {"description": "RFC 6750, RFC 9470.", "schema": _TEXT},
    "ETag": {"description": "What was read, for `If-None-Match` and `If-Match`.", "schema": _TEXT},
    "Content-Disposition": {"description": "The name under which a file is kept (RFC 6266).", "schema": _TEXT},
    "Location": {"description": "The path of what was made.", "schema": _TEXT},
    "Idempotency-Replayed": {
        "description": "There where this is the first answer again.",
        "schema": {"type": "string", "const": "true"},
    },
}
"""The headers of answers, by name: components of the document."""
PARAMETERS: Final[dict[str, Description]] = {
    "IfNoneMatch": {
        "in": "header",
        "name": "If-None-Match",
        "description": "The ETag that was read: the answer is 304 where nothing has changed since.",
        "schema": _TEXT,
    },
    "IfMatch": {
        "in": "header",
        "name": "If-Match",
        "required": True,
        "description": "The ETag that was read, `*` for whatever stands. Only its part before the dot is compared.",
        "schema": _TEXT,
    },
    "IfMatchOrNew": {
        "in": "header",
        "name": "If-Match",
        "description": "To change what is there: the ETag that was read. Without it `If-None-Match: *` is wanted.",
        "schema": _TEXT,
    },
    "IfNew": {
        "in": "header",
        "name": "If-None-Match",
        "description": "`*`: to make what is not there yet. Without it `If-Match` is wanted.",
        "schema": _TEXT,
    },
    "RequestId": {
        "in": "header",
        "name": "X-Request-Id",
        "description": "The client's own name for this call: 1 to 64 letters, digits, dots, underscores, hyphens.",
        "schema": _TEXT,
    },
    "IdempotencyKey": {
        "in": "header",
        "name": "Idempotency-Key",
        "description": "A name for this attempt, of the client's making: a repeat gets the first answer.",
        "schema": {"type": "string", "pattern": "^[!-~]{1,128}$"},
    },
}
"""The headers of requests that several operations read, by the names of their components."""


def problem_responses() -> dict[str, Description]:
    """Return the components for all statuses that problems have, by name."""
    responses = {}
    for status, title in TITLES.items():
        response: Description = {
            "description": f"{_phrase(status)} ({title})",
            "content": {PROBLEM_TYPE: {"schema": ProblemSchema}},
        }
        response["headers"] = header_references("X-Request-Id", *_PROBLEM_HEADERS.get(status, ()))
        responses[_problem(status)] = response
    return responses


def json_body(schema: SchemaLike | Description) -> Description:
    """Describe a JSON body."""
    return {"manual_doc": {"requestBody": _body(schema, wire.JSON)}, "problems": _WITH_BODY}


def form_or_json_body(schema: SchemaLike | Description) -> Description:
    """Describe a body that may be a form or JSON.

    JSON comes first: what openapi-python-client makes of two types of one shape sends the last, with its own header.
    """
    return _several_types(_body(schema, wire.JSON, wire.FORM))


def file_body(content_types: Sequence[str]) -> Description:
    """Describe a body that is a file of one of these types."""
    content = {content_type: {"schema": {"type": "string", "format": "binary"}} for content_type in content_types}
    return _several_types({"required": True, "content": content})


def _several_types(body: Description) -> Description:
    """Describe a body of several types. The optional header is also what lets openapi-python-client 0.29 make it.

    Where nothing else is optional, its code names a type that it does not import.
    """
    parameters = [{**PARAMETERS["RequestId"], COMPONENT: "RequestId"}]
    return {"manual_doc": {"requestBody": body}, "parameters": parameters, "problems": _WITH_BODY}


def query(schema: SchemaLike) -> Description:
    """Describe the parameters of a query string."""
    return {"parameters": [{"in": "query", "schema": schema}], "problems": ()}


def describe(view: View, description: Description, place: str) -> None:
    """Add what a view reads, from `body` or `query`, to its description."""
    doc = _doc(view)
    doc.setdefault("qe_places", []).append(place)
    doc.setdefault("manual_doc", {}).update(description.get("manual_doc", {}))
    _parameters(doc).extend(description.get("parameters", ()))
    add_problems(view, *description["problems"])


def places(view: View) -> frozenset[str]:
    """Note what of the request a view reads: `body`, `query`, both or neither."""
    return frozenset(getattr(view, "_apidoc", {}).get("qe_places", ()))


def add_response(
    view: View,
    status: int,
    schema: SchemaLike | dict[str, Any] | None,
    content_type: str,
    description: str | None,
) -> None:
    """Add a success to a view's description; several of one status differ by content type."""
    response: Description = {"description": description or _phrase(status), "content_type": content_type}
    if schema is not None:
        response["schema"] = schema
    _responses(view).setdefault(str(status), []).append(response)


def add_problems(view: View, *statuses: int) -> None:
    """Add problems to a view's description."""
    for status in statuses:
        _responses(view)[str(status)] = [_problem(status)]


def add_etag(view: View) -> None:
    """Add the header If-None-Match and the answer 304."""
    _responses(view)["304"] = [{"description": _phrase(304), "content_type": None}]
    _add_parameters(view, "IfNoneMatch")
    add_headers(view, "ETag")


def add_idempotency_key(view: View) -> None:
    """Add the header Idempotency-Key and the problems of its use."""
    add_problems(view, 409, 422)
    _add_parameters(view, "IdempotencyKey")
    add_headers(view, "Idempotency-Replayed")


def add_precondition(view: View, *, creating: bool) -> None:
    """Add the header If-Match, where a thing can be made also If-None-Match, their problems, and the ETag."""
    add_problems(view, 412, 428)
    _add_parameters(view, *(("IfMatchOrNew", "IfNew") if creating else ("IfMatch",)))
    add_headers(view, "ETag")


def add_headers(view: View, *names: str) -> None:
    """Add headers that each success has, besides those that every answer has."""
    manual = _doc(view).setdefault("manual_doc", {})
    manual[ANSWER_HEADERS] = [*manual.get(ANSWER_HEADERS, ()), *names]


def header_references(*names: str) -> Description:
    """Return the headers of an answer, by name, as references to their components."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def finish(view: View, operation_id: str, *, has_path: bool, summary_zh: str | None) -> None:
    """Add what the guard and the path bring along, when the view gets its address."""
    declaration = guard.of(view)
    scope = declaration.scope if declaration else None
    add_problems(view, *_ALWAYS, *(_AUTH_PROBLEMS if scope else ()), *((404,) if has_path else ()))
    doc = _doc(view)
    manual = doc.setdefault("manual_doc", {})
    manual["operationId"] = operation_id
    add_headers(view, "X-Request-Id")
    if summary_zh is not None:
        more = inspect.cleandoc(view.__doc__ or "").partition("\n\n")[2]
        manual["description"] = f"{summary_zh}\n\n{more}".strip()
    manual["security"] = [{"bearer": [scope]}] if scope else []
    if declaration is not None and declaration.step_up is not None:
        manual["x-step-up"] = (
            f"{int(declaration.step_up.total_seconds())} s" if isinstance(declaration.step_up, timedelta) else "session"
        )


def _doc(view: View) -> Description:
    """Return the view's own description: `functools.wraps` shares it with the function inside."""
    doc: Description = vars(view).setdefault("_apidoc", {})
    return doc


def _responses(view: View) -> Description:
    responses: Description = _doc(view).setdefault("response", {}).setdefault("responses", {})
    return responses


def _parameters(doc: Description) -> list[Description]:
    parameters: list[Description] = doc.setdefault("arguments", {}).setdefault("parameters", [])
    return parameters


def _add_parameters(view: View, *names: str) -> None:
    """Add headers of the request, by the names of their components."""
    _parameters(_doc(view)).extend({**PARAMETERS[name], COMPONENT: name} for name in names)


def _body(schema: SchemaLike | Description, *content_types: str) -> Description:
    return {"required": True, "content": {content_type: {"schema": schema} for content_type in content_types}}


def _problem(status: int) -> str:
    return f"Problem{status}"


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase
