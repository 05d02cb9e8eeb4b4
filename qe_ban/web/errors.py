"""Turns what was refused, and what nobody expected, into problem documents (RFC 9457)."""

import marshmallow
import structlog
from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from qe_ban.kernel.errors import (
    AuthenticationRequired,
    Conflict,
    DomainError,
    Forbidden,
    Invalid,
    NotFound,
    TooMany,
    Unavailable,
)
from qe_ban.web import fields, requests, traces, wire
from qe_ban.web.refusals import BadFields, Refusal
from qe_ban.web.schema import Schema

PROBLEM_TYPE = "application/problem+json"

CATEGORIES: tuple[tuple[type[DomainError], int], ...] = (
    (Invalid, 422),
    (AuthenticationRequired, 401),
    (Forbidden, 403),
    (NotFound, 404),
    (Conflict, 409),
    (TooMany, 429),
    (Unavailable, 503),
)

TITLES = {
    400: "请求有误",
    401: "未登录或登录已失效",
    403: "没有权限",
    404: "没有找到",
    405: "不支持的请求方法",
    406: "无法提供所需格式",
    408: "请求超时",
    409: "状态冲突",
    411: "缺少内容长度",
    412: "内容已被他人修改",
    413: "内容过大",
    415: "不支持的内容类型",
    422: "提交的内容有误",
    428: "缺少 If-Match",
    429: "操作过于频繁",
    500: "系统内部错误",
    503: "服务暂时不可用",
}

# For the statuses that Werkzeug raises by itself: a stable code, and what people are told.
BY_FRAMEWORK = {
    400: ("bad_request", "请求格式有误"),
    404: ("not_found", "没有这个地址"),
    405: ("method_not_allowed", "此地址不支持该请求方法"),
    413: ("too_large", "请求内容过大"),
}
_INTERNAL = ("internal_error", "系统内部错误，请稍后重试；如仍有问题，请提供请求编号")
_KEPT_HEADERS = ("Allow", "Retry-After", "WWW-Authenticate")

# What a token endpoint says where the error itself names no word of RFC 6749, 5.2.
_OAUTH_BY_STATUS = {401: "invalid_client", 403: "access_denied", 500: "server_error", 503: "temporarily_unavailable"}
_OAUTH_DEFAULT = "invalid_request"


class ProblemSchema(Schema):
    """A problem document (RFC 9457), as the API's description shows it; the answers are written by `problem`."""

    class Meta:
        """Further members come with some problems (RFC 9457, 3.2)."""

        unknown = marshmallow.INCLUDE

    type = fields.Text(required=True, metadata={"description": "A stable URN, made of the code."})
    title = fields.Text(required=True, metadata={"description": "What kind of problem, in Chinese."})
    status = fields.Whole(400, 599, required=True)
    detail = fields.Text(max=1000, required=True, metadata={"description": "What happened, in Chinese, for people."})
    code = fields.Text(required=True, metadata={"description": "Stable, for programs."})
    request_id = fields.Text(required=True)
    errors = fields.Anything(
        metadata={
            "type": "object",
            "additionalProperties": {"type": "array", "items": {"type": "string"}},
            "description": "Chinese messages by field, where fields are at fault.",
        }
    )
    error = fields.Text(metadata={"description": "At the token endpoint: a word of RFC 6749, 5.2."})
    error_description = fields.Text(metadata={"description": "At the token endpoint: the code."})
    case = fields.Id(metadata={"description": "`accounts.recovery_case_exists`: the open case."})
    duplicates = fields.Many(fields.Id(), metadata={"description": "`health.change_invalid`: named more than once."})
    unknown = fields.Many(  # type: ignore[assignment]  # a member of this name, beside marshmallow's own attribute
        fields.Id(), metadata={"description": "`health.change_invalid`: nobody has this id."}
    )
    residents = fields.Many(fields.Id(), metadata={"description": "`health.change_pending`: another change waits."})
    number = fields.Whole(0, metadata={"description": "`health.count_mismatch`: residents of the change now."})
    most = fields.Whole(0, metadata={"description": "How many are allowed."})
    reason = fields.Text(metadata={"description": "`codes.not_issued`: why the kind is not active."})
    state = fields.Text(metadata={"description": "Where the draft or the demand stands."})
    server_time = fields.Moment(metadata={"description": "`accounts.assertion_clock`: now."})
    earliest_settlement_at = fields.Moment(metadata={"description": "`accounts.recovery_too_early`: from when on."})
    later = fields.Anything(
        metadata={
            "type": "array",
            "items": {"$ref": "#/components/schemas/Mark"},
            "description": "`publishing.later_undecided`: what waits.",
        }
    )


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    errors: dict[str, list[str]] | None = None,
    headers: dict[str, str] | None = None,
    members: dict[str, object] | None = None,
) -> Response:
    """Return a problem document as an answer; `members` are further ones (RFC 9457, 3.2) and never replace ours."""
    document: dict[str, object] = dict(members or {})
    document |= {
        "type": f"urn:qe-ban:problem:{code}",
        "title": TITLES.get(status, "请求未能完成"),
        "status": status,
        "detail": detail,
        "code": code,
        "request_id": requests.request_id(),
    }
    if errors:
        document["errors"] = errors
    return Response(wire.dumps(document), status, headers, content_type=PROBLEM_TYPE)


