"""For operators: `/healthz` (the process lives) and `/readyz` (its parts answer, each named)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import redis
import structlog
from flask import Flask, Response
from sqlalchemy.exc import SQLAlchemyError

from qe_ban.kernel.errors import DomainError
from qe_ban.web import guard, wire

FAILURES: tuple[type[Exception], ...] = (DomainError, OSError, SQLAlchemyError, redis.RedisError)
RETRY_AFTER = "2"


@dataclass(frozen=True, slots=True)
class Check:
    """Whether a part answers: `run` raises one of `failures` where it does not; a part not required only degrades."""

    run: Callable[[], object]
    required: bool = True
    failures: tuple[type[Exception], ...] = FAILURES


def install(app: Flask, checks: Mapping[str, Check]) -> None:
    """Serve the two addresses; the answer names each part and says nothing of why it fails, which the log does."""

    @guard.anyone
    def healthz() -> Response:
        return _answer(200, {"status": "ok"})

    @guard.anyone
    def readyz() -> Response:
        parts = {name: _state(name, check) for name, check in checks.items()}
        failures = {name for name, state in parts.items() if state != "ok"}
        missing = any(checks[name].required for name in failures)
        status = "unavailable" if missing else "degraded" if failures else "ready"
        answer = _answer(503 if missing else 200, {"status": status, "parts": parts})
        if missing:
            answer.headers["Retry-After"] = RETRY_AFTER
        return answer

    app.add_url_rule("/healthz", "healthz", healthz)
    app.add_url_rule("/readyz", "readyz", readyz)


def _state(name: str, check: Check) -> str:
    try:
        check.run()
    except check.failures as error:
        reason = getattr(error, "reason", None)
        more = {"reason": reason} if isinstance(reason, str) else {}
        structlog.get_logger("qe_ban.web").warning("not_ready", part=name, failure=type(error).__qualname__, **more)
        return "failed"
    return "ok"


def _answer(status: int, data: dict[str, object]) -> Response:
    return Response(wire.dumps(data), status, content_type=wire.JSON)
