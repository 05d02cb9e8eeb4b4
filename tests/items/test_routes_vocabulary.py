"""Departments and topics over HTTP: reading, keeping, and trees that nobody bends into circles."""

import pytest
from sqlalchemy import select

from qe_ban.audit.models import AuditEvent
from tests.factories.items import SHINAN, add_item, basic_code, content, department_code, item_code

DEPARTMENTS, TOPICS = "/api/v1/departments", "/api/v1/topics"
NEW = {"If-None-Match": "*"}


@pytest.fixture
def admin(staff):
    return staff()


@pytest.fixture
def topic(client, admin):
    """Make a topic; gives its slug and its tag."""

    def make(slug=None, **changed):
        slug = slug or f"t-{basic_code()}"
        body = {"name": f"主题{slug[2:]}", "audience": "person"} | changed
        made = client.put(f"{TOPICS}/{slug}", json=body, headers=admin | NEW)
        assert made.status_code == 201, made.json
        return slug, {"If-Match": made.headers["ETag"]}

    return make


def refused(answer, status, code, *fields):
    assert (answer.status_code, answer.json["code"]) == (status, code), answer.json
    assert set(answer.json.get("errors", {})) == set(fields), answer.json


def recorded(database, subject):
    with database.transaction() as session:
        wanted = select(AuditEvent).where(AuditEvent.subject == subject).order_by(AuditEvent.id)
        return [(event.action, event.details["before"], event.details["after"]) for event in session.scalars(wanted)]


def test_a_department_is_registered_read_and_changed(client, admin, database):
    code, body = department_code(), {"name": "青岛市某某局", "type": "statutory", "district": SHINAN, "phone": "12345"}
    path = f"{DEPARTMENTS}/{code}"
    made = client.put(path, json=body, headers=admin | NEW)
    assert made.status_code == 201
    assert made.json == body | {"code": code, "type_name": "法定机关", "address": None, "items": 0}
    read = client.get(path)
    assert (read.json, read.headers["ETag"]) == (made.json, made.headers["ETag"])
    assert client.get(path, headers={"If-None-Match": read.headers["ETag"]}).status_code == 304
    changed = client.put(path, json=body | {"phone": None}, headers=admin | {"If-Match": read.headers["ETag"]})
    assert (changed.status_code, changed.json["phone"]) == (200, None)
    refused(client.put(path, json=body, headers=admin | {"If-Match": read.headers["ETag"]}), 412, "precondition_failed")
    refused(client.put(path, json=body, headers=admin | NEW), 412, "precondition_failed")
    refused(client.put(path, json=body, headers=admin), 428, "precondition_required")
    assert recorded(database, code) == [
        ("items.create_department", None, {"code": code, **body, "address": None}),
        ("items.change_department", {"phone": "12345"}, {"phone": None}),
    ]


def test_a_new_item_does_not_make_a_department_s_tag_stale(client, admin, database):
    code, body = department_code(), {"name": "局", "type": "entrusted"}
    tag = client.put(f"{DEPARTMENTS}/{code}", json=body, headers=admin | NEW).headers["ETag"]
    add_item(database, department=code)
    read = client.get(f"{DEPARTMENTS}/{code}")
    assert (read.json["items"], read.headers["ETag"] != tag) == (1, True)
    assert client.put(f"{DEPARTMENTS}/{code}", json=body, headers=admin | {"If-Match": tag}).status_code == 200


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"name": None}, "name"),
        ({"name": ""}, "name"),
        ({"name": "局" * 101}, "name"),
        ({"name": "局\u202e"}, "name"),
        ({"name": 1}, "name"),
        ({"type": "法定机关"}, "type"),
        ({"district": "370205"}, "district"),
        ({"district": "x"}, "district"),
        ({"phone": ["1"]}, "phone"),
        ({"address": "路\n"}, "address"),
        ({"items": 5}, "items"),
    ],
    ids=str,
)
def test_a_department_with_a_bad_field_is_refused(client, admin, changed, field):
    code, body = department_code(), {"name": "局", "type": "statutory"} | changed
    answer = client.put(f"{DEPARTMENTS}/{code}", json=body, headers=admin | NEW)
    assert (answer.status_code, set(answer.json["errors"])) == (422, {field})
    assert client.get(f"{DEPARTMENTS}/{code}").status_code == 404