def status_of(error: DomainError) -> int:
    """Return the status of an error's category; an OAuth error's is 400, or 401 for an unknown client."""
    return _status(type(error), _oauth_error(error))


def status_of_class(cls: type[DomainError]) -> int:
    """Return the status that errors of a class have everywhere but at the token endpoint."""
    return _status(cls, getattr(cls, "oauth_error", None))


def _status(cls: type[DomainError], oauth_error: str | None) -> int:
    if oauth_error is not None:
        return 401 if oauth_error == "invalid_client" else 400
    if issubclass(cls, Refusal):
        return cls.status
    return next((status for category, status in CATEGORIES if issubclass(cls, category)), 400)


def install(app: Flask) -> None:
    """Answer every failure of the app with a problem document."""
    app.register_error_handler(DomainError, _refused)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unexpected_error)


def _refused(error: DomainError) -> Response:
    status = status_of(error)
    headers = _challenge(status, error) | (error.headers if isinstance(error, Refusal) else {})
    if isinstance(error, TooMany | Unavailable):
        headers["Retry-After"] = str(max(1, error.retry_after))
    return problem(
        status, error.code, error.message, errors=_fields(error), headers=headers, members=_members(status, error)
    )


def _fields(error: DomainError) -> dict[str, list[str]] | None:
    if isinstance(error, BadFields):
        return error.messages
    if isinstance(error, Invalid):
        return {name: [message] for name, message in error.fields.items()}
    return None


def _members(status: int, error: DomainError) -> dict[str, object]:
    # A fact may be an id or an enum: text to a program.
    members: dict[str, object] = {
        name: fact if isinstance(fact, int | float | list | dict | None) else str(fact)
        for name, fact in error.facts.items()
    }
    if _oauth_error(error) is not None or request.environ.get(requests.OAUTH):
        members["error"] = _oauth_error(error) or _OAUTH_BY_STATUS.get(status, _OAUTH_DEFAULT)
        # Only ASCII may stand here (RFC 6749, 5.2), so it is the code; `detail` is for people.
        members["error_description"] = error.code
    return members


def _oauth_error(error: DomainError) -> str | None:
    """Return the error's own word of RFC 6749; a badly shaped request to a token endpoint is `invalid_request`."""
    word: str | None = getattr(error, "oauth_error", None)
    if word is None and isinstance(error, Invalid) and request.environ.get(requests.OAUTH):
        return _OAUTH_DEFAULT
    return word


def _challenge(status: int, error: DomainError) -> dict[str, str]:
    """Return how to authenticate (RFC 6750, 3; RFC 9470, 3, for a step-up)."""
    challenge: str | None = getattr(error, "challenge", None)
    if challenge is not None:
        return {"WWW-Authenticate": challenge}
    if status != 401:
        return {}
    word = _oauth_error(error) or ("invalid_token" if request.environ.get("HTTP_AUTHORIZATION") else None)
    return {"WWW-Authenticate": f'Bearer error="{word}"' if word else "Bearer"}


def _http(error: HTTPException) -> Response:
    status = error.code or 500
    plain = error.get_response()
    if status < 400:
        return Response(plain.get_data(), status, list(plain.headers))
    headers = {name: value for name, value in plain.headers if name in _KEPT_HEADERS}
    code, detail = BY_FRAMEWORK.get(status, (f"http_{status}", TITLES.get(status, "请求未能完成")))
    if status >= 500:
        code, detail = _INTERNAL
    return problem(status, code, detail, headers=headers)


def _unexpected_error(error: Exception) -> Response:
    structlog.get_logger("qe_ban.web").error(
        "unexpected",
        request_id=requests.request_id(),
        route=request.url_rule.rule if request.url_rule else None,
        **traces.describe(error),
    )
    members: dict[str, object] = {}
    if request.environ.get(requests.OAUTH):
        members = {"error": "server_error", "error_description": _INTERNAL[0]}
    return problem(500, *_INTERNAL, members=members)
