"""A department of one's own that sets levels, in the town of the wallet's tests."""

import pytest

from tests.codes.conftest import issue as issue  # noqa: PLC0414  fixtures of the neighbours
from tests.codes.conftest import scan as scan  # noqa: PLC0414
from tests.codes.conftest import town as town  # noqa: PLC0414
from tests.factories.health import Ward


@pytest.fixture
def ward(town, client):
    return Ward(town, client)


@pytest.fixture
def level_of(town, scan, client):
    """Return what a scanner reads of somebody's level, now or by the clock of another client."""

    def read(person, at=client):
        desk = town.terminal("health-check")
        code = at.post("/api/v1/codes/health/issue", headers=person.headers).get_json()["code"]
        verdict = scan(desk, code, "health-check", at=at)
        assert verdict["reason"] == "ok"
        return verdict["health"]["level"]

    return read
