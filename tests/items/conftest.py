"""Staff of any role and place, with real tokens, for the interface of items."""

from collections.abc import Callable, Iterator

import pytest

from qe_ban.accounts import rules
from qe_ban.accounts.service import tokens
from qe_ban.app import Parts, assemble
from qe_ban.config import Settings
from qe_ban.kernel.clock import system_clock
from qe_ban.kernel.ids import new_id
from qe_ban.kernel.principal import Place, PrincipalKind

Headers = dict[str, str]


@pytest.fixture(scope="session")
def parts(settings: Settings) -> Iterator[Parts]:
    made = assemble(settings)
    yield made
    made.database.dispose()


@pytest.fixture
def staff(parts: Parts) -> Callable[..., Headers]:
    """Give the headers of a member of staff: of the city's administrators, or of other roles and places."""

    def make(*roles: str, **place: str) -> Headers:
        made = tokens.access(
            parts.accounts,
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
