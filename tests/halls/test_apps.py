"""Local apps over HTTP: reading, keeping, who may, and what none can be."""

import secrets
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from qe_ban.halls.schemas.apps import AppSchema
from qe_ban.halls.service import apps as service
from qe_ban.kernel.city_file import parse
from qe_ban.publishing.models import Media, MediaUse
from tests.factories.registers import APPS, NEW, app_content, audit_trail, names, refused, slug, stamp
from tests.factories.venues import LAOSHAN, SHINAN

NOW = datetime(2026, 10, 1, 8, tzinfo=UTC)


@pytest.fixture
def picture(database):
    digest = secrets.token_hex(32)
    with database.transaction() as session:
        row = {"type": "image/png", "width": 96, "height": 96, "bytes": 900, "widths": [48]}
        session.add(Media(digest=digest, created_at=NOW, created_by=None, **row))
    return digest


def test_an_app_is_made_read_changed_and_withdrawn(client, admin, database, picture):
    name, before = slug(), stamp(database)
    path, body = f"{APPS}/{name}", app_content(districts=[LAOSHAN, SHINAN], icon=picture)
    made = client.put(path, json=body, headers=admin | NEW)
    assert made.status_code == 201
    assert set(made.json) == set(AppSchema().fields)
    assert made.json["districts"] == [SHINAN, LAOSHAN]
    assert made.json["district_names"] == ["市南区", "崂山区"]
    assert (made.json["kind_name"], made.json["state_name"], made.json["position"]) == ("网页应用", "使用中", 0)
    assert made.json["picture"]["sizes"] == [{"width": 48, "url": made.json["picture"]["url"] + "/48"}]
    assert stamp(database) == before + 1
    read = client.get(path)
    assert (read.json, read.headers["ETag"]) == (made.json, made.headers["ETag"])
    assert client.get(path, headers={"If-None-Match": read.headers["ETag"]}).status_code == 304
    tag = admin | {"If-Match": read.headers["ETag"]}
    same = client.put(path, json=body, headers=tag)
    assert (same.status_code, same.headers["ETag"], stamp(database)) == (200, read.headers["ETag"], before + 1)
    away = body | {"state": "withdrawn", "state_reason": "服务整合", "icon": None}
    gone = client.put(path, json=away, headers=tag)
    assert (gone.status_code, gone.json["state_name"], gone.json["picture"]) == (200, "已下线", None)
    assert client.get(path).json["state_reason"] == "服务整合"
    refused(client.put(path, json=body, headers=tag), 412, "precondition_failed")
    refused(client.put(path, json=body, headers=admin | NEW), 412, "precondition_failed")
    refused(client.put(path, json=body, headers=admin), 428, "precondition_required")
    refused(client.put(f"{APPS}/{slug()}", json=body, headers=tag), 412, "precondition_failed")
    actions = audit_trail(database, name)
    assert [action for action, _, _ in actions] == ["halls.create_app", "halls.change_app"]
    assert actions[1][1:] == (
        {"state": "active", "state_reason": None, "icon": picture},
        {"state": "withdrawn", "state_reason": "服务整合", "icon": None},
    )


def test_an_app_uses_its_icon_and_no_other(client, put_app, database, picture):
    def used():
        with database.transaction() as session:
            wanted = select(MediaUse.digest).where(MediaUse.owner == "app", MediaUse.slug == name)
            return list(session.scalars(wanted))

    name, headers = put_app(icon=picture)
    assert used() == [picture]
    answer = client.put(f"{APPS}/{name}", json=app_content(icon="a" * 64), headers=headers)
    refused(answer, 422, "halls.app_invalid", "icon")
    assert used() == [picture]
    assert client.put(f"{APPS}/{name}", json=app_content(), headers=headers).status_code == 200
    assert used() == []


