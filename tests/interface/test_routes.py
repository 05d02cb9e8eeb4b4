"""A table of every route against every caller: generated from the description, so that no new route is forgotten."""

import pytest

from qe_ban.accounts.rules import SCANNER, STAFF_SCOPES, STEPPED_UP, VISITOR
from qe_ban.accounts.service import Accounts, tokens
from qe_ban.app import assemble
from qe_ban.kernel.ids import new_id
from qe_ban.kernel.principal import PrincipalKind
from tests.factories.codes import Town
from tests.interface.test_openapi import DOOR

PATH_VALUES = {"kind": "identity", "purpose": "senior-discount", "number": "1", "before": "1", "after": "0"}
METHODS = ("get", "put", "post", "delete", "patch")


def read_operations():
    document = DOOR.app.test_client().get("/api/v1/openapi.json").get_json()
    for path, operations in document["paths"].items():
        for method in METHODS:
            if method in operations:
                yield method, path, operations[method]


OPERATIONS = list(read_operations())
GUARD_SCOPES = [
    (method, path, operation["security"][0]["bearer"][0])
    for method, path, operation in OPERATIONS
    if operation["security"]
]

STEPS = {(method, path): operation for method, path, operation in OPERATIONS}


def call(client, method, path, **options):
    for name, value in PATH_VALUES.items():
        path = path.replace("{" + name + "}", value)
    while "{" in path:
        path = path[: path.index("{")] + str(new_id()) + path[path.index("}") + 1 :]
    return client.open(path, method=method.upper(), **options)


@pytest.fixture(scope="module")
def callers(settings):
    """A token of every role there is, with the scopes it really has."""
    parts = assemble(settings)
    town = Town(parts)
    person, terminal = town.resident(), town.terminal("identity-check")

    def token(kind, subject, scopes, roles=()):
        access = tokens.access(
            parts.get(Accounts),
            kind=kind,
            subject=subject,
            session=new_id(),
            scopes=scopes,
            roles=roles,
            now=town.now,
            stepped_up_at=town.now if scopes == STEPPED_UP else None,
        )
        return access.access, scopes

    yield {
        "visitor": token(PrincipalKind.RESIDENT, person.id, VISITOR),
        "resident": token(PrincipalKind.RESIDENT, person.id, STEPPED_UP),
        "scanner": token(PrincipalKind.SCANNER, terminal.id, SCANNER),
    } | {
        role.value: token(PrincipalKind.STAFF, new_id(), scopes, {role.value}) for role, scopes in STAFF_SCOPES.items()
    }
    parts.database.dispose()


def test_there_are_routes_and_most_are_guarded():
    assert len(OPERATIONS) > 25
    assert len(GUARD_SCOPES) > 18
    # whoever adds an open route adds it here too
    assert {f"{method} {path}" for method, path, operation in OPERATIONS if not operation["security"]} == {
        "get /api/v1/apps",
        "get /api/v1/apps/{slug}",
        "get /api/v1/auth/metadata",
        "get /api/v1/auth/nonce",
        "get /api/v1/closings/{closing_id}",
        "get /api/v1/departments",
        "get /api/v1/departments/{code}",
        "get /api/v1/halls",
        "get /api/v1/halls/{slug}",
        "get /api/v1/halls/{slug}/apps",
        "get /api/v1/halls/{slug}/blocks/{block}",
        "get /api/v1/halls/{slug}/places",
        "get /api/v1/halls/{slug}/previews/{token}",
        "get /api/v1/items",
        "get /api/v1/items/suggest",
        "get /api/v1/items/{code}",
        "get /api/v1/media/{digest}",
        "get /api/v1/media/{digest}/{width}",
        "get /api/v1/places",
        "get /api/v1/places/{slug}",
        "get /api/v1/topics",
        "get /api/v1/topics/{slug}",
        "get /api/v1/zones",
        "get /api/v1/zones/{slug}",
        "get /api/v1/zones/{slug}/blocks/{block}",
        "get /api/v1/zones/{slug}/cases",
        "get /api/v1/zones/{slug}/events",
        "get /api/v1/zones/{slug}/policies",
        "get /api/v1/zones/{slug}/solutions",
        "get /api/v1/zones/{slug}/previews/{token}",
        "post /api/v1/auth/otp",
        "post /api/v1/auth/revoke",
        "post /api/v1/auth/token",
        "post /api/v1/venues/scanners/enrol",
    }


@pytest.mark.parametrize(("method", "path", "scope"), GUARD_SCOPES, ids=lambda value: value)
def test_nobody_enters_without_a_token_or_with_a_foreign_one(client, method, path, scope):
    for header in ({}, {"Authorization": "Bearer x.y.z"}, {"Authorization": "Basic YTpi"}):
        answer = call(client, method, path, headers=header)
        assert (answer.status_code, answer.mimetype) == (401, "application/problem+json")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(("method", "path", "scope"), GUARD_SCOPES, ids=lambda value: value)
def test_only_the_roles_with_the_scope_enter(client, callers, method, path, scope):
    roles = set()
    for role, (token, scopes) in callers.items():
        answer = call(client, method, path, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code < 500
        if scope in scopes:
            roles.add(role)
            assert answer.status_code != 403 or answer.get_json()["code"] != "forbidden", role
        else:
            first = role == "visitor" and "x-step-up" in STEPS[method, path]
            code = "step_up_required" if first else "forbidden"
            assert (answer.status_code, answer.get_json()["code"]) == (403, code), role
    assert roles, f"no role has {scope}: the route is dead"
