"""What drafts and versions really answer is what the API document says of them, with blocks of every type."""

from datetime import timedelta

import jsonschema_rs
import pytest
from hypothesis import HealthCheck, given, settings

from qe_ban.publishing.rules.blocks import TYPES
from qe_ban.publishing.rules.states import PageKind
from tests.factories.pages import API, PREFIX, content
from tests.publishing.asking import done
from tests.publishing.rules.contents import contents

ZONE = PageKind.ZONE
PAGE = "/zones/{slug}"


@pytest.fixture(scope="module")
def document(town):
    return town.client.get(f"{API}/openapi.json").get_json()


def check(document, answer, method, path):
    """Check a JSON answer against the schema of its operation."""
    described = document["paths"][f"{API}{PAGE}/{path}"][method]["responses"][str(answer.status_code)]
    schema = described["content"]["application/json"]["schema"] | {"components": document["components"]}
    jsonschema_rs.validate(schema, answer.json)


def fit(block, town):
    """Leave out of a block what only a hall fills, and aim it at a district that this city has."""
    filled, named = {"places": ("kinds", "places"), "app_grid": ("local", "apps")}.get(block["type"], (None, None))
    if named is not None and block.pop(filled, None):
        block[named] = block.get(named) or ["one"]
    if (block.get("aim") or {}).get("districts"):
        block["aim"]["districts"] = [next(iter(town.district.values()))]


def test_every_answer_of_the_desk_is_as_it_is_described(town, document):
    slug, admin = town.zone(), town.staff()
    check(document, done(town.put(admin, ZONE, slug, content())), "put", "draft")
    check(document, done(town.do(admin, ZONE, slug, "preview", {}), 201), "post", "preview")
    check(document, done(town.do(admin, ZONE, slug, "submit")), "post", "submit")
    check(document, done(town.do(town.staff(), ZONE, slug, "reject", {"reason": "一\n二"})), "post", "reject")
    town.do(admin, ZONE, slug, "submit")
    check(document, done(town.do(town.staff(), ZONE, slug, "approve")), "post", "approve")
    start, end = (town.clock() + timedelta(hours=hours) for hours in (1, 2))
    later = {"at": start.isoformat(), "end_at": end.isoformat()}
    check(document, done(town.do(admin, ZONE, slug, "publish", later)), "post", "publish")
    check(document, done(town.do(admin, ZONE, slug, "rollback", {"version": 1, "later": "keep"})), "post", "rollback")
    gone = {"version": 1, "reason": "有误"}
    check(document, done(town.do(admin, ZONE, slug, "withdraw", gone)), "post", "withdraw")
    check(document, town.get(admin, ZONE, f"{slug}/versions"), "get", "versions")
    check(document, town.get(admin, ZONE, f"{slug}/versions/2"), "get", "versions/{number}")
    check(document, town.get(admin, ZONE, f"{slug}/versions/1/diff/0"), "get", "versions/{before}/diff/{after}")
    check(document, town.get(admin, ZONE, f"{slug}/findings"), "get", "findings")


def test_whatever_a_page_may_say_is_saved_described_and_can_be_looked_at(town, document):
    slug, admin = town.zone(), town.staff()
    preview = done(town.do(admin, ZONE, slug, "preview", {}), 201).json["url"].partition(".test")[2]

    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(contents)
    def holds(said):
        for block in said.get("blocks") or ():
            fit(block, town)
        saved = done(town.put(admin, ZONE, slug, said))
        check(document, saved, "put", "draft")
        read = town.get(admin, ZONE, f"{slug}/draft")
        check(document, read, "get", "draft")
        assert read.headers["ETag"] == saved.headers["ETag"]
        again = done(town.put(admin, ZONE, slug, read.json["content"])).json
        assert again["content"] == read.json["content"]
        check(document, done(town.client.get(preview)), "get", "previews/{token}")

    holds()


def test_a_way_to_a_code_without_a_colour_of_its_own_is_as_described(town, document):
    slug = town.zone()
    town.publish(ZONE, slug, content({"id": "codes", "type": "code_shortcut", "kinds": ["identity", "health"]}))
    [block] = done(town.client.get(f"{API}/zones/{slug}")).json["blocks"]
    assert [one["colour"] is None for one in block["kinds"]] == [False, True], "health has its level's"
    # by its own schema: the union would take whatever is wrong for a type that comes later
    described = {"$ref": "#/components/schemas/CodeShortcutBlock", "components": document["components"]}
    jsonschema_rs.validate(described, block)


@pytest.mark.parametrize("kind", list(PageKind))
def test_a_preview_is_described_with_all_that_it_shows(town, document, kind):
    slug, path = town.page(kind), f"{API}/{PREFIX[kind]}/{{slug}}/previews/{{token}}"
    link = done(town.do(town.staff(), kind, slug, "preview", {}), 201).json["url"].partition(".test")[2]
    described = document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    shape = document["components"]["schemas"][described["$ref"].rpartition("/")[2]]
    assert set(done(town.client.get(link)).json) == set(shape["properties"])


def test_each_type_of_block_has_a_description_of_its_own(document):
    asked, answered = (document["components"]["schemas"][name] for name in ("BlockSent", "Block"))
    for union in (asked, answered):
        assert union["discriminator"]["propertyName"] == "type"
        assert set(union["discriminator"]["mapping"]) == set(TYPES)
    assert len(asked["oneOf"]) == len(TYPES)
    assert len(answered["anyOf"]) == len(TYPES) + 1, "and one for the types that come later"