def test_lists_by_hall_category_kind_and_words(client, put_app):
    mark = f"类{secrets.token_hex(4)}"
    wide, _ = put_app(category=mark, position=2, name="全市通")
    south, _ = put_app(category=mark, position=5, districts=[SHINAN], name="文化地图")
    east, _ = put_app(category=mark, position=1, districts=[LAOSHAN, SHINAN], kind="mini_program")
    other, _ = put_app(category=mark, position=0, districts=[LAOSHAN], state="suspended", state_reason="系统升级")
    put_app(category=mark, state="withdrawn", state_reason="停办")

    def listed(path=APPS, **query):
        return names(client.get(path, query_string=query | {"category": mark}))

    assert listed() == [other, east, wide, south]
    assert listed(hall="shinan") == [east, wide, south]
    assert listed(hall="city") == [wide]
    assert listed("/api/v1/halls/shinan/apps") == [east, south, wide], "the hall's own before the city's"
    assert listed("/api/v1/halls/city/apps") == [wide]
    assert listed("/api/v1/halls/licang/apps") == [wide]
    assert listed(kind="mini_program") == [east]
    assert listed(q="文化") == [south]
    assert listed(q="CREDIT") == []
    assert listed(q="%") == []
    answer = client.get(APPS, query_string={"category": mark, "hall": "laoshan"}).json["items"]
    assert (answer[0]["state_name"], answer[0]["state_reason"]) == ("暂停服务", "系统升级")
    assert all(set(row) == set(AppSchema().fields) for row in answer)


def test_lists_are_read_on_page_by_page_and_kept_by_their_tag(client, put_app):
    mark = f"类{secrets.token_hex(4)}"
    made = [put_app(category=mark, position=at // 2, districts=[SHINAN] if at % 3 else [])[0] for at in range(7)]
    for path in (APPS, "/api/v1/halls/shinan/apps"):
        whole = client.get(path, query_string={"category": mark})
        assert "public" in whole.headers["Cache-Control"]
        again = client.get(path, query_string={"category": mark}, headers={"If-None-Match": whole.headers["ETag"]})
        assert (again.status_code, again.data) == (304, b"")
        seen, cursor = [], {}
        while cursor is not None:
            page = client.get(path, query_string={"category": mark, "limit": 2} | cursor)
            seen += names(page)
            cursor = {"cursor": page.json["next"]} if page.json["next"] else None
        assert seen == names(whole)
        assert sorted(seen) == sorted(made)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"hall": "no-such"}, "hall"),
        ({"hall": "市南"}, "hall"),
        ({"category": ""}, "category"),
        ({"category": "类" * 21}, "category"),
        ({"kind": "app"}, "kind"),
        ({"q": ""}, "q"),
        ({"q": "a" * 41}, "q"),
        ({"q": "\u202e"}, "q"),
        ({"limit": "0"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"state": "active"}, "state"),
        ({"cursor": "x"}, "cursor"),
        ({"cursor": "WzAsMF0"}, "cursor"),
        ({"cursor": "WzAsMCwwXQ"}, "cursor"),
        ({"cursor": "WzAsNDI5NDk2NzI5NiwiYSJd"}, "cursor"),
        ({"cursor": "WzksMCwiYSJd"}, "cursor"),
    ],
    ids=str,
)
def test_a_question_that_cannot_be_is_refused(client, query, field):
    answer = client.get(APPS, query_string=query)
    assert (answer.status_code, set(answer.json["errors"])) == (422, {field}), answer.json


def test_what_is_not_there(client):
    refused(client.get("/api/v1/halls/no-such/apps"), 404, "halls.not_found")
    for name in ("no-such", "A", "a" * 41, "'; --"):
        refused(client.get(f"{APPS}/{name}"), 404, "halls.app_not_found")


