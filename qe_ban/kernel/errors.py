"""The categories of refusal: a service raises a leaf of one of these, the edge turns the category into a status.

A leaf is named for the fact, has a stable `code` for programs and a Chinese `detail` for people.
"""

from typing import Any, ClassVar


class DomainError(Exception):
    """Something that the caller asked for and that is not done, for a reason the caller may know."""

    code: ClassVar[str] = "error"
    detail: ClassVar[str] = "请求未能完成"

    def __init__(self, detail: str | None = None, **facts: Any) -> None:
        """Take a more exact Chinese `detail`, and facts for programs (never a personal number)."""
        self.message = detail or self.detail
        self.facts = facts
        super().__init__(self.message)


class Invalid(DomainError):
    """The request is well formed, but what it says cannot be (422); `fields` names the places at fault."""

    code = "invalid"
    detail = "提交的内容有误"

    def __init__(self, detail: str | None = None, *, fields: dict[str, str] | None = None, **facts: Any) -> None:
        super().__init__(detail, **facts)
        self.fields = fields or {}


class AuthenticationRequired(DomainError):
    """Who calls is not proven (401)."""

    code = "unauthenticated"
    detail = "请先登录"


class Forbidden(DomainError):
    """Who calls is known and may not (403)."""

    code = "forbidden"
    detail = "没有权限执行此操作"


class NotFound(DomainError):
    """There is no such thing, or it is not the caller's (404): the two are not told apart."""

    code = "not_found"
    detail = "没有找到"


class Conflict(DomainError):
    """The state of the thing does not allow it (409)."""

    code = "conflict"
    detail = "当前状态不允许此操作"


class TooMany(DomainError):
    """More often than allowed (429); `retry_after` in whole seconds."""

    code = "too_many_requests"
    detail = "操作过于频繁，请稍后再试"

    def __init__(self, retry_after: int, detail: str | None = None) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class Unavailable(DomainError):
    """A part that is needed is away (503); `retry_after` in whole seconds."""

    code = "unavailable"
    detail = "服务暂时不可用，请稍后重试"

    def __init__(self, detail: str | None = None, *, retry_after: int = 2, **facts: Any) -> None:
        super().__init__(detail, **facts)
        self.retry_after = retry_after
