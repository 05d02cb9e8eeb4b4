"""What tests of pages share: a town of their own."""

import secrets

import pytest

from qe_ban.publishing.models import Media
from tests.factories.pages import town as town  # noqa: PLC0414  a fixture


@pytest.fixture
def picture(town):
    """A picture that is there, by its digest; nobody opens its file here."""
    digest = secrets.token_hex(32)
    with town.database.transaction() as session:
        row = {"type": "image/png", "width": 800, "height": 600, "bytes": 1, "widths": [320]}
        session.add(Media(digest=digest, created_at=town.clock(), **row))
    return digest
