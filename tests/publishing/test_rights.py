"""Every route of staff against every role and place, as a table: who enters, who has no scope, whose page it is not."""

from datetime import timedelta

import pytest

from qe_ban.accounts.rules import SCANNER, STAFF_SCOPES, STEPPED_UP, VISITOR, Role
from qe_ban.accounts.service import Accounts, tokens
from qe_ban.kernel.ids import new_id
from qe_ban.kernel.principal import PrincipalKind
from qe_ban.publishing.rules.states import PageKind
from tests.factories.pages import API, PREFIX, content
from tests.publishing.asking import done, refused

REASON = {"version": 1, "reason": "有误"}
ROUTES = {
    # what is done: (method, path below the page, body, scope)
    "read the draft": ("GET", "draft", None, "pages.read"),
    "save": ("PUT", "draft", content(), "pages.write"),
    "submit": ("POST", "submit", None, "pages.write"),
    "approve": ("POST", "approve", None, "pages.review"),
    "reject": ("POST", "reject", {"reason": "不清楚"}, "pages.review"),
    "publish": ("POST", "publish", {}, "pages.publish"),
    "roll back": ("POST", "rollback", {"version": 1}, "pages.publish"),
    "withdraw": ("POST", "withdraw", REASON, "pages.publish"),
    "list versions": ("GET", "versions", None, "pages.read"),
    "read a version": ("GET", "versions/1", None, "pages.read"),
    "compare": ("GET", "versions/1/diff/0", None, "pages.read"),
    "make a preview": ("POST", "preview", {}, "pages.read"),
    "list findings": ("GET", "findings", None, "pages.read"),
    "list saved drafts": ("GET", "saves", None, "pages.read"),
    "read a saved draft": ("GET", "saves/1", None, "pages.read"),
    "restore": ("POST", "restore", {"version": 1}, "pages.write"),
}
STALE = '"x"'
"""Who is let in hears that the page has changed: so nothing is done."""
ENTERED = {"GET": 200, "PUT": 412, "POST": 412}
EDITS = {"pages.read", "pages.write", "pages.publish"}
REVIEWS = {"pages.read", "pages.review", "pages.publish"}
ALL = EDITS | REVIEWS
HERE, ELSEWHERE = True, False

CALLERS = {
    # who: (role, the place that they answer for, whether that is this page's, what the role may do)
    "city admin": ("city_admin", {}, {PageKind.HALL, PageKind.ZONE}, ALL),
    "the city's editor": ("editor", {}, {PageKind.HALL, PageKind.ZONE}, EDITS),
    "the city's reviewer": ("reviewer", {}, {PageKind.HALL, PageKind.ZONE}, REVIEWS),
    "the hall's editor": ("editor", {"hall": "own"}, {PageKind.HALL}, EDITS),
    "another hall's editor": ("editor", {"hall": "other"}, set(), EDITS),
    "the hall's reviewer": ("reviewer", {"hall": "own"}, {PageKind.HALL}, REVIEWS),
    "another hall's reviewer": ("reviewer", {"hall": "other"}, set(), REVIEWS),
    "the district's admin": ("district_admin", {"district": "own"}, {PageKind.HALL}, ALL),
    "another district's admin": ("district_admin", {"district": "other"}, set(), ALL),
    "the district's editor": ("editor", {"district": "own"}, {PageKind.HALL}, EDITS),
    "the zone's editor": ("editor", {"zone": "own"}, {PageKind.ZONE}, EDITS),
    "another zone's editor": ("editor", {"zone": "other"}, set(), EDITS),
    "the zone's reviewer": ("reviewer", {"zone": "own"}, {PageKind.ZONE}, REVIEWS),
    "another zone's reviewer": ("reviewer", {"zone": "other"}, set(), REVIEWS),
    "a department's editor": ("editor", {"department": "1" * 18}, set(), EDITS),
    "a system admin": ("system_admin", {}, set(), set()),
    "a security admin": ("security_admin", {}, set(), set()),
    "an auditor": ("auditor", {}, set(), set()),
    "a clerk": ("clerk", {}, set(), set()),
    "a health officer": ("health_officer", {}, set(), set()),
    "a health reviewer": ("health_reviewer", {}, set(), set()),
}


@pytest.fixture(scope="module")
def pages(town):
    """A published page of each kind, and one beside it."""
    made = {kind: (town.page(kind), town.page(kind)) for kind in PageKind}
    for kind, slugs in made.items():
        for slug in slugs:
            town.publish(kind, slug)
    return made