BODIES = [
    ({"name": None}, "name"),
    ({"name": "名" * 31}, "name"),
    ({"name": " "}, "name"),
    ({"name": "名\u202e"}, "name"),
    ({"name": ["名"]}, "name"),
    ({"summary": "一\n二"}, "summary"),
    ({"kind": "apk"}, "kind"),
    ({"address": None}, "address"),
    ({"address": "http://a.gov.cn/"}, "address"),
    ({"address": "javascript:alert(1)"}, "address"),
    ({"address": "https://a.gov.cn.evil.com/"}, "address"),
    ({"address": "https://evilgov.cn/"}, "address"),
    ({"address": "https://a.gov.cn@evil.com/"}, "address"),
    ({"address": "https://evil.com/?a.gov.cn"}, "address"),
    ({"address": "https://evil.com\\.gov.cn/"}, "address"),
    ({"address": "//a.gov.cn/"}, "address"),
    ({"address": "https://a.gov.cn/" + "a" * 500}, "address"),
    ({"native_page": "qe://wallet"}, "native_page"),
    ({"kind": "native", "address": None}, "native_page"),
    ({"kind": "native", "native_page": "qe://wallet"}, "address"),
    ({"kind": "native", "address": None, "native_page": "javascript:alert(1)"}, "native_page"),
    ({"kind": "native", "address": None, "native_page": "qe://a/../b"}, "native_page"),
    ({"kind": "native", "address": None, "native_page": "qe://A"}, "native_page"),
    ({"kind": "native", "address": None, "native_page": "qe://a//b"}, "native_page"),
    ({"owner": None}, "owner"),
    ({"category": "类" * 21}, "category"),
    ({"state": "deleted"}, "state"),
    ({"state": "suspended"}, "state_reason"),
    ({"state": "withdrawn", "state_reason": " "}, "state_reason"),
    ({"state_reason": "好"}, "state_reason"),
    ({"districts": ["370205"]}, "districts.0"),
    ({"districts": ["市南区"]}, "districts.0"),
    ({"districts": [SHINAN, SHINAN]}, "districts.1"),
    ({"districts": SHINAN}, "districts"),
    ({"districts": [SHINAN] * 31}, "districts"),
    ({"districts": [370202]}, "districts.0"),
    ({"icon": "x"}, "icon"),
    ({"icon": "a" * 64}, "icon"),
    ({"position": -1}, "position"),
    ({"position": 10_001}, "position"),
    ({"position": "1"}, "position"),
    ({"position": 1.5}, "position"),
    ({"slug": "x"}, "slug"),
    ({"revision": 1}, "revision"),
]


@pytest.mark.parametrize(("changed", "field"), BODIES, ids=str)
def test_a_bad_field_is_named_and_nothing_is_made(client, admin, database, changed, field):
    name = slug()
    answer = client.put(f"{APPS}/{name}", json=app_content(**changed), headers=admin | NEW)
    assert (answer.status_code, set(answer.json["errors"])) == (422, {field}), answer.json
    assert client.get(f"{APPS}/{name}").status_code == 404
    assert audit_trail(database, name) == []


def test_missing_fields_are_named_at_once_and_slugs_are_checked(client, admin):
    answer = client.put(f"{APPS}/{slug()}", json={}, headers=admin | NEW)
    assert (answer.status_code, set(answer.json["errors"])) == (422, {"name", "kind", "owner", "category", "state"})
    for wrong in ("A", "-a", "a" * 41, "应用", "a_b"):
        refused(
            client.put(f"{APPS}/{wrong}", json=app_content(), headers=admin | NEW), 422, "halls.app_invalid", "slug"
        )


@pytest.mark.parametrize("kind", ["native", "h5", "mini_program"])
def test_every_kind_opens_in_its_own_way(client, put_app, kind):
    way = {"address": None, "native_page": "qe://move-car/start_1"} if kind == "native" else {}
    name, _ = put_app(kind=kind, **way)
    shown = client.get(f"{APPS}/{name}").json
    assert (shown["native_page"] is None, shown["address"] is None) == (kind != "native", kind == "native")


def test_pages_are_dressed_with_apps_that_stand(put_app, database, settings):
    city = parse(settings.city_text())
    active, _ = put_app(districts=[SHINAN])
    asleep, _ = put_app(state="suspended", state_reason="系统升级")
    gone, _ = put_app(state="withdrawn", state_reason="停办")
    with database.transaction() as session:
        found = service.source(session, city, [active, asleep, gone, "no-such"], NOW)
        own = service.of_hall(session, city, SHINAN, NOW)
        assert service.source(session, city, [], NOW) == {}
    assert {name: row["state"] for name, row in found.items()} == {active: "active", asleep: "suspended"}
    slugs = [row["slug"] for row in own]
    assert set(slugs) >= {active, asleep}
    assert gone not in slugs
    assert slugs.index(active) < slugs.index(asleep)
