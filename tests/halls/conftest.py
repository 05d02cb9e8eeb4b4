"""Staff of any role and place, with real tokens, for the registers of halls."""

import pytest

from tests.factories.registers import APPS, NEW, PLACES, app_content, place_content, slug
from tests.items.conftest import parts as parts  # noqa: PLC0414  fixtures of the neighbours
from tests.items.conftest import staff as staff  # noqa: PLC0414


@pytest.fixture
def admin(staff):
    return staff()


def _putting(client, admin, path, content):
    def make(**changed):
        name = slug()
        made = client.put(f"{path}/{name}", json=content(**changed), headers=admin | NEW)
        assert made.status_code == 201, made.json
        return name, admin | {"If-Match": made.headers["ETag"]}

    return make


@pytest.fixture
def put_app(client, admin):
    """Make an app; gives its slug and the headers that change it."""
    return _putting(client, admin, APPS, app_content)


@pytest.fixture
def put_place(client, admin):
    """Make a place; gives its slug and the headers that change it."""
    return _putting(client, admin, PLACES, place_content)
