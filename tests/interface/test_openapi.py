"""The whole interface against its own description: generated requests, good and bad, for every operation and caller.

Left out of schemathesis' checks, each with its reason:
- positive_data_acceptance: a well-shaped body may be refused for what it says (409, 422: an unknown enrolment code).
- ignored_auth: it calls without a token; the table of routes in test_routes.py does that.
- unsupported_method: HEAD and OPTIONS are answered beside what a route declares, as Flask does; tests/web covers 405.
- missing_required_header: it means Authorization, whose absence is 401 as RFC 6750 wants.
- max_response_time, use_after_free, ensure_resource_availability, object_level_authorization: stateful or timed checks,
  which need more than one request.
"""

import base64
import uuid

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks as conformance

from qe_ban.accounts.rules import STAFF_SCOPES
from qe_ban.accounts.service import Accounts, tokens
from qe_ban.app import assemble, create_app
from qe_ban.config import Settings
from qe_ban.kernel.ids import new_id
from qe_ban.kernel.principal import PrincipalKind
from tests.factories.codes import Town

CHECKS = [
    not_a_server_error,
    conformance.status_code_conformance,
    conformance.content_type_conformance,
    conformance.response_headers_conformance,
    conformance.response_schema_conformance,
    conformance.negative_data_rejection,
]


class Door:
    """The app under test: at first one that has no engines, to be described; then the real one."""

    def __init__(self):
        self.app = create_app(
            Settings.from_env(
                {
                    "QE_MODE": "sandbox",
                    "QE_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
                    "QE_REDIS_URL": "redis://127.0.0.1:1",
                    "QE_MASTER_KEY": base64.b64encode(bytes(range(32))).decode(),
                    "QE_ISSUER": "https://qe-ban.test",
                }
            )
        )

    def __call__(self, environ, start_response):
        return self.app(environ, start_response)


DOOR = Door()
# content is one of fourteen blocks nested in each other: to enumerate it takes longer than all other operations
CONFIG = schemathesis.Config.from_dict(
    {
        # each request has a token of ours: one that is generated, or left out, would be taken for bad data accepted
        "generation": {"with-security-parameters": False},
        "operations": [{"include-path-regex": "/draft$", "phases": {"coverage": {"enabled": False}}}],
    }
)
# a body that is missing is told by 411, one that is too long by 413: as the description says
CONFIG.projects.default.checks.negative_data_rejection.expected_statuses += ["411", "413"]


@schemathesis.serializer(
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "text/csv",
    "image/jpeg",
    "image/jpg",
    "image/png",
    "image/webp",
)
def as_file(_context, value):
    """Give a file's body as it is: what is generated are bytes, or some JSON where it is to be wrong."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


SCHEMA = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", DOOR, config=CONFIG)


@pytest.fixture(scope="module")
def callers(settings, app):
    """A token of each kind of caller, by the scope that it opens."""
    DOOR.app = app
    parts = assemble(settings)
    town = Town(parts)
    person, terminal = town.resident(), town.terminal("identity-check", "window-acceptance")
    staff = {
        scope: tokens.access(
            parts.get(Accounts),
            kind=PrincipalKind.STAFF,
            subject=new_id(),
            session=new_id(),
            scopes=scopes,
            roles=frozenset({role.value}),
            now=town.now,
        ).access
        for role, scopes in STAFF_SCOPES.items()
        for scope in scopes
    }
    yield lambda scope: terminal.access if scope == "codes.verify" else staff.get(scope, person.access)
    parts.database.dispose()


@SCHEMA.parametrize()
@settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_operation_answers_as_it_is_described(case, callers):
    security = case.operation.definition.raw.get("security") or []
    headers = {"X-Request-Id": f"schemathesis-{uuid.uuid4()}"}
    if security:
        scope = security[0]["bearer"][0]
        token = callers("me.real_name" if scope == "me.read" else scope)
        headers["Authorization"] = f"Bearer {token}"
    case.call_and_validate(headers=headers, checks=CHECKS)


def test_no_operation_has_a_default_answer_and_each_has_its_own_id(app):
    document = app.test_client().get("/api/v1/openapi.json").get_json()
    operations = [entry for path in document["paths"].values() for entry in path.values() if "responses" in entry]
    assert len(operations) > 25
    assert [operation["operationId"] for operation in operations if "default" in operation["responses"]] == []
    ids = [operation["operationId"] for operation in operations]
    assert len(set(ids)) == len(ids)
    assert document["openapi"].startswith("3.1")
