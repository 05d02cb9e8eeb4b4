"""Fixtures for tests of halls that publish on the city's own: a town with a database of its own, and its screens."""

import pytest

from tests.factories.capitals import capital
from tests.factories.pages import API


# of a module: the next one that imports it makes the database anew
@pytest.fixture(scope="module")
def town(settings, tmp_path_factory):
    with capital(settings, tmp_path_factory.mktemp("capital"), "halls") as made:
        yield made


@pytest.fixture
def show(town):
    """Give the screen of a hall."""

    def look(slug, **query):
        answer = town.client.get(f"{API}/halls/{slug}", query_string=query)
        assert answer.status_code == 200, answer.json
        return answer.json

    return look


def ids(screen):
    return [block["id"] for block in screen["blocks"]]
