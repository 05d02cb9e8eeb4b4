"""For operators."""

import json

import redis
import structlog

from qe_ban.db.engine import DatabaseUnavailable
from qe_ban.web import health
from qe_ban.web.health import Check


def fails() -> None:
    raise DatabaseUnavailable


def lose_connection() -> None:
    raise redis.ConnectionError("at 10.0.0.9")


def late() -> None:
    raise TimeoutError


def ready(edge_app, checks):
    return edge_app(install=lambda app: health.install(app, checks)).get("/readyz")


def test_the_process_lives(edge_app):
    client = edge_app(install=lambda app: health.install(app, {"database": Check(fails)}))
    assert client.get("/healthz").json == {"status": "ok"}
    assert client.head("/healthz").status_code == 200


def test_ready_when_all_parts_answer(edge_app):
    answer = ready(edge_app, {"database": Check(lambda: None), "valkey": Check(lambda: True, required=False)})
    assert (answer.status_code, answer.json) == (
        200,
        {"status": "ready", "parts": {"database": "ok", "valkey": "ok"}},
    )


def test_a_part_that_may_vanish_only_degrades(edge_app):
    answer = ready(edge_app, {"database": Check(lambda: None), "valkey": Check(lose_connection, required=False)})
    assert answer.status_code == 200
    assert answer.json == {"status": "degraded", "parts": {"database": "ok", "valkey": "failed"}}


def test_without_a_required_part_it_is_not_ready(edge_app):
    with structlog.testing.capture_logs() as lines:
        answer = ready(edge_app, {"database": Check(fails), "worker": Check(late, required=False)})
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    assert answer.json == {"status": "unavailable", "parts": {"database": "failed", "worker": "failed"}}
    assert [(line["part"], line["failure"]) for line in lines] == [
        ("database", "DatabaseUnavailable"),
        ("worker", "TimeoutError"),
    ]


def test_why_a_part_fails_is_not_told(edge_app):
    answer = ready(edge_app, {"valkey": Check(lose_connection)})
    assert "10.0.0.9" not in json.dumps(answer.json)
