"""Residents of a town who keep halls and items, and the items that they keep."""

import pytest
from sqlalchemy import update

from qe_ban.accounts.models import Resident
from qe_ban.accounts.rules import STEPPED_UP
from qe_ban.accounts.service import Accounts, residents, tokens
from qe_ban.items.service.publishing import Draft
from qe_ban.kernel.ids import new_id
from qe_ban.kernel.principal import PrincipalKind
from tests.factories import items
from tests.factories.accounts import random_phone
from tests.factories.pages import API


class Person:
    """A resident with a token, and what they ask."""

    def __init__(self, town, scopes=STEPPED_UP):
        self.town, now = town, town.clock()
        with town.database.transaction() as session:
            self.id = residents.of_phone(town.parts.rings, session, phone=random_phone(), now=now)
        self.scopes = scopes

    @property
    def headers(self):
        made = tokens.access(
            self.town.parts.get(Accounts),
            kind=PrincipalKind.RESIDENT,
            subject=self.id,
            session=new_id(),
            scopes=self.scopes,
            now=self.town.clock(),
            stepped_up_at=self.town.clock() if self.scopes == STEPPED_UP else None,
        )
        return {"Authorization": f"Bearer {made.access}"}

    def ask(self, method, path, body=None, **headers):
        options = {} if body is None else {"json": body}
        return self.town.client.open(f"{API}/me/{path}", method=method, headers=self.headers | headers, **options)

    def get(self, path):
        answer = self.ask("GET", path)
        assert answer.status_code == 200, answer.json
        return answer.json

    def put(self, path, body=None):
        answer = self.ask("PUT", path, body)
        assert answer.status_code in (200, 204), answer.json
        return answer

    def verified(self):
        """Let the real name be known."""
        with self.town.database.transaction() as session:
            row = {"assurance": "verified", "id_index": self.id.bytes, "verified_at": self.town.clock()}
            session.execute(update(Resident).where(Resident.id == self.id).values(**row))


@pytest.fixture
def person(town):
    return Person(town)


@pytest.fixture
def other(town):
    return Person(town)


@pytest.fixture
def item(town):
    """Make an item of an entry at an office of a district; gives its code."""

    def make(entry=None, district=None, **fields):
        department = items.add_department(town.database, district=district)
        said = items.content(department, **fields) | ({"district": district} if district else {})
        code = items.item_code(department, entry or items.basic_code())
        return items.add_item(town.database, Draft(code, said))

    return make
