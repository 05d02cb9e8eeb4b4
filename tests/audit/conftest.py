"""An app with the audit interface alone; a caller's token is the name of what it may do."""

from datetime import UTC, datetime

import pytest

from qe_ban.audit import routes
from qe_ban.audit.service import IdsOfResidents
from qe_ban.kernel.errors import AuthenticationRequired
from qe_ban.kernel.ids import new_id
from qe_ban.kernel.principal import Principal, PrincipalKind
from qe_ban.web import application, guard, parts

MOMENT = datetime(2026, 10, 2, 8, tzinfo=UTC)


class NoResidents:
    """A city in which no id is a resident's; tests/privacy/test_audit.py has residents."""

    def ids_of(self, session, candidates):
        return {}

    def resident_of(self, session, id_):
        return None


@pytest.fixture
def auditor():
    return Principal(PrincipalKind.STAFF, new_id(), frozenset({"audit.read"}), new_id(), roles=frozenset({"auditor"}))


@pytest.fixture
def caller(settings, database, rings, auditor):
    """Call GET /api/v1/audit as an auditor, or with another token."""
    others = {"city": Principal(PrincipalKind.STAFF, new_id(), frozenset({"venues.read"}), new_id())}

    def principal_from(token):
        try:
            return {"auditor": auditor, **others}[token]
        except KeyError:
            raise AuthenticationRequired from None

    app, api = application.build(settings, lambda: MOMENT, name="audit-tests")
    for part in (database, rings, IdsOfResidents(lambda _reader, _now: NoResidents())):
        parts.provide(app, part)
    guard.install(app, principal_from)
    api.register_blueprint(routes.blp)
    client = app.test_client()

    def call(query="", token="auditor", method="GET", **more):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return client.open(f"/api/v1/audit{query}", method=method, headers=headers, **more)

    return call
