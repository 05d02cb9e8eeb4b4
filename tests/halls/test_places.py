"""Places over HTTP: where, when and how far; who keeps them, and what none can be."""

import json
import secrets
from datetime import datetime, timedelta

import pytest

from qe_ban.halls.rules import gcj02
from qe_ban.halls.rules.distances import Point
from qe_ban.halls.schemas.places import HallPlaceSchema
from qe_ban.halls.service import places as service
from qe_ban.kernel.city_file import parse
from qe_ban.kernel.clock import CITY_TIME
from tests.factories.registers import NEW, OFFICE, PLACES, audit_trail, names, place_content, refused, slug, stamp
from tests.factories.venues import LAOSHAN, SHINAN

MONDAY = datetime(2026, 10, 5, 10, tzinfo=CITY_TIME)


def test_a_place_is_made_read_changed_and_withdrawn(client, admin, database):
    name, before = slug(), stamp(database)
    path, body = f"{PLACES}/{name}", place_content(services=["社保", "户籍"], phone="0532-12345", note="周末\n不办")
    made = client.put(path, json=body, headers=admin | NEW)
    assert made.status_code == 201
    assert set(made.json) == set(HallPlaceSchema().fields)
    assert {field: made.json[field] for field in body} == body
    assert (made.json["kind_name"], made.json["state_name"]) == ("政务服务大厅", "正常服务")
    assert (made.json["district_name"], made.json["distance"]) == ("市南区", None)
    assert stamp(database) == before + 1
    read = client.get(path)
    assert read.json == made.json
    assert client.get(path, headers={"If-None-Match": read.headers["ETag"]}).status_code == 304
    tag = admin | {"If-Match": read.headers["ETag"]}
    assert client.put(path, json=body, headers=tag).status_code == 200
    assert stamp(database) == before + 1
    gone = client.put(path, json=body | {"state": "withdrawn", "phone": None}, headers=tag)
    assert (gone.status_code, gone.json["state_name"], gone.json["open_now"]) == (200, "已撤销", False)
    assert client.get(path).json["state"] == "withdrawn"
    refused(client.put(path, json=body, headers=tag), 412, "precondition_failed")
    refused(client.put(path, json=body, headers=admin | NEW), 412, "precondition_failed")
    refused(client.put(path, json=body, headers=admin), 428, "precondition_required")
    assert [action for action, _, _ in audit_trail(database, name)] == ["halls.create_place", "halls.change_place"]
    assert audit_trail(database, name)[1][1:] == (
        {"phone": "0532-12345", "state": "open"},
        {"phone": None, "state": "withdrawn"},
    )


@pytest.mark.parametrize(
    ("moment", "open_now", "opens_at", "closes_at", "seconds"),
    [
        (MONDAY, True, None, "2026-10-05T04:00:00Z", 30),
        (MONDAY + timedelta(hours=1, minutes=59, seconds=48), True, None, "2026-10-05T04:00:00Z", 12),
        (MONDAY + timedelta(hours=2), False, "2026-10-05T05:30:00Z", None, 30),
        (MONDAY + timedelta(hours=7), False, "2026-10-06T01:00:00Z", None, 30),
    ],
)
def test_whether_it_is_open_and_when_that_changes(make_app, put_place, moment, open_now, opens_at, closes_at, seconds):
    name, _ = put_place()
    asleep, _ = put_place(state="suspended", note="装修")
    client = make_app(clock=lambda: moment).test_client()
    answer = client.get(f"{PLACES}/{name}")
    told = answer.json
    assert (told["open_now"], told["opens_at"], told["closes_at"]) == (open_now, opens_at, closes_at)
    assert answer.headers["Cache-Control"] == f"public, max-age={seconds}"
    quiet = client.get(f"{PLACES}/{asleep}").json
    assert (quiet["open_now"], quiet["opens_at"], quiet["closes_at"]) == (False, None, None)


def test_the_tag_of_a_read_serves_a_change_also_after_the_door_has_closed(make_app, put_place, admin):
    name, _ = put_place()
    read = make_app(clock=lambda: MONDAY).test_client().get(f"{PLACES}/{name}")
    later = make_app(clock=lambda: MONDAY + timedelta(hours=2)).test_client().get(f"{PLACES}/{name}")
    assert read.headers["ETag"] != later.headers["ETag"]
    client = make_app().test_client()
    changed = client.put(
        f"{PLACES}/{name}", json=place_content(phone="1"), headers=admin | {"If-Match": read.headers["ETag"]}
    )
    assert changed.status_code == 200


def test_lists_by_hall_kind_and_words(client, put_place):
    mark = secrets.token_hex(6)
    south, _ = put_place(name=f"大厅{mark}")
    corner, _ = put_place(name=f"自助机{mark}", kind="self_service", state="suspended")
    east, _ = put_place(name=f"大厅{mark}", district=LAOSHAN, note="二楼东侧")
    wide, _ = put_place(name=f"市民中心{mark}", district=None)
    put_place(name=f"旧大厅{mark}", state="withdrawn")

    def listed(path=PLACES, **query):
        return set(names(client.get(path, query_string={"q": mark} | query)))

    assert listed() == {south, corner, east, wide}
    assert listed(hall="shinan") == listed("/api/v1/halls/shinan/places") == {south, corner}
    assert listed(hall="city") == listed("/api/v1/halls/city/places") == {wide}
    assert listed(kind="self_service") == {corner}
    assert listed(q="二楼东侧", hall="laoshan") >= {east}
    assert listed(q=mark.upper()) == {south, corner, east, wide}
    assert listed(q="_" * 6) == set()