def test_a_department_s_code_must_be_right(client, admin):
    good, body = department_code(), {"name": "局", "type": "statutory"}
    bad = good[:-1] + ("A" if good[-1] != "A" else "B")
    for wrong in (bad, good.lower(), "1" * 17, "'; --"):
        answer = client.put(f"{DEPARTMENTS}/{wrong}", json=body, headers=admin | NEW)
        refused(answer, 422, "items.department_invalid", "code")


def test_departments_come_in_pages_the_city_s_first(client, admin):
    hall = {"shinan": [], "city": []}
    for number in range(3):
        code = department_code()
        body = {"name": f"局{number}", "type": "statutory", "district": SHINAN if number else None}
        client.put(f"{DEPARTMENTS}/{code}", json=body, headers=admin | NEW)
        hall["shinan" if number else "city"].append(code)
    seen, cursor = [], None
    while True:
        query = {"limit": 1} | ({"cursor": cursor} if cursor else {}) | {"hall": "shinan"}
        page = client.get(DEPARTMENTS, query_string=query).json
        seen += page["items"]
        cursor = page["next"]
        if cursor is None:
            break
    codes = [row["code"] for row in seen]
    assert set(hall["shinan"]) <= set(codes)
    assert len(codes) == len(set(codes))
    assert {row["district"] for row in seen} == {SHINAN}
    everybody = client.get(DEPARTMENTS, query_string={"limit": 100}).json["items"]
    districts = [row["district"] or "" for row in everybody]
    assert districts == sorted(districts)
    refused(client.get(f"{DEPARTMENTS}?hall=nowhere"), 422, "items.hall_unknown", "hall")
    refused(client.get(f"{DEPARTMENTS}?cursor=WzFd"), 422, "bad_cursor", "cursor")
    refused(client.get(f"{DEPARTMENTS}?limit=0"), 422, "invalid_fields", "limit")


def test_a_topic_is_made_moved_renamed_and_deleted(client, admin, topic, database):
    (parent, _), (child, tag) = topic(), topic()
    path, body = f"{TOPICS}/{child}", {"name": f"改名{child}", "audience": "person", "parent": parent, "position": 3}
    moved = client.put(path, json=body, headers=admin | tag)
    assert moved.status_code == 200
    assert moved.json == body | {"slug": child, "depth": 1, "items": 0}
    assert client.get(path).json == moved.json
    listed = [row["slug"] for row in client.get(TOPICS).json["items"]]
    assert listed.index(child) > listed.index(parent)
    assert child not in [row["slug"] for row in client.get(f"{TOPICS}?audience=firm").json["items"]]
    refused(client.delete(path, headers=admin), 428, "precondition_required")
    refused(client.delete(path, headers=admin | tag), 412, "precondition_failed")
    refused(client.delete(f"{TOPICS}/{parent}", headers=admin | {"If-Match": "*"}), 409, "items.topic_in_use")
    assert client.delete(path, headers=admin | {"If-Match": moved.headers["ETag"]}).status_code == 204
    refused(client.get(path), 404, "items.topic_not_found")
    refused(client.delete(path, headers=admin | {"If-Match": "*"}), 404, "items.topic_not_found")
    actions = [action for action, _, _ in recorded(database, child)]
    assert actions == ["items.create_topic", "items.change_topic", "items.delete_topic"]


