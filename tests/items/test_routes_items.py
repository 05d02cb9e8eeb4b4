"""One item over HTTP: what everybody reads, what its keepers change, and who may."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from qe_ban.audit.models import AuditEvent
from qe_ban.items.rules.fields import ITEM, TABLES
from qe_ban.items.service import publishing
from qe_ban.items.service.publishing import Draft
from qe_ban.kernel.clock import rfc3339
from tests.factories.accounts import together
from tests.factories.items import (
    LAOSHAN,
    SHINAN,
    add_department,
    add_item,
    basic_code,
    content,
    full_content,
    item_code,
)

API = "/api/v1/items"
NEW = {"If-None-Match": "*"}


def later(hours):
    return datetime.now(UTC).replace(microsecond=0) + timedelta(hours=hours)


def refused(answer, status, code, *fields):
    assert (answer.status_code, answer.json["code"]) == (status, code), answer.json
    assert any("\u4e00" <= char <= "\u9fff" for char in answer.json["detail"])
    assert set(answer.json.get("errors", {})) == set(fields), answer.json
    return answer


def test_an_item_is_made_and_read_with_all_its_fields_and_labels(client, staff, department, database):
    code, said = item_code(department), full_content(department, district=SHINAN)
    made = client.put(f"{API}/{code}", json=said, headers=staff() | NEW)
    assert (made.status_code, made.json["outcome"], made.json["warnings"]) == (201, "created", [])
    read = client.get(f"{API}/{code.lower()}")
    assert read.status_code == 200
    assert read.headers["Cache-Control"] == "public, max-age=60, stale-while-revalidate=600"
    assert made.headers["ETag"].partition(".")[0] == read.headers["ETag"].partition(".")[0]
    item = read.json
    assert {field.name for field in ITEM} | {table.name for table in TABLES} <= set(item)
    for name, value in said.items():
        shown = (
            [{key: row[key] for key in row if key in value[i]} for i, row in enumerate(item[name])]
            if name in ("materials", "fees", "questions")
            else item[name]
        )
        assert (sorted(shown) if name == "channels" else shown) == (sorted(value) if name == "channels" else value)
    assert (item["code"], item["version"], item["state"], item["since"], item["changes"]) == (
        code,
        1,
        "current",
        None,
        [],
    )
    assert (item["ends_at"], item["upcoming"], item["offices"]) == (None, None, [])
    labels = item["labels"]
    assert (labels["item_type"], labels["district"], labels["audiences"]) == ("公共服务", "市南区", ["自然人"])
    assert labels["department"].startswith("测试局")
    assert item["materials"][0]["labels"] == {"need": "必要", "type": "原件", "form": "纸质或电子", "source": None}
    assert {name: made.json[name] for name in item} == item


def test_what_is_not_told_is_null_or_empty(client, make):
    item = client.get(make()[0]).json
    assert (item["summary"], item["charged"], item["district"], item["aliases"], item["materials"]) == (None,) * 3 + (
        [],
        [],
    )
    assert item["labels"]["district"] == "市本级"


def test_who_has_it_already_gets_304(client, make):
    path, _ = make()
    tag = client.get(path).headers["ETag"]
    assert client.get(path, headers={"If-None-Match": tag}).status_code == 304


def test_a_change_makes_a_version_that_tells_what_changed(client, make, department):
    path, headers = make(promised_days=5, promised_unit="working_days", materials=[{"name": "照片", "need": "later"}])
    body = content(department, promised_days=3, promised_unit="working_days", charged=False, district=SHINAN)
    saved = client.put(path, json=body, headers=headers)
    assert (saved.status_code, saved.json["outcome"], saved.json["version"], saved.json["since"]) == (
        200,
        "changed",
        2,
        1,
    )
    assert saved.json["changes"] == [
        {"field": "district", "heading": "所属区划", "before": "市本级", "after": "市南区"},
        {"field": "promised_days", "heading": "承诺办结时限", "before": "5", "after": "3"},
        {"field": "charged", "heading": "是否收费", "before": None, "after": "否"},
        {
            "field": "materials",
            "heading": "材料：照片",
            "before": "材料名称：照片；材料必要性：容缺后补",
            "after": None,
        },
    ]
    assert client.get(path).json["changes"] == saved.json["changes"]
    old = client.get(f"{path}?version=1").json
    assert (old["version"], old["promised_days"], old["changes"]) == (1, 5, [])
    refused(client.get(f"{path}?version=3"), 404, "items.version_not_found")
    for wrong in ("0", "-1", "x", "1.0", "99999999999"):
        assert client.get(f"{path}?version={wrong}").status_code == 422


def test_the_same_again_is_no_version(client, make, department):
    path, headers = make()
    again = client.put(path, json=content(department, phone=None), headers=headers)
    assert (again.status_code, again.json["outcome"], again.json["version"]) == (200, "unchanged", 1)
    assert again.headers["ETag"] == headers["If-Match"]


def test_a_change_that_is_sent_again_after_a_lost_answer_is_answered_as_it_stands(client, make, staff, department):
    path, headers = make()
    for number, body in enumerate((content(department, phone="1"), content(department, phone="2")), 2):
        saved = client.put(path, json=body, headers=headers)
        again = client.put(path, json=body, headers=headers)
        assert (again.status_code, again.json["outcome"], again.json["version"]) == (200, "unchanged", number)
        assert again.headers["ETag"] == saved.headers["ETag"]
        other = client.put(path, json=body | {"phone": "3"}, headers=headers)
        refused(other, 412, "precondition_failed")
        headers = headers | {"If-Match": saved.headers["ETag"]}
    # whoever saw an older state changes nothing, not even to the same
    older = client.put(path, json=content(department, phone="2"), headers=headers | {"If-Match": '"1-1.x"'})
    refused(older, 412, "precondition_failed")


def test_an_item_that_is_made_again_after_a_lost_answer_is_answered_as_it_stands(client, staff, department):
    path, admin = f"{API}/{item_code(department)}", staff()
    assert client.put(path, json=content(department), headers=admin | NEW).status_code == 201
    again = client.put(path, json=content(department), headers=admin | NEW)
    assert (again.status_code, again.json["outcome"], again.json["version"]) == (200, "unchanged", 1)
    refused(client.put(path, json=content(department, phone="9"), headers=admin | NEW), 412, "precondition_failed")


def test_a_write_says_what_it_believes_to_be_there(client, make, staff, department):
    path, headers = make()
    body, admin = content(department, phone="1"), staff()
    refused(client.put(path, json=body, headers=admin), 428, "precondition_required")
    refused(client.put(path, json=body, headers=admin | {"If-None-Match": '"x"'}), 428, "precondition_required")
    stale = refused(client.put(path, json=body, headers=admin | {"If-Match": '"0-1.x"'}), 412, "precondition_failed")
    assert stale.headers["ETag"] == f'"{headers["If-Match"][1:].partition(".")[0]}"'
    for wrong in ("", "nonsense", f"W/{headers['If-Match']}", '"other"'):
        refused(client.put(path, json=body, headers=admin | {"If-Match": wrong}), 412, "precondition_failed")
    refused(client.put(path, json=body, headers=admin | NEW), 412, "precondition_failed")
    assert client.get(path).json["version"] == 1
    assert client.put(path, json=body, headers=admin | {"If-Match": stale.headers["ETag"]}).status_code == 200
    assert client.put(path, json=body | {"phone": "2"}, headers=admin | {"If-Match": "*"}).status_code == 200
    nothing = f"{API}/{item_code(department)}"
    refused(client.put(nothing, json=body, headers=admin | {"If-Match": "*"}), 412, "precondition_failed")


def test_of_two_editors_at_once_exactly_one_wins(app, make, department):
    path, headers = make()

    def edit(number):
        return app.test_client().put(path, json=content(department, phone=str(number)), headers=headers).status_code

    assert sorted(together(6, edit)) == [200] + [412] * 5
    assert app.test_client().get(path).json["version"] == 2


def test_of_two_who_make_it_at_once_exactly_one_does(app, staff, department):
    path, headers = f"{API}/{item_code(department)}", staff() | NEW

    def edit(number):
        return app.test_client().put(path, json=content(department, phone=str(number)), headers=headers).status_code

    assert sorted(together(6, edit)) == [201] + [412] * 5


def test_an_editor_and_an_import_at_once_lose_nothing(app, make, database, department):
    path, headers = make()

    def work(number):
        if number:
            return app.test_client().put(path, json=content(department, phone="1"), headers=headers).status_code
        with database.transaction() as session:
            draft = Draft(path.rpartition("/")[2], content(department, phone="2"))
            return publishing.put(session, [draft], by=None, source="import", now=datetime.now(UTC))

    _, edited = together(2, work)
    versions = app.test_client().get(f"{path}/versions", headers=headers).json["items"]
    assert (edited, len(versions)) in ((200, 3), (412, 2))


def test_a_scheduled_version_is_told_and_taken_over_exactly_without_a_worker(client, make, make_app, department):
    path, headers = make()
    at = later(1)
    saved = client.put(path, json=content(department, name="后来") | {"starts_at": rfc3339(at)}, headers=headers)
    assert (saved.json["version"], saved.json["name"]) == (1, "社会保障卡申领")
    assert saved.json["upcoming"] == {"version": 2, "starts_at": rfc3339(at)}
    refused(client.get(f"{path}?version=2"), 404, "items.version_not_found")
    assert client.get(f"{path}/draft?version=2", headers=headers).json["name"] == "后来"
    before = make_app(lambda: at - timedelta(seconds=1)).test_client().get(path)
    after = make_app(lambda: at).test_client().get(path)
    assert (before.json["version"], after.json["version"], after.json["upcoming"]) == (1, 2, None)
    assert before.headers["ETag"].partition(".")[0] != after.headers["ETag"].partition(".")[0]
    assert after.json["changes"][0]["after"] == "后来"


def test_an_edit_that_replaces_a_scheduled_one_says_so(client, make, department):
    path, headers = make()
    saved = client.put(path, json=content(department, name="后来") | {"starts_at": rfc3339(later(1))}, headers=headers)
    again = client.put(path, json=content(department, phone="1"), headers=headers | {"If-Match": saved.headers["ETag"]})
    assert (again.json["version"], again.json["upcoming"]) == (3, None)
    assert [warning["place"] for warning in again.json["warnings"]] == ["starts_at"]
    listed = client.get(f"{path}/versions", headers=headers).json["items"]
    assert [(row["number"], row["in_force"], row["replaced"]) for row in listed] == [
        (3, True, False),
        (2, False, True),
        (1, False, False),
    ]


def test_before_its_start_an_item_is_there_for_its_editors_only(client, make, make_app, staff):
    at = later(2)
    path, headers = make(starts_at=rfc3339(at))
    refused(client.get(path), 404, "items.not_found")
    assert client.get(f"{path}/draft", headers=headers).json["state"] == "scheduled"
    assert [row["in_force"] for row in client.get(f"{path}/versions", headers=headers).json["items"]] == [False]
    assert make_app(lambda: at).test_client().get(path).json["state"] == "current"


def test_an_item_ends_stays_readable_and_is_reopened(client, make, department):
    path, headers = make()
    ended = client.post(f"{path}/end", json={}, headers=headers)
    assert (ended.status_code, ended.json["state"]) == (200, "ended")
    assert client.get(path).json["state"] == "ended"
    fresh = headers | {"If-Match": ended.headers["ETag"]}
    refused(client.post(f"{path}/end", json={}, headers=fresh), 409, "items.ended")
    refused(client.put(path, json=content(department), headers=fresh), 409, "items.ended")
    refused(client.post(f"{path}/reopen", headers=headers), 412, "precondition_failed")
    reopened = client.post(f"{path}/reopen", headers=fresh)
    assert (reopened.status_code, reopened.json["state"], reopened.json["ends_at"]) == (200, "current", None)
    fresh = headers | {"If-Match": reopened.headers["ETag"]}
    refused(client.post(f"{path}/reopen", headers=fresh), 409, "items.not_ended")
    at = rfc3339(later(3))
    planned = client.post(f"{path}/end", json={"at": at}, headers=fresh)
    assert (planned.json["state"], planned.json["ends_at"]) == ("current", at)
    kept = client.put(
        path, json=content(department, phone="1"), headers=headers | {"If-Match": planned.headers["ETag"]}
    )
    assert kept.json["ends_at"] == at
    taken = content(department, phone="1") | {"ends_at": None}
    saved = client.put(path, json=taken, headers=headers | {"If-Match": kept.headers["ETag"]})
    assert (saved.json["outcome"], saved.json["ends_at"], saved.json["version"]) == ("changed", None, 2)


def test_an_item_that_ended_is_reopened_by_a_word_about_its_end(client, make, department):
    path, headers = make()
    ended = client.post(f"{path}/end", json={}, headers=headers)
    body = content(department) | {"ends_at": None}
    saved = client.put(path, json=body, headers=headers | {"If-Match": ended.headers["ETag"]})
    assert (saved.json["outcome"], saved.json["state"]) == ("reopened", "current")


def test_the_same_item_at_other_offices_is_told(client, database):
    basic, city = basic_code(), add_department(database)
    codes = {
        district: add_item(database, Draft(item_code(basic=basic), content(city, district=district)))
        for district in (LAOSHAN, None, SHINAN)
    }
    over = item_code(basic=basic)
    now = datetime.now(UTC)
    add_item(database, Draft(over, content(city), None, now + timedelta(seconds=1)), now=now)
    with database.transaction() as session:
        publishing.end(session, [over], at=now, now=now)
    item = client.get(f"{API}/{codes[SHINAN]}").json
    assert [(row["code"], row["district"]) for row in item["offices"]] == [
        (codes[None], None),
        (codes[LAOSHAN], LAOSHAN),
    ]
    assert item["offices"][0]["department_name"].startswith("测试局")


def test_every_change_is_recorded_with_what_was_before_and_after(client, make, database, department):
    path, headers = make()
    code = path.rpartition("/")[2]
    saved = client.put(path, json=content(department, phone="1"), headers=headers)
    ended = client.post(f"{path}/end", json={}, headers=headers | {"If-Match": saved.headers["ETag"]})
    client.post(f"{path}/reopen", headers=headers | {"If-Match": ended.headers["ETag"]})
    with database.transaction() as session:
        wanted = select(AuditEvent).where(AuditEvent.subject == code).order_by(AuditEvent.id)
        events = session.scalars(wanted).all()
    assert [event.action for event in events] == ["items.create", "items.change", "items.end", "items.reopen"]
    assert all(event.actor_id and event.request_id for event in events)
    assert events[0].details["after"] == content(department)
    assert (events[1].details["before"], events[1].details["after"]) == ({"phone": None}, {"phone": "1"})
    assert events[2].details["before"] == {"ends_at": None}
    assert events[3].details["after"] == {"ends_at": None}