def test_the_nearest_come_first_and_nobody_keeps_who_asked(client, put_place):
    mark = secrets.token_hex(6)
    here, _ = put_place(name=mark, latitude=36.0662, longitude=120.3826)
    far, _ = put_place(name=mark, latitude=36.7, longitude=119.9)
    close, _ = put_place(name=mark, latitude=36.0712, longitude=120.3826)
    answer = client.get(PLACES, query_string={"q": mark, "near": "36.066200,120.382600"})
    assert names(answer) == [here, close, far]
    assert [row["distance"] for row in answer.json["items"]] == [0, 560, 82_660]
    assert answer.headers["Cache-Control"] == "private, no-store"
    hall = client.get("/api/v1/halls/shinan/places", query_string={"q": mark, "near": "36.7,119.9"})
    assert names(hall) == [far, close, here]
    assert client.get("/api/v1/halls/shinan/places", query_string={"q": mark}).json["items"][0]["distance"] is None


def test_a_phone_that_gives_gcj02_says_so_and_finds_the_same_distances(client, put_place):
    mark = secrets.token_hex(6)
    put_place(name=mark, latitude=36.0662, longitude=120.3826)
    phone = gcj02.from_wgs84(Point(36.0662, 120.3826))
    near = f"{phone.latitude:.6f},{phone.longitude:.6f}"

    def distance(**query):
        return client.get(PLACES, query_string={"q": mark, "near": near} | query).json["items"][0]["distance"]

    assert distance(near_crs="gcj02") == 0
    assert 300 < distance() == distance(near_crs="wgs84") < 700
    assert client.get(PLACES, query_string={"near": near, "near_crs": "bd09"}).status_code == 422
    refused(client.get(PLACES, query_string={"near": "0,0"}), 422, "halls.near_invalid", "near")


def test_who_did_not_hear_that_a_place_was_made_or_changed_hears_it_again(client, admin, database):
    name = slug()
    new, changed = place_content(), place_content(note="周六不开")
    made = client.put(f"{PLACES}/{name}", json=new, headers=admin | NEW)
    again = client.put(f"{PLACES}/{name}", json=new, headers=admin | NEW)
    assert (made.status_code, again.status_code, again.headers["ETag"]) == (201, 200, made.headers["ETag"])
    tag = {"If-Match": made.headers["ETag"]}
    first, second = (client.put(f"{PLACES}/{name}", json=changed, headers=admin | tag) for _ in range(2))
    assert (first.status_code, second.status_code, second.headers["ETag"]) == (200, 200, first.headers["ETag"])
    assert len(audit_trail(database, name)) == 2
    assert client.put(f"{PLACES}/{name}", json=new, headers=admin | tag).status_code == 412


@pytest.mark.parametrize("near", [{}, {"near": "36.1,120.4"}])
def test_lists_are_read_on_page_by_page(client, put_place, near):
    mark = secrets.token_hex(6)
    made = [put_place(name=mark, latitude=36 + at // 2 / 100)[0] for at in range(7)]
    query = {"q": mark} | near
    whole = client.get(PLACES, query_string=query)
    seen, cursor = [], {}
    while cursor is not None:
        page = client.get(PLACES, query_string=query | {"limit": 2} | cursor)
        seen += names(page)
        cursor = {"cursor": page.json["next"]} if page.json["next"] else None
    assert seen == names(whole)
    assert sorted(seen) == sorted(made)
    again = client.get(PLACES, query_string=query, headers={"If-None-Match": whole.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"near": "36.0662"}, "near"),
        ({"near": "nan,nan"}, "near"),
        ({"near": "inf,0"}, "near"),
        ({"near": "1e1,120"}, "near"),
        ({"near": "36.1234567,120"}, "near"),
        ({"near": "91,120"}, "near"),
        ({"near": "36,181"}, "near"),
        ({"near": "120.3826,36.0662"}, "near"),
        ({"near": ""}, "near"),
        ({"near": "36,120" * 50}, "near"),
        ({"hall": "no-such"}, "hall"),
        ({"kind": "pub"}, "kind"),
        ({"q": "a" * 41}, "q"),
        ({"limit": "101"}, "limit"),
        ({"lat": "36"}, "lat"),
        ({"cursor": "x"}, "cursor"),
        ({"cursor": "WzFd"}, "cursor"),
        ({"cursor": "WyJhIl0", "near": "36,120"}, "cursor"),
        ({"cursor": "WzEsImEiXQ"}, "cursor"),
    ],
    ids=str,
)
def test_a_question_that_cannot_be_is_refused(client, query, field):
    for path in (PLACES, "/api/v1/halls/shinan/places"):
        if field != "hall" or path == PLACES:
            answer = client.get(path, query_string=query)
            assert (answer.status_code, set(answer.json["errors"])) == (422, {field}), answer.json