def test_topics_never_stand_in_circles_nor_too_deep(client, admin, topic):
    slugs, parent = [], None
    for _ in range(5):
        parent, _ = topic(**({"parent": parent} if parent else {}))
        slugs.append(parent)

    def hang(slug, below, tag="*"):
        body = {"name": f"主题{slug[2:]}", "audience": "person", "parent": below}
        return client.put(f"{TOPICS}/{slug}", json=body, headers=admin | {"If-Match": tag})

    for below in slugs:
        refused(hang(slugs[0], below), 422, "items.topic_invalid", "parent")
    refused(hang(slugs[2], slugs[4]), 422, "items.topic_invalid", "parent")
    deep, _ = topic()
    refused(hang(deep, slugs[4]), 422, "items.topic_invalid", "parent")
    refused(hang(slugs[0], deep), 422, "items.topic_invalid", "parent")
    refused(hang(slugs[0], "no-such"), 422, "items.topic_invalid", "parent")
    assert hang(slugs[1], deep).status_code == 200


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"name": None}, "name"),
        ({"name": "题" * 31}, "name"),
        ({"name": "题\n"}, "name"),
        ({"audience": "dog"}, "audience"),
        ({"parent": "A b"}, "parent"),
        ({"parent": 1}, "parent"),
        ({"position": -1}, "position"),
        ({"position": "1"}, "position"),
        ({"depth": 1}, "depth"),
    ],
    ids=str,
)
def test_a_topic_with_a_bad_field_is_refused(client, admin, changed, field):
    slug = f"t-{basic_code()}"
    body = {"name": slug, "audience": "person"} | changed
    answer = client.put(f"{TOPICS}/{slug}", json=body, headers=admin | NEW)
    assert (answer.status_code, set(answer.json["errors"])) == (422, {field})
    assert client.get(f"{TOPICS}/{slug}").status_code == 404


def test_topics_have_names_of_their_own_and_families_of_one_audience(client, admin, topic):
    slug, _ = topic()
    other, body = f"t-{basic_code()}", {"name": f"主题{slug[2:]}", "audience": "person"}
    refused(client.put(f"{TOPICS}/{other}", json=body, headers=admin | NEW), 422, "items.topic_invalid", "name")
    body = {"name": other, "audience": "firm", "parent": slug}
    refused(client.put(f"{TOPICS}/{other}", json=body, headers=admin | NEW), 422, "items.topic_invalid", "parent")
    topic(other, parent=slug)
    body = {"name": f"主题{slug[2:]}", "audience": "firm"}
    answer = client.put(f"{TOPICS}/{slug}", json=body, headers=admin | {"If-Match": "*"})
    refused(answer, 422, "items.topic_invalid", "audience")
    for wrong in ("A", "-a", "a" * 41, "生育"):
        answer = client.put(f"{TOPICS}/{wrong}", json={"name": wrong[:30], "audience": "person"}, headers=admin | NEW)
        refused(answer, 422, "items.topic_invalid", "slug")


def test_a_topic_that_an_item_names_now_or_later_stays(client, admin, topic, database):
    shown, _ = topic()
    coming, _ = topic()
    code = add_item(database, topics=[shown])
    path = f"/api/v1/items/{code}"
    item = client.get(path).json
    assert (item["topics"], item["labels"]["topics"]) == ([shown], [f"主题{shown[2:]}"])
    body = content(item["department"], topics=[coming]) | {"starts_at": "2060-01-01T00:00:00Z"}
    assert client.put(path, json=body, headers=admin | {"If-Match": "*"}).status_code == 200
    for slug in (shown, coming):
        answer = client.delete(f"{TOPICS}/{slug}", headers=admin | {"If-Match": "*"})
        refused(answer, 409, "items.topic_in_use")
    assert client.get(f"{TOPICS}/{shown}").json["items"] == 1


@pytest.mark.parametrize("role", ["district_admin", "editor", "reviewer", "system_admin", "security_admin", "auditor"])
def test_only_the_city_keeps_departments_and_topics(client, staff, role):
    headers = staff(role, **({"district": SHINAN} if role == "district_admin" else {})) | {"If-Match": "*"}
    for answer in (
        client.put(f"{DEPARTMENTS}/{department_code()}", json={}, headers=headers),
        client.put(f"{TOPICS}/x", json={}, headers=headers),
        client.delete(f"{TOPICS}/x", headers=headers),
    ):
        refused(answer, 403, "forbidden")


def test_an_item_s_agency_need_not_be_its_department(client, admin, database):
    code = department_code()
    client.put(f"{DEPARTMENTS}/{code}", json={"name": "局", "type": "authorised"}, headers=admin | NEW)
    made = client.put(f"/api/v1/items/{item_code()}", json=content(code), headers=admin | NEW)
    assert (made.status_code, made.json["department"]) == (201, code)
