"""Who may change which item over HTTP, and what nobody may send."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from qe_ban.items.service.publishing import Draft
from qe_ban.kernel.clock import rfc3339
from tests.factories.items import (
    LAOSHAN,
    SHINAN,
    add_department,
    add_item,
    basic_code,
    content,
    department_code,
    full_content,
    item_code,
)

API = "/api/v1/items"
NEW = {"If-None-Match": "*"}


def refused(answer, status, code, *fields):
    assert (answer.status_code, answer.json["code"]) == (status, code), answer.json
    assert any("\u4e00" <= char <= "\u9fff" for char in answer.json["detail"])
    assert set(answer.json.get("errors", {})) == set(fields), answer.json
    return answer


@pytest.mark.parametrize(
    ("place", "mine", "others"),
    [
        ({}, {"district": SHINAN}, None),
        ({"district": SHINAN}, {"district": SHINAN}, {"district": LAOSHAN}),
        ({"district": SHINAN}, {"district": SHINAN}, {}),
        ({"hall": "shinan"}, None, {"district": SHINAN}),
        ({"zone": "karos"}, None, {}),
        ({"department": "own"}, {"district": SHINAN}, "another department"),
    ],
    ids=str,
)
def test_staff_change_what_they_answer_for_and_nothing_else(client, staff, database, place, mine, others):
    own, foreign = add_department(database), add_department(database)
    place = {"department": own} if "department" in place else place
    editor, admin = staff("editor", **place), staff()
    if mine is not None:
        path, body = f"{API}/{item_code(own)}", content(own, **mine)
        made = client.put(path, json=body, headers=editor | NEW)
        assert made.status_code == 201, made.json
        tag = {"If-Match": made.headers["ETag"]}
        assert client.get(f"{path}/versions", headers=editor).status_code == 200
        if others is not None:
            away = content(
                foreign if others == "another department" else own, **(others if isinstance(others, dict) else {})
            )
            refused(client.put(path, json=away, headers=editor | tag), 403, "items.other_place")
        ended = client.post(f"{path}/end", json={}, headers=editor | tag)
        assert ended.status_code == 200
        assert client.post(f"{path}/reopen", headers=editor | {"If-Match": ended.headers["ETag"]}).status_code == 200
    if others is not None:
        other = foreign if others == "another department" else own
        body = content(other, **(others if isinstance(others, dict) else {}))
        path = f"{API}/{item_code(other)}"
        refused(client.put(path, json=body, headers=editor | NEW), 403, "items.other_place")
        tag = {"If-Match": client.put(path, json=body, headers=admin | NEW).headers["ETag"]}
        refused(client.put(path, json=body, headers=editor | tag), 403, "items.other_place")
        refused(client.post(f"{path}/end", json={}, headers=editor | tag), 403, "items.other_place")
        refused(client.post(f"{path}/reopen", headers=editor | tag), 403, "items.other_place")
        for part in ("versions", "draft"):
            refused(client.get(f"{path}/{part}", headers=editor), 403, "items.other_place")


@pytest.mark.parametrize(
    "role", ["city_admin", "district_admin", "editor", "reviewer", "system_admin", "security_admin", "auditor"]
)
def test_which_roles_enter_at_all(client, staff, role, make):
    path, _ = make(district=SHINAN)
    headers = staff(role, **({"district": SHINAN} if role in ("district_admin", "editor", "reviewer") else {}))
    may = role in ("city_admin", "district_admin", "editor")
    assert client.get(f"{path}/versions", headers=headers).status_code == (200 if may else 403)
    assert client.get(f"{path}/draft", headers=headers).status_code == (200 if may else 403)
    for answer in (
        client.put(path, json={}, headers=headers | NEW),
        client.post(f"{path}/end", json={"at": 1}, headers=headers | {"If-Match": "*"}),
    ):
        assert answer.status_code == (422 if may else 403)
    reopened = client.post(f"{path}/reopen", headers=headers | {"If-Match": "*"})
    assert reopened.status_code == (409 if may else 403)


def test_codes_that_are_none(client, staff, department):
    body = content(department)
    for wrong in ("x", "1" * 11, "1" * 30, f"{department}3{'1' * 12}1", "'; DROP TABLE items; --", "１" * 12):
        refused(client.get(f"{API}/{wrong}"), 404, "items.not_found")
        refused(client.put(f"{API}/{wrong}", json=body, headers=staff() | NEW), 422, "items.invalid", "code")
        refused(client.post(f"{API}/{wrong}/end", json={}, headers=staff() | {"If-Match": "*"}), 404, "items.not_found")
    refused(client.get(f"{API}/{item_code()}"), 404, "items.not_found")
    refused(client.get(f"{API}/{item_code()}/versions", headers=staff()), 404, "items.not_found")


def test_a_typed_code_must_have_its_check_digit_and_a_short_one_has_none(client, staff, department):
    good = department_code()
    bad = good[:-1] + ("A" if good[-1] != "A" else "B")
    body, headers = content(department), staff() | NEW
    refused(client.put(f"{API}/{item_code(bad)}", json=body, headers=headers), 422, "items.invalid", "code")
    assert client.put(f"{API}/{basic_code()}", json=body, headers=headers).status_code == 201


def test_an_imported_code_without_check_digit_can_be_edited(client, staff, database, department):
    code = add_item(database, Draft(item_code("A" * 18), content(department)))
    saved = client.put(f"{API}/{code}", json=content(department, phone="1"), headers=staff() | {"If-Match": "*"})
    assert saved.status_code == 200


BODIES = [
    ({"name": None}, {"name"}),
    ({"name": ""}, {"name"}),
    ({"name": "名" * 201}, {"name"}),
    ({"name": "名\u202e"}, {"name"}),
    ({"name": "一\n二"}, {"name"}),
    ({"name": ["名"]}, {"name"}),
    ({"summary": "一\r\n二"}, {"summary"}),
    ({"summary": "字" * 501}, {"summary"}),
    ({"item_type": "行政许可"}, {"item_type"}),
    ({"audiences": []}, {"audiences"}),
    ({"audiences": "person"}, {"audiences"}),
    ({"audiences": ["person", "dog"]}, {"audiences.1"}),
    ({"department": "1" * 18}, {"department"}),
    ({"department": "x"}, {"department"}),
    ({"district": "370205"}, {"district"}),
    ({"district": "市南区"}, {"district"}),
    ({"topics": ["no-such-topic"]}, {"topics"}),
    ({"topics": ["'; --"]}, {"topics.0"}),
    ({"aliases": ["名" * 31]}, {"aliases.0"}),
    ({"visits": -1}, {"visits"}),
    ({"visits": "1"}, {"visits"}),
    ({"visits": True}, {"visits"}),
    ({"charged": "false"}, {"charged"}),
    ({"charged": False, "fees": [{"name": "费", "standard": "1元"}]}, {"fees"}),
    ({"promised_days": 1}, {"promised_unit"}),
    ({"promised_days": 3651, "promised_unit": "working_days"}, {"promised_days"}),
    ({"online_url": "javascript:alert(1)"}, {"online_url"}),
    ({"online_url": "https://user:pw@example.cn/"}, {"online_url"}),
    ({"materials": [{"name": "照片"}]}, {"materials.0.need"}),
    ({"materials": [{"name": "照片", "need": "later", "x": 1}]}, {"materials.0.x"}),
    ({"materials": [{"name": "照片", "need": "later", "blank_url": "ftp://a.cn"}]}, {"materials.0.blank_url"}),
    ({"materials": [{"name": "照片", "need": "later"}] * 101}, {"materials"}),
    ({"materials": "照片"}, {"materials"}),
    ({"questions": [{"question": "？"}]}, {"questions.0.answer"}),
    ({"no_such": 1}, {"no_such"}),
    ({"labels": {}}, {"labels"}),
    ({"starts_at": "2026-10-01"}, {"starts_at"}),
    ({"starts_at": "2020-01-01T00:00:00Z"}, {"starts_at"}),
    ({"starts_at": "9999-12-31T23:59:59Z"}, {"starts_at"}),
    ({"ends_at": "2020-01-01T00:00:00Z"}, {"ends_at"}),
    ({"starts_at": "2060-01-01T08:00:00+08:00", "ends_at": "2060-01-01T00:00:00Z"}, {"ends_at"}),
]


@pytest.mark.parametrize(("changed", "fields"), BODIES, ids=str)
def test_a_bad_field_is_named_and_nothing_is_made(client, staff, department, changed, fields):
    path = f"{API}/{item_code(department)}"
    answer = client.put(
        path,
        json=full_content(department, fees=[], charged=None, promised_days=None, promised_unit=None) | changed,
        headers=staff() | NEW,
    )
    assert answer.status_code == 422, answer.json
    assert set(answer.json["errors"]) == fields
    assert client.get(path).status_code == 404


def test_every_missing_field_is_named_at_once(client, staff, department):
    answer = client.put(f"{API}/{item_code(department)}", json={}, headers=staff() | NEW)
    required = {"name", "item_type", "department", "reach", "audiences", "channels", "handling"}
    assert (answer.status_code, set(answer.json["errors"])) == (422, required)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"name":NaN}', b'{"name":"a","name":"b"}', b"\xff"])
def test_a_body_that_is_none_is_a_problem(client, staff, department, body):
    headers = staff() | NEW | {"Content-Type": "application/json"}
    answer = client.put(f"{API}/{item_code(department)}", data=body, headers=headers)
    assert answer.status_code in (400, 422)
    assert answer.content_type == "application/problem+json"


def test_a_body_over_a_mebibyte_is_too_large(client, staff, department):
    said = full_content(department, questions=[{"question": f"{n}？", "answer": "答" * 3000} for n in range(50)])
    path, headers = f"{API}/{item_code(department)}", staff() | NEW
    assert client.put(path, json=said, headers=headers).status_code == 201
    large = json.dumps(said | {"flow": "流" * 400_000}, ensure_ascii=False).encode()
    headers["Content-Type"] = "application/json"
    assert client.put(f"{API}/{item_code(department)}", data=large, headers=headers).status_code == 413


@pytest.mark.parametrize(
    "at", ["2020-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "soon", 1, True, ["2060-01-01T00:00:00Z"]]
)
def test_an_end_that_cannot_be_is_refused(client, make, at):
    path, headers = make()
    answer = client.post(f"{path}/end", json={"at": at}, headers=headers)
    assert (answer.status_code, set(answer.json["errors"])) == (422, {"at"})
    assert client.get(path).json["state"] == "current"


def test_an_end_before_the_start_is_refused_and_a_withdrawn_item_is_never_shown(client, make, make_app, department):
    path, headers = make(starts_at="2060-01-01T00:00:00Z")
    body = content(department) | {"ends_at": "2059-12-31T23:59:59Z"}
    refused(client.put(path, json=body, headers=headers), 422, "items.invalid", "ends_at")
    assert client.post(f"{path}/end", json={}, headers=headers).status_code == 200
    refused(client.get(path), 404, "items.not_found")


def test_hostile_text_comes_back_as_it_was(client, staff, department):
    hostile = "<script>alert(1)</script> ' OR 1=1 -- {{7*7}} 😀"
    path, headers = f"{API}/{item_code(department)}", staff() | NEW
    made = client.put(path, json=content(department, name=hostile, aliases=[hostile[:30]]), headers=headers)
    assert (made.status_code, client.get(path).json["name"]) == (201, hostile)


def test_an_item_that_will_belong_to_another_place_is_no_longer_changed_from_the_old_one(client, staff, database):
    own = add_department(database)
    path, admin, editor = f"{API}/{item_code(own)}", staff(), staff("editor", district=SHINAN)
    made = client.put(path, json=content(own, district=SHINAN), headers=admin | NEW)
    assert made.status_code == 201, made.json
    tomorrow = rfc3339(datetime.now(UTC).replace(microsecond=0) + timedelta(days=1))
    body = content(own, district=LAOSHAN) | {"starts_at": tomorrow}
    moved = client.put(path, json=body, headers=admin | {"If-Match": made.headers["ETag"]})
    assert moved.status_code == 200, moved.json
    tag = {"If-Match": moved.headers["ETag"]}
    refused(client.put(path, json=content(own, district=SHINAN), headers=editor | tag), 403, "items.other_place")
