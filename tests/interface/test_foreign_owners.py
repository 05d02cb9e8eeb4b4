"""Every guarded operation against every foreign owner: what is another's is not there, is not told and not changed.

The operations, and what names something in them, are those of the description: a new one fails here until owners.py
says whose it is.
"""

import re

import pytest

from qe_ban.kernel.ids import new_id
from tests.conftest import closing_pool
from tests.factories.described import parameter_names, resolve, shapes_of
from tests.factories.pages import make_town
from tests.interface.owned import World, ask, comparable
from tests.interface.owners import NOBODYS, RESIDENTS, TABLE
from tests.interface.test_openapi import DOOR
from tests.interface.test_routes import GUARD_SCOPES, OPERATIONS, PATH_VALUES

DOCUMENT = DOOR.app.test_client().get("/api/v1/openapi.json").get_json()
GUARDS = {(method, path) for method, path, _ in GUARD_SCOPES}
BY_VALUE = {name: PATH_VALUES[name] for name in ("kind", "number", "before", "after")}


def names_of(method, path, description):
    """Give what names something in an operation of the description."""
    names = set(re.findall("{(.+?)}", path))
    if method == "get" and not names:
        names.add("")
    names |= parameter_names(DOCUMENT, description) & {"for", "cursor", "Idempotency-Key"}
    for content in description.get("requestBody", {}).get("content", {}).values():
        names |= ids_in(content["schema"])
    return names or {""}


def ids_in(schema):
    properties = [pair for shape in shapes_of(DOCUMENT, schema) for pair in shape.get("properties", {}).items()]
    return {name for name, one in properties if name.endswith("_id") or resolve(DOCUMENT, one).get("format") == "uuid"}


DESCRIPTION_PAIRS = {
    (f"{method} {path.removeprefix('/api/v1')}", name)
    for method, path, description in OPERATIONS
    if (method, path) in GUARDS
    for name in names_of(method, path, description)
}
WITH_BODY = {
    f"{method} {path.removeprefix('/api/v1')}"
    for method, path, description in OPERATIONS
    if "requestBody" in description
}
ROWS = [(operation, name) for operation, rows in TABLE.items() for name in rows]


def pairs(table):
    return {(operation, name) for operation, names in table.items() for name in names}


@pytest.fixture(scope="module")
def world(settings, tmp_path_factory):
    town = make_town(settings, tmp_path_factory.mktemp("town"), halls=70, zones=70)
    with closing_pool(town.app):
        yield World(town)
    town.database.dispose()


def test_the_table_says_of_every_operation_whose_it_is():
    assert pairs(TABLE) | pairs(NOBODYS) == DESCRIPTION_PAIRS
    assert pairs(TABLE) & pairs(NOBODYS) == set()
    assert all(row.mine not in {401, 403, 404} for rows in TABLE.values() for row in rows.values())
    assert all(reason for names in NOBODYS.values() for reason in names.values())


def values_of(world, operation, name, thing, row):
    """Give the values that name a thing, as its owner knows them."""
    values = {one: thing.names[one] for one in thing.names if "{" + one + "}" in operation or one == name}
    values |= {one: value for one, value in BY_VALUE.items() if "{" + one + "}" in operation}
    if name == "cursor":
        first = ask(world, operation, thing.owner, values, query=(row.query or {}) | {"limit": "1"})
        values["cursor"] = first.get_json()["next"]
        assert values["cursor"], "there is more"
    return values


def of_others(name, thing, values):
    """Give what others send: their own names, but the one that is another's."""
    return {one: thing.own.get(one, value) if one != name else value for one, value in values.items()}


def payload_of(operation, row, thing):
    """Give what the query and the body say beside, the same whoever asks."""
    body = row.body if row.body is not None else thing.body
    return {"query": row.query, "body": body if operation in WITH_BODY else None}


def heard(answer):
    return answer.status_code, (answer.get_json(silent=True) or {}).get("code")


@pytest.mark.parametrize(("operation", "name"), ROWS, ids=lambda part: part or "own")
def test_what_is_anothers_is_not_there(world, request, operation, name):
    row = TABLE[operation][name]
    thing = row.make(world)
    request.addfinalizer(thing.over)
    values = values_of(world, operation, name, thing, row)
    beside = payload_of(operation, row, thing)
    before = thing.read()
    for other in thing.others:
        sending = of_others(name, thing, values)
        answer = ask(world, operation, other, sending, **beside)
        assert heard(answer) == row.others, answer.get_data(as_text=True)
        assert [mark for mark in thing.marks if mark in answer.get_data(as_text=True)] == []
        if answer.status_code == 404:
            never = ask(world, operation, other, sending | {name: thing.never.get(name) or str(new_id())}, **beside)
            assert comparable(answer) == comparable(never)
    assert thing.read() == before
    answer = ask(world, operation, thing.owner, values, **beside)
    assert answer.status_code == row.mine, answer.get_data(as_text=True)
    if operation.startswith("get ") and name in ("", "cursor"):
        assert any(mark in answer.get_data(as_text=True) for mark in thing.marks), "what is asked for is real"


def test_whoever_comes_after_a_closed_account_finds_nothing_of_it(world):
    person, things = world.person(), {}
    rows = [(operation, name, row) for operation, names in RESIDENTS.items() for name, row in names.items()]
    for _, _, row in rows:
        if row.make not in things:
            things[row.make] = row.make(world, person)
    calls = [
        (operation, values_of(world, operation, name, things[row.make], row), row, things[row.make])
        for operation, name, row in rows
    ]
    world.succeed("post", "/me/closing", person.headers, json={"confirm": True})
    heir = world.heir(person)
    # what the heir keeps anew comes last
    for operation, values, row, thing in sorted(calls, key=lambda one: one[0].startswith("put ")):
        beside = payload_of(operation, row, thing)
        assert ask(world, operation, person.headers, values, **beside).status_code == 401, operation
        answer = ask(world, operation, heir, values, **beside)
        assert heard(answer) == row.others, (operation, answer.get_data(as_text=True))
        assert [mark for mark in thing.marks if mark in answer.get_data(as_text=True)] == [], operation
