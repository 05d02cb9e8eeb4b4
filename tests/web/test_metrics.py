"""What is counted."""

import subprocess
import sys

import pytest
from flask.testing import FlaskClient

from qe_ban.web import guard
from qe_ban.web.api import Blueprint

blp = Blueprint("counted", url_prefix="/counted")


@blp.route("/<name>")
@guard.anyone
@blp.response(204)
def no_content(name: str) -> None:
    return None


@pytest.fixture
def client(edge_app) -> FlaskClient:
    return edge_app(blp)


def value(client: FlaskClient, series: str) -> float:
    for line in client.get("/metrics").text.splitlines():
        if line.startswith(f"{series} "):
            return float(line.rsplit(" ", 1)[1])
    return 0.0


def test_requests_are_counted_by_route_and_never_by_path(client):
    series = 'qe_requests_total{method="GET",route="/api/v1/counted/<name>",status="204"}'
    no_route = 'qe_requests_total{method="other",route="unmatched",status="404"}'
    before, before_no_route = value(client, series), value(client, no_route)
    client.get("/api/v1/counted/one")
    client.get("/api/v1/counted/two")
    client.open("/three", method="FOO")
    assert value(client, series) == before + 2
    assert value(client, no_route) == before_no_route + 1
    assert "counted/one" not in client.get("/metrics").text


def test_durations_are_counted_in_buckets(client):
    series = 'qe_request_seconds_bucket{le="+Inf",method="GET",route="/api/v1/counted/<name>"}'
    before = value(client, series)
    client.get("/api/v1/counted/one")
    assert value(client, series) == before + 1


def test_all_workers_are_counted_together(tmp_path):
    count = """
from prometheus_client import values
from qe_ban.web import metrics
assert values.ValueClass._multiprocess
metrics.Recorder().record("GET", "/x", "200", 0.01)
print(metrics.generate_latest(metrics._registry()).decode())
"""
    environ = {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path), "PYTHONPATH": ":".join(sys.path)}
    for _ in range(2):
        result = subprocess.run([sys.executable, "-c", count], env=environ, capture_output=True, text=True, check=True)
    assert 'qe_requests_total{method="GET",route="/x",status="200"} 2.0' in result.stdout
