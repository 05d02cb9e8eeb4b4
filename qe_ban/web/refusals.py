"""What the edge itself refuses, before any service is asked: unreadable, too large, of the wrong type, ill-shaped."""

from collections.abc import Mapping
from typing import ClassVar

from qe_ban.kernel.errors import DomainError, Invalid

_MAX_FIELDS = 50
_MAX_NAME_LENGTH = 64


class Refusal(DomainError):
    """A refusal with an HTTP status of its own, outside the kernel's categories; `headers` go with the answer."""

    status: ClassVar[int] = 400

    def __init__(self, detail: str | None = None, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.headers = dict(headers or {})


class Unreadable(Refusal):
    """The body or the query string cannot be read as what it claims to be."""

    code = "unreadable"
    detail = "无法读取请求内容"


class BodyNotAllowed(Refusal):
    """There is a body where none is wanted."""

    code = "body_not_allowed"
    detail = "此请求不应带有内容"


class LengthRequired(Refusal):
    """A body without a stated length: chunked, or none at all (RFC 9110, 15.5.12)."""

    status = 411
    code = "length_required"
    detail = "请求须注明 Content-Length，不接受分块传输"


class TooLarge(Refusal):
    """More bytes than this route takes."""

    status = 413
    code = "too_large"

    def __init__(self, limit: int) -> None:
        super().__init__(f"请求内容过大，最多 {limit} 字节")


class WrongType(Refusal):
    """A body of a content type that this route does not read."""

    status = 415
    code = "unsupported_media_type"

    def __init__(self, kinds: tuple[str, ...]) -> None:
        text = any(kind.startswith("text/") or kind.endswith("json") for kind in kinds)
        super().__init__(f"Content-Type 须为 {' 或 '.join(kinds)}{'（UTF-8）' if text else ''}")


class PreconditionRequired(Refusal):
    """A write that says neither If-Match nor If-None-Match (RFC 6585, 3)."""

    status = 428
    code = "precondition_required"
    detail = "修改须带 If-Match（取自读取时的 ETag），新建须带 If-None-Match: *"


class PreconditionFailed(Refusal):
    """The thing is no longer what the writer saw, or is there already (RFC 9110, 15.5.13); the ETag says what it is."""

    status = 412
    code = "precondition_failed"
    detail = "内容已被他人修改，请重新读取后再试"


class BadFields(Invalid):
    """Fields that cannot be so: `messages` are Chinese, by the dotted name of the place (`keys.0.kid`)."""

    code = "invalid_fields"
    detail = "提交的内容有误，请检查标出的项目"

    def __init__(self, messages: dict[str, list[str]]) -> None:
        super().__init__()
        self.messages = dict(list(messages.items())[:_MAX_FIELDS])


def flatten(messages: object, place: str = "") -> dict[str, list[str]]:
    """Return marshmallow's nested messages by dotted place; names are cut, for a client may send a megabyte as one."""
    if isinstance(messages, dict):
        flat: dict[str, list[str]] = {}
        for key, inner in messages.items():
            name = "" if key == "_schema" else str(key)[:_MAX_NAME_LENGTH]
            for path, texts in flatten(inner, ".".join(filter(None, (place, name)))).items():
                flat.setdefault(path, []).extend(texts)
        return flat
    entries: list[object] = messages if isinstance(messages, list) else [messages]
    return {place or "body": [str(text) for text in entries]}
