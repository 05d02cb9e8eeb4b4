"""A town of one's own people and terminals, and the two calls that most tests make."""

import uuid

import pytest

from qe_ban.app import assemble
from tests.factories.codes import Town

API = "/api/v1"


@pytest.fixture(scope="session")
def town(settings):
    parts = assemble(settings, pool=16)
    yield Town(parts)
    parts.database.dispose()


@pytest.fixture
def scan(client):
    """Scan a code as a terminal; returns the answer's JSON, after looking at its status."""

    def call(terminal, code, purpose, *, scan_id=None, status=200, at=client, **more):
        body = {"scan_id": scan_id or str(uuid.uuid4()), "code": code, "purpose": purpose} | more
        response = at.post(f"{API}/codes/verify", json=body, headers=terminal.headers)
        assert response.status_code == status, response.get_data(as_text=True)
        return response.get_json()

    return call


@pytest.fixture
def issue(client):
    """Issue one kind to a person; returns the code's text."""

    def call(person, kind="identity"):
        response = client.post(f"{API}/codes/{kind}/issue", headers=person.headers)
        assert response.status_code == 200, response.get_data(as_text=True)
        return response.get_json()["code"]

    return call