def member(town, pages, who):
    role, place, _, _ = CALLERS[who]
    halls, zones = pages[PageKind.HALL], pages[PageKind.ZONE]
    names = {
        "hall": dict(zip(("own", "other"), halls, strict=True)),
        "zone": dict(zip(("own", "other"), zones, strict=True)),
        "district": {"own": town.district[halls[0]], "other": town.district[halls[1]]},
        "department": {},
    }
    return town.staff(role, **{sort: names[sort].get(name, name) for sort, name in place.items()})


def test_the_table_knows_every_role_and_what_each_may_do():
    assert {role for role, *_ in CALLERS.values()} == {role.value for role in Role}
    for role, _, _, scopes in CALLERS.values():
        assert scopes == STAFF_SCOPES[Role(role)] & (ALL | {scope for *_, scope in ROUTES.values()}), role


def test_the_table_knows_every_route_of_staff(town):
    found = {
        (method, rule.rule.removeprefix(f"{API}/halls/<slug>/"))
        for rule in town.app.url_map.iter_rules()
        if rule.endpoint.startswith("hall_pages.") and "previews" not in rule.rule
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    assert len(found) == len(ROUTES)
    assert {method for method, _ in found} == {"GET", "PUT", "POST"}


@pytest.mark.parametrize("who", CALLERS)
@pytest.mark.parametrize("kind", list(PageKind))
def test_staff_enter_by_scope_and_only_their_own_page(town, pages, kind, who):
    slug, caller = pages[kind][0], member(town, pages, who)
    _, _, covered, scopes = CALLERS[who]
    for name, (method, path, body, scope) in ROUTES.items():
        answer = town.call(caller, method, kind, f"{slug}/{path}", body, STALE)
        if scope not in scopes:
            wanted = (403, "forbidden")
        elif kind not in covered:
            wanted = (403, "publishing.other_place")
        else:
            wanted = (201 if name == "make a preview" else ENTERED[method], None)
        code = answer.json["code"] if answer.status_code == 403 else None
        assert (answer.status_code, code) == wanted, (who, name, answer.json)


@pytest.mark.parametrize("kind", list(PageKind))
def test_nobody_else_enters_with_any_token(town, pages, kind):
    now = town.clock()
    others = {
        "visitor": (PrincipalKind.RESIDENT, VISITOR),
        "resident": (PrincipalKind.RESIDENT, STEPPED_UP),
        "scanner": (PrincipalKind.SCANNER, SCANNER),
    }
    for name, (principal, scopes) in others.items():
        made = tokens.access(
            town.parts.get(Accounts),
            kind=principal,
            subject=new_id(),
            session=new_id(),
            scopes=scopes,
            now=now,
            stepped_up_at=now,
        )
        for method, path, body, _ in ROUTES.values():
            url, options = f"{API}/{PREFIX[kind]}/{pages[kind][0]}/{path}", {} if body is None else {"json": body}
            answer = town.client.open(
                url, method=method, headers={"Authorization": f"Bearer {made.access}", "If-Match": "*"}, **options
            )
            assert (answer.status_code, answer.json["code"]) == (403, "forbidden"), (name, path)
            assert town.client.open(url, method=method, **options).status_code == 401


def test_a_page_goes_the_whole_way_by_the_people_of_its_own_place(town):
    slug = town.hall()
    editor, reviewer = town.staff("editor", hall=slug), town.staff("reviewer", hall=slug)
    admin = town.staff("district_admin", district=town.district[slug])
    done(town.put(editor, PageKind.HALL, slug, content()))
    done(town.do(editor, PageKind.HALL, slug, "submit"))
    done(town.do(reviewer, PageKind.HALL, slug, "approve"))
    done(town.do(admin, PageKind.HALL, slug, "publish"))


def test_only_the_city_withdraws_what_has_begun(town):
    slug = town.hall()
    at = (town.clock() + timedelta(hours=1)).isoformat()
    town.publish(PageKind.HALL, slug)
    town.publish(PageKind.HALL, slug, at=at)
    admin = town.staff("district_admin", district=town.district[slug])
    begun, planned = {"version": 1, "reason": "有误"}, {"version": 2, "reason": "改期"}
    refused(town.do(admin, PageKind.HALL, slug, "withdraw", begun), 403, "publishing.withdrawal_refused")
    done(town.do(admin, PageKind.HALL, slug, "withdraw", planned))
    done(town.do(town.staff(), PageKind.HALL, slug, "withdraw", begun))
