"""Staff of any role and place, with real tokens, for the interface of items."""

from collections.abc import Callable, Iterator

import pytest

from qe_ban.accounts import rules
from qe_ban.accounts.service import Accounts, tokens
from qe_ban.app import Services, assemble
from qe_ban.config import Settings
from qe_ban.kernel.clock import system_clock
from qe_ban.kernel.ids import new_id
from qe_ban.kernel.principal import Place, PrincipalKind
from tests.factories.items import add_department, content, item_code

Headers = dict[str, str]


@pytest.fixture(scope="session")
def parts(settings: Settings) -> Iterator[Services]:
    made = assemble(settings)
    yield made
    made.database.dispose()


@pytest.fixture
def staff(parts: Services) -> Callable[..., Headers]:
    """Give the headers of a member of staff: of the city's administrators, or of other roles and places."""

    def make(*roles: str, **place: str) -> Headers:
        made = tokens.access(
            parts.get(Accounts),
            kind=PrincipalKind.STAFF,
            subject=new_id(),
            session=new_id(),
            scopes=rules.staff_scopes(roles or ("city_admin",)),
            roles=roles or ("city_admin",),
            place=Place(**place),
            now=system_clock(),
        )
        return {"Authorization": f"Bearer {made.access}"}

    return make


@pytest.fixture
def department(database):
    return add_department(database)


@pytest.fixture
def make(client, staff, department):
    """Make an item by PUT; gives its path and the headers of a city administrator with the fresh ETag."""

    def do(**changed):
        path, headers = f"/api/v1/items/{item_code(department)}", staff()
        made = client.put(path, json=content(department) | changed, headers=headers | {"If-None-Match": "*"})
        assert made.status_code == 201, made.json
        return path, headers | {"If-Match": made.headers["ETag"]}

    return do
