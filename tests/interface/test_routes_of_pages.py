"""Every route by which staff change halls, zones and what they offer, against every role and place of staff.

The routes are those of the description: a new one fails here until the table says whose it is and what it is sent.
"""

import pytest

from qe_ban.accounts.rules import STAFF_SCOPES, Role
from tests.factories.pages import content
from tests.factories.registers import app_content, place_content
from tests.factories.venues import LAOSHAN, SHINAN
from tests.interface.test_routes import GUARD_SCOPES, call
from tests.items.conftest import parts as parts  # noqa: PLC0414  fixtures of the neighbours
from tests.items.conftest import staff as staff  # noqa: PLC0414

SCOPES = frozenset({
    "pages.read", "pages.write", "pages.review", "pages.publish", "media.write", "apps.write", "places.write",
    "demands.handle", "zones.end",
})  # fmt: skip
CITY, HALL, DISTRICT, ZONE = {}, {"hall": "shinan"}, {"district": SHINAN}, {"zone": "karos"}
FOREIGN = ({"hall": "laoshan"}, {"hall": "city"}, {"district": LAOSHAN}, {"zone": "finance"}, {"department": "1" * 18})
PLACES = (CITY, HALL, DISTRICT, ZONE, *FOREIGN)
AREAS = {
    # by the beginning of the path: what stands for the slug, who answers for it, what everybody else hears
    "/halls/{slug}/": ("shinan", (CITY, HALL, DISTRICT), "publishing.other_place"),
    "/zones/{slug}/demands": ("karos", (CITY, ZONE), "zones.other_zone"),
    "/zones/{slug}/": ("karos", (CITY, ZONE), "publishing.other_place"),
    "/apps/{slug}": ("of-table", (CITY, HALL, DISTRICT), "halls.other_place"),
    "/places/{slug}": ("of-table", (CITY, HALL, DISTRICT), "halls.other_place"),
    "/media": ("", PLACES, ""),
}
BODIES = {
    # by the end of the path, where something is sent
    "draft": content(),
    "reject": {"reason": "不清楚"},
    "publish": {},
    "rollback": {"version": 1},
    "withdraw": {"version": 1, "reason": "有误"},
    "restore": {"version": 1},
    "preview": {},
    "answer": {"text": "好"},
    "refuse": {"reason": "不在范围内"},
    "end": {"delete": False},
    "/apps/{slug}": app_content(districts=[SHINAN]),
    "/places/{slug}": place_content(district=SHINAN),
}
CALLERS = [
    *((role, place) for role in ("editor", "reviewer") for place in PLACES),
    *(("district_admin", {"district": district}) for district in (SHINAN, LAOSHAN)),
    *((role.value, CITY) for role in Role if role not in (Role.EDITOR, Role.REVIEWER, Role.DISTRICT_ADMIN)),
]
ROUTES = [(method, path.removeprefix("/api/v1"), scope) for method, path, scope in GUARD_SCOPES if scope in SCOPES]
STALE = {"If-Match": '"x"'}
"""Who is let in hears that it has changed: so nothing is done."""


def area(path):
    return next(entry for beginning, entry in AREAS.items() if path.startswith(beginning))


def body(path):
    return next((payload for end, payload in BODIES.items() if path.endswith(end)), None)


def test_the_table_knows_all_routes_of_staff_about_halls_and_zones():
    own = ("/halls", "/zones", "/apps", "/places", "/media")
    theirs = frozenset().union(*STAFF_SCOPES.values())
    scopes = {
        scope for _, path, scope in GUARD_SCOPES if path.removeprefix("/api/v1").startswith(own) and scope in theirs
    }
    assert scopes == SCOPES
    assert len(ROUTES) > 35
    assert all(area(path) for _, path, _ in ROUTES)


@pytest.mark.parametrize(("role", "place"), CALLERS, ids=str)
def test_staff_enter_by_their_scopes_and_only_what_is_their_own(client, staff, role, place):
    headers = staff(role, **place) | STALE
    for method, path, scope in ROUTES:
        slug, owners, code = area(path)
        payload = body(path)
        options = {} if payload is None or method == "get" else {"json": payload}
        answer = call(client, method, f"/api/v1{path.replace('{slug}', slug)}", headers=headers, **options)
        outcome = (answer.status_code, (answer.json or {}).get("code"))
        if scope not in STAFF_SCOPES[Role(role)]:
            assert outcome == (403, "forbidden"), (method, path)
        elif place not in owners:
            assert outcome == (403, code), (method, path)
        elif path == "/media":
            # nothing is handed in
            assert outcome[0] == 400
        else:
            # there may be nothing there, or something else than they think
            assert outcome[0] in (200, 201, 404, 412), (method, path, answer.json)