def test_what_is_not_there(client):
    refused(client.get("/api/v1/halls/no-such/places"), 404, "halls.not_found")
    for name in ("no-such", "A", "'; --"):
        refused(client.get(f"{PLACES}/{name}"), 404, "halls.place_not_found")


BODIES = [
    ({"name": None}, "name"),
    ({"name": "名" * 61}, "name"),
    ({"name": "名\n"}, "name"),
    ({"name": 1}, "name"),
    ({"kind": "pub"}, "kind"),
    ({"district": "370205"}, "district"),
    ({"district": "市南"}, "district"),
    ({"address": None}, "address"),
    ({"address": "a\u202eb"}, "address"),
    ({"phone": "1" * 61}, "phone"),
    ({"services": "社保"}, "services"),
    ({"services": ["社" * 31]}, "services.0"),
    ({"services": [str(at) for at in range(41)]}, "services"),
    ({"note": "字" * 301}, "note"),
    ({"state": "closed"}, "state"),
    ({"latitude": None}, "latitude"),
    ({"latitude": "36"}, "latitude"),
    ({"latitude": True}, "latitude"),
    ({"latitude": 120.3826}, "latitude"),
    ({"latitude": 36.06620001}, "latitude"),
    ({"latitude": [36]}, "latitude"),
    ({"longitude": -180.000001}, "longitude"),
    ({"longitude": 10**18}, "longitude"),
    ({"latitude": 0, "longitude": 0}, "latitude"),
    ({"latitude": 39.9}, "latitude"),
    ({"longitude": 116.4}, "longitude"),
    ({"hours": None}, "hours"),
    ({"hours": "9-17"}, "hours"),
    ({"hours": {}}, "hours"),
    ({"hours": {"mon": [["09:00", "12:00"], ["11:00", "13:00"]]}}, "hours.mon"),
    ({"hours": {"mon": [["09:00", "26:00"]]}}, "hours.mon.0"),
    ({"hours": OFFICE | {"closed": ["2026-13-01"]}}, "hours.closed.0"),
    ({"hours": OFFICE | {"x": 1}}, "hours.x"),
    ({"slug": "x"}, "slug"),
    ({"open_now": True}, "open_now"),
]


@pytest.mark.parametrize(("changed", "field"), BODIES, ids=str)
def test_a_bad_field_is_named_and_nothing_is_made(client, admin, database, changed, field):
    name = slug()
    answer = client.put(f"{PLACES}/{name}", json=place_content(**changed), headers=admin | NEW)
    assert (answer.status_code, set(answer.json["errors"])) == (422, {field}), answer.json
    assert client.get(f"{PLACES}/{name}").status_code == 404
    assert audit_trail(database, name) == []


def test_numbers_that_are_none_and_a_thousand_faults(client, admin):
    for number in ("NaN", "Infinity", "-Infinity", "1e999"):
        said = json.dumps(place_content(latitude=0)).replace('"latitude": 0', f'"latitude": {number}')
        headers = admin | NEW | {"Content-Type": "application/json"}
        assert client.put(f"{PLACES}/{slug()}", data=said, headers=headers).status_code == 400
    spans = {f"2026-{month:02}-{day:02}": [["x", "y"]] * 6 for month in range(1, 5) for day in range(1, 26)}
    answer = client.put(f"{PLACES}/{slug()}", json=place_content(hours={"open": spans}), headers=admin | NEW)
    assert (answer.status_code, len(answer.json["errors"])) == (422, 50)


def test_missing_fields_are_named_at_once_and_slugs_are_checked(client, admin):
    answer = client.put(f"{PLACES}/{slug()}", json={}, headers=admin | NEW)
    required = {"name", "kind", "address", "state", "latitude", "longitude", "hours"}
    assert (answer.status_code, set(answer.json["errors"])) == (422, required)
    for wrong in ("A", "-a", "a" * 41, "大厅"):
        refused(
            client.put(f"{PLACES}/{wrong}", json=place_content(), headers=admin | NEW),
            422,
            "halls.place_invalid",
            "slug",
        )


def test_pages_are_dressed_with_places_that_stand(put_place, database, settings):
    city = parse(settings.city_text())
    here, _ = put_place(kind="testing")
    asleep, _ = put_place(kind="testing", state="suspended")
    gone, _ = put_place(kind="testing", state="withdrawn")
    east, _ = put_place(kind="testing", district=LAOSHAN)
    clinic, _ = put_place(kind="clinic")
    with database.transaction() as session:
        found = service.source(session, city, [here, asleep, gone, "no-such"], MONDAY)
        listed = service.of(session, city, ["testing"], SHINAN, MONDAY)
    assert {name: row["open_now"] for name, row in found.items()} == {here: True, asleep: False}
    slugs = {row["slug"] for row in listed}
    assert slugs >= {here, asleep}
    assert not slugs & {gone, east, clinic}
    assert json.dumps(listed), "pages keep it as JSON"
