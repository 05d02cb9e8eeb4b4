"""The description of one operation, kept on the view the way flask-smorest keeps it, until the document is made."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from datetime import timedelta
from http import HTTPStatus
from typing import Any

import marshmallow

from qe_ban.web import guard, wire
from qe_ban.web.errors import PROBLEM_TYPE, TITLES, ProblemSchema

View = Callable[..., Any]
SchemaLike = type[marshmallow.Schema] | marshmallow.Schema
Description = dict[str, Any]

BEARER = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": "From `POST /auth/token`."}

_ALWAYS = (400, 422, 503)
_WITH_BODY = (411, 413, 415)
_GUARDED = (401, 403)
_RETRY_AFTER = {"Retry-After": {"description": "In whole seconds.", "schema": {"type": "integer", "minimum": 1}}}
_CHALLENGE = {"WWW-Authenticate": {"description": "RFC 6750, RFC 9470.", "schema": {"type": "string"}}}


def problem_responses() -> dict[str, Description]:
    """Give the components for all statuses that problems have, by name."""
    responses = {}
    for status, title in TITLES.items():
        response: Description = {
            "description": f"{_phrase(status)} ({title})",
            "content": {PROBLEM_TYPE: {"schema": ProblemSchema}},
        }
        if status in (429, 503):
            response["headers"] = deepcopy(_RETRY_AFTER)
        if status == 401:
            response["headers"] = deepcopy(_CHALLENGE)
        responses[_problem(status)] = response
    return responses


def json_body(schema: SchemaLike) -> Description:
    """Describe a JSON body."""
    return {"manual_doc": {"requestBody": _body(schema, wire.JSON)}, "problems": _WITH_BODY}


def form_or_json_body(schema: SchemaLike) -> Description:
    """Describe a body that may be a form or JSON."""
    return {"manual_doc": {"requestBody": _body(schema, wire.FORM, wire.JSON)}, "problems": _WITH_BODY}


def file_body(content_types: Sequence[str]) -> Description:
    """Describe a body that is a file of one of these types."""
    content = {content_type: {"schema": {"type": "string", "format": "binary"}} for content_type in content_types}
    return {"manual_doc": {"requestBody": {"required": True, "content": content}}, "problems": _WITH_BODY}


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
    """Say what of the request a view reads: `body`, `query`, both or neither."""
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
    _parameters(_doc(view)).append(
        {"in": "header", "name": "If-None-Match", "required": False, "schema": {"type": "string"}}
    )


def add_idempotency_key(view: View) -> None:
    """Add the header Idempotency-Key and the problems of its use."""
    add_problems(view, 409, 422)
    _parameters(_doc(view)).append(
        {
            "in": "header",
            "name": "Idempotency-Key",
            "required": False,
            "description": "A name for this attempt, of the client's making: a repeat gets the first answer.",
            "schema": {"type": "string", "pattern": "^[!-~]{1,128}$"},
        }
    )


def add_precondition(view: View, *, creating: bool) -> None:
    """Add the header If-Match, where a thing can be made also If-None-Match, their problems, and the ETag."""
    add_problems(view, 412, 428)
    parameters = _parameters(_doc(view))
    match = "The ETag that was read, `*` for whatever stands. Only its part before the dot is compared."
    parameters.append(_header("If-Match", match))
    if creating:
        parameters.append(_header("If-None-Match", "`*`: only if there is none yet."))


def finish(view: View, operation_id: str, *, has_path: bool) -> None:
    """Add what the guard and the path bring along, when the view gets its address."""
    declared = guard.of(view)
    scope = declared.scope if declared else None
    add_problems(view, *_ALWAYS, *(_GUARDED if scope else ()), *((404,) if has_path else ()))
    doc = _doc(view)
    manual = doc.setdefault("manual_doc", {})
    manual["operationId"] = operation_id
    manual["security"] = [{"bearer": [scope]}] if scope else []
    if declared is not None and declared.step_up is not None:
        manual["x-step-up"] = (
            f"{int(declared.step_up.total_seconds())} s" if isinstance(declared.step_up, timedelta) else "session"
        )


def _header(name: str, description: str) -> Description:
    return {
        "in": "header",
        "name": name,
        "required": False,
        "description": description,
        "schema": {"type": "string"},
    }


def _doc(view: View) -> Description:
    """Give the view's own description: `functools.wraps` shares it with the function inside."""
    doc: Description = vars(view).setdefault("_apidoc", {})
    return doc


def _responses(view: View) -> Description:
    responses: Description = _doc(view).setdefault("response", {}).setdefault("responses", {})
    return responses


def _parameters(doc: Description) -> list[Description]:
    parameters: list[Description] = doc.setdefault("arguments", {}).setdefault("parameters", [])
    return parameters


def _body(schema: SchemaLike, *content_types: str) -> Description:
    return {"required": True, "content": {content_type: {"schema": schema} for content_type in content_types}}


def _problem(status: int) -> str:
    return f"Problem{status}"


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase
