"""Who may call a view: every view declares it, by a scope or as open to anyone."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from functools import wraps
from typing import Any, Final, Literal, TypeVar, cast
from uuid import UUID

from flask import Flask, current_app, request

from qe_ban.kernel.errors import AuthenticationRequired, Forbidden
from qe_ban.kernel.principal import Change, Principal, PrincipalKind
from qe_ban.web.parts import now
from qe_ban.web.requests import CALLER, PRINCIPAL, REQUEST_ID, new_request_id, request_id

V = TypeVar("V", bound=Callable[..., Any])
PrincipalFrom = Callable[[str], Principal]
ResidentName = Callable[[UUID], str]
"""Returns what the log calls a resident today."""

_EXTENSION = "qe_ban.principal_from"
_RESIDENT_NAME = "qe_ban.resident_name"
# RFC 6750, 2.1; a longer token is none of ours.
_BEARER = re.compile(r"[Bb][Ee][Aa][Rr][Ee][Rr] +([A-Za-z0-9._~+/-]{1,4096}=*)", re.ASCII)


class StepUp(Enum):
    """How fresh a step-up must be, where not by time."""

    SESSION = "session"


SESSION: Final = StepUp.SESSION
"""Stepped up once in this sign-in."""


@dataclass(frozen=True, slots=True)
class Guard:
    """What a view asks of its caller, kept on the view as `__guard__`; no scope means anyone.

    `is_anonymous`: the log says nothing of who called.
    """

    scope: str | None
    step_up: timedelta | Literal[StepUp.SESSION] | None = None
    is_anonymous: bool = False


class MissingScope(Forbidden):
    """The token is good, but not for this (RFC 6750, 3.1)."""

    def __init__(self, scope: str) -> None:
        super().__init__()
        self.challenge = f'Bearer error="insufficient_scope", scope="{scope}"'


class StepUpRequired(Forbidden):
    """The caller must prove more than the one-time password first, or again (RFC 9470, 3)."""

    code = "step_up_required"
    detail = "请先完成人脸核验"

    def __init__(self, within: timedelta | None) -> None:
        super().__init__("请重新完成人脸核验" if within else None)
        age = f", max_age={int(within.total_seconds())}" if within else ""
        self.challenge = f'Bearer error="insufficient_user_authentication"{age}'


def install(app: Flask, principal_from: PrincipalFrom, resident_name: ResidentName = lambda _: "-") -> None:
    """Set what makes a principal of a token or raises AuthenticationRequired, and what names callers in the log.

    Without `resident_name` the log has no names of residents; it never has their ids.
    """
    app.extensions[_EXTENSION] = principal_from
    app.extensions[_RESIDENT_NAME] = resident_name


def principal_source(app: Flask) -> PrincipalFrom:
    """Return what makes a principal of a token in an app."""
    source: PrincipalFrom = app.extensions[_EXTENSION]
    return source


def requires(
    scope: str, *, step_up: timedelta | Literal[StepUp.SESSION] | None = None, is_anonymous: bool = False
) -> Callable[[V], V]:
    """Let only callers with this scope in, and where `step_up` is given only those who stepped up so lately.

    `is_anonymous` is for what residents call when they open the app, while they are scanned, and about their scans: the
    line of the log does not say whose call it was.
    """

    def decorator(view: V) -> V:
        @wraps(view)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            caller = _authenticate(is_anonymous=is_anonymous)
            # a resident first hears what to do about it: the step-up is what opens the scope
            if step_up is not None and caller.kind is PrincipalKind.RESIDENT:
                _check_step_up(caller, step_up)
            if scope not in caller.scopes:
                raise MissingScope(scope)
            return view(*args, **kwargs)

        wrapper.__guard__ = Guard(scope, step_up, is_anonymous)  # type: ignore[attr-defined]
        return cast(V, wrapper)

    return decorator


def anyone(view: V) -> V:
    """Open a view to everybody; a token that comes along is not looked at."""
    view.__guard__ = Guard(None)  # type: ignore[attr-defined]
    return view


def of(view: object) -> Guard | None:
    """Return what a view declares, or None where it declares nothing."""
    return getattr(view, "__guard__", None)


def principal() -> Principal:
    """Return the caller of this request. Raises LookupError in a view that is open to anyone."""
    caller: Principal | None = request.environ.get(PRINCIPAL)
    if caller is None:
        raise LookupError("this view is open to anyone and knows no caller")
    return caller


def change() -> Change:
    """Return who changes something now, in this request. Raises LookupError in a view that is open to anyone."""
    return Change(principal(), now(), request_id())


def _authenticate(*, is_anonymous: bool) -> Principal:
    environ = request.environ
    bearer = _BEARER.fullmatch(environ.get("HTTP_AUTHORIZATION", ""))
    if bearer is None:
        raise AuthenticationRequired
    principal_from: PrincipalFrom = current_app.extensions[_EXTENSION]
    caller = environ[PRINCIPAL] = principal_from(bearer[1])
    if caller.kind is PrincipalKind.RESIDENT and "HTTP_X_REQUEST_ID" in environ:
        # an app that sends the same id with all its calls would tie its lines together
        environ[REQUEST_ID] = new_request_id()
    if not is_anonymous:
        environ[CALLER] = f"{caller.kind}:{_log_name(caller)}"
    return caller


def _log_name(caller: Principal) -> str:
    if caller.kind is not PrincipalKind.RESIDENT:
        return str(caller.id)
    resident_name: ResidentName = current_app.extensions[_RESIDENT_NAME]
    return resident_name(caller.id)


def _check_step_up(caller: Principal, step_up: timedelta | Literal[StepUp.SESSION]) -> None:
    if isinstance(step_up, StepUp):
        if caller.stepped_up_at is None:
            raise StepUpRequired(None)
    elif caller.stepped_up_at is None or now() - caller.stepped_up_at > step_up:
        raise StepUpRequired(step_up)
