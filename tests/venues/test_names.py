"""Venues named like an authority wait for a second person of the city, and to rename one is to name it anew."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from qe_ban.audit.models import AuditEvent
from qe_ban.kernel.ids import new_id
from qe_ban.venues import service
from qe_ban.venues.models import Venue
from tests.factories.accounts import together
from tests.venues.conftest import CITY, CITY_TOO, LAOSHAN_ADMIN, READER, SECOND, SHINAN_ADMIN, refusal_of, venue_body

POLICE = "八大湖派出所"
MASKED_NAMES = {"purposes": ["identity-check"]}


@pytest.fixture
def make_named_venue(call, staff_ids):
    """Make a venue as the district's administrator; gives it as the interface tells it."""
    return lambda name=POLICE, token=SHINAN_ADMIN, **more: (
        call("POST", "", venue_body(name=name, **more), token=token).json
    )


@pytest.mark.parametrize(
    "name",
    [
        "市南公安分局",
        "公 安 局",
        "公·安·局",
        "公．安",
        "公\u3000安",
        "公-安（便民点）",
        "公\u200b安",
        "公\u2060安",
        "公\ufe0f安",
        "公\u3164安",
        "公\u0301安",
        "公丶安",
        "公桉分局",
        POLICE,
        "派 出 所",
        "泒出所",
        "人民法院",
        "人民灋院",
        "法阮",
        "人民檢察院",
        "人民検察院",
        "市稅務局",
        "青岛海关",
        "青島海關",
        "海闗",
        "市人民政府",
        "消防救援站",
        "青岛监狱",
        "青島監獄",
        "市纪委",
        "市紀委",
        "湛山街道办事处",
        "湛山街道辦事處",
        "Ｐｏｌｉｃｅ Station",
        "P.O.L.I.C.E",
        "Pоliсe Station",
        "Gong'an Paichusuo",
        "gōng ān fēn jú",
        "派岀所",
        "人民法１院",
        "公A安（便民点）",
        "巿场监督管理所",
        "衞健委",
        "戸籍窗口",
    ],
)
def test_names_of_authorities_are_found_however_they_are_spelt(city, name):
    assert city.authority_names.match(name)


@pytest.mark.parametrize(
    "name",
    [
        "市立医院",
        "五四广场站1号闸机",
        "香港花园小区东门",
        "第二中学校门",
        "办事大厅综合窗口",
        "安公馆",
        "保安公司",
        "法国餐厅",
        "所长茶馆",
        "海底关东煮",
        "办公楼A座安检口",
        "Hong Kong Garden",
    ],
)
def test_other_names_are_left_alone(city, name):
    assert not city.authority_names.match(name)


def test_a_flagged_venue_has_no_scanners_before_the_city_confirms(call, make_named_venue):
    venue = make_named_venue()
    assert venue["review"] == "pending"
    refusal_of(call("POST", f"/{venue['id']}/scanners", MASKED_NAMES), 409, "venues.under_review")
    answer = call("POST", f"/{venue['id']}/confirm", token=CITY)
    assert (answer.status_code, answer.json["review"]) == (200, "confirmed")
    assert call("POST", f"/{venue['id']}/scanners", MASKED_NAMES).status_code == 201
    refusal_of(call("POST", f"/{venue['id']}/confirm", token=CITY_TOO), 409, "venues.nothing_to_confirm")


def test_an_ordinary_name_needs_nobody(call, make_named_venue):
    venue = make_named_venue("湛山花园东门")
    assert venue["review"] == "none"
    assert call("POST", f"/{venue['id']}/scanners", MASKED_NAMES).status_code == 201
    refusal_of(call("POST", f"/{venue['id']}/confirm", token=CITY), 409, "venues.nothing_to_confirm")


def test_neither_the_maker_nor_a_district_confirms(database, call, make_named_venue):
    own = make_named_venue(token=CITY)
    refusal_of(call("POST", f"/{own['id']}/confirm", token=CITY), 403, "venues.involved")
    assert call("POST", f"/{own['id']}/confirm", token=CITY_TOO).status_code == 200
    venue = make_named_venue()
    for token in (SHINAN_ADMIN, SECOND):
        refusal_of(call("POST", f"/{venue['id']}/confirm", token=token), 403, "venues.city_only")
    refusal_of(call("POST", f"/{venue['id']}/confirm", token=LAOSHAN_ADMIN), 404, "venues.not_found")
    refusal_of(call("POST", f"/{venue['id']}/confirm", token=READER), 403, "forbidden")
    refusal_of(call("POST", f"/{new_id()}/confirm", token=CITY), 404, "venues.not_found")
    itself = text("UPDATE venues SET confirmed_by = named_by, confirmed_at = now() WHERE id = :id")
    with pytest.raises(IntegrityError), database.transaction() as session:
        session.execute(itself, {"id": venue["id"]})


@pytest.mark.usefixtures("officer")
def test_an_account_of_today_confirms_nothing(call, make_named_venue, member):
    member("fresh", "city_admin", timedelta(hours=1))
    refusal_of(call("POST", f"/{make_named_venue()['id']}/confirm", token="fresh"), 409, "accounts.newcomer_refused")


def test_the_city_finds_what_waits(call, make_named_venue):
    waiting, plain = make_named_venue()["id"], make_named_venue("湛山花园西门")["id"]

    def list_ids(review):
        return {row["id"] for row in call("GET", f"?review={review}&limit=100", token=CITY).json["items"]}

    assert {waiting, plain} & list_ids("pending") == {waiting}
    assert {waiting, plain} & list_ids("settled") == {plain}
    assert call("GET", "?review=all", token=CITY).status_code == 422


def test_a_venue_of_before_is_reviewed_when_a_scanner_is_invited(database, call, make_named_venue):
    venue = make_named_venue()["id"]
    with database.transaction() as session:
        session.execute(text("UPDATE venues SET flagged = false, named_by = NULL WHERE id = :id"), {"id": venue})
    assert call("GET", f"/{venue}").json["review"] == "pending"
    refusal_of(call("POST", f"/{venue}/scanners", MASKED_NAMES), 409, "venues.under_review")
    refusal_of(call("POST", f"/{venue}/confirm", token=SHINAN_ADMIN), 403, "venues.city_only")
    assert call("POST", f"/{venue}/confirm", token=CITY).status_code == 200


def test_the_city_finds_a_venue_of_before_once_the_worker_has_flagged_it(database, city, call, make_named_venue):
    old, plain = make_named_venue()["id"], make_named_venue("湛山花园南门")["id"]
    confirmed_id = make_named_venue("湛山派出所")["id"]
    assert call("POST", f"/{confirmed_id}/confirm", token=CITY).status_code == 200
    with database.transaction() as session:
        session.execute(text("UPDATE venues SET flagged = false WHERE id = :id"), {"id": old})
    with database.transaction() as session:
        service.flag_names(session, city)
    rows = call("GET", "?review=pending&limit=100", token=CITY).json["items"]
    assert {old, plain, confirmed_id} & {row["id"] for row in rows} == {old}


def test_a_new_name_is_reviewed_anew_and_unused_codes_are_over(
    database, call, make_named_venue, prove, enrolment, venue_id, staff_ids
):
    patch = call("PATCH", f"/{venue_id}", {"name": POLICE})
    assert (patch.status_code, patch.json["name"], patch.json["review"]) == (200, POLICE, "pending")
    refusal_of(call("POST", "/scanners/enrol", enrolment, token=None), 422, "venues.enrolment_code_invalid")
    assert call("POST", f"/{venue_id}/confirm", token=CITY).json["review"] == "confirmed"
    again = call("PATCH", f"/{venue_id}", {"name": "湛山派出所"})
    assert again.json["review"] == "pending", "what was confirmed was the old name"
    with database.transaction() as session:
        query = select(AuditEvent).where(AuditEvent.subject == venue_id).order_by(AuditEvent.id)
        actions = {event.action: event.details for event in session.scalars(query)}
    assert actions["venues.change"]["before"]["name"] == POLICE
    assert actions["venues.change"]["after"]["name"] == "湛山派出所"
    assert "venues.confirm" in actions


def test_who_renamed_it_does_not_confirm_it(call, make_named_venue):
    venue = make_named_venue("湛山花园东门")["id"]
    assert call("PATCH", f"/{venue}", {"name": POLICE}, token=CITY).status_code == 200
    refusal_of(call("POST", f"/{venue}/confirm", token=CITY), 403, "venues.involved")


@pytest.mark.parametrize("wish", [{"name": POLICE}, {"scene": "medical"}])
def test_under_standing_scanners_no_authority_and_no_scene_is_put(call, venue_id, enrolment, wish):
    scanner = call("POST", "/scanners/enrol", enrolment, token=None).json["scanner_id"]
    before = call("GET", f"/{venue_id}").json
    refusal_of(call("PATCH", f"/{venue_id}", wish), 409, "venues.in_use")
    assert call("GET", f"/{venue_id}").json == before
    assert call("PATCH", f"/{venue_id}", {"address": "香港中路12号"}).status_code == 200
    call("POST", f"/scanners/{scanner}/revoke")
    assert call("PATCH", f"/{venue_id}", wish).status_code == 200


def test_another_districts_venue_is_not_changed(database, call, venue_id):
    refusal_of(call("PATCH", f"/{venue_id}", {"name": "崂山的"}, token=LAOSHAN_ADMIN), 404, "venues.not_found")
    refusal_of(call("PATCH", f"/{venue_id}", {"name": "读者的"}, token=READER), 403, "forbidden")
    with database.transaction() as session:
        assert session.get_one(Venue, venue_id).name not in ("崂山的", "读者的")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": None}, "name"),
        ({"name": "馆" * 101}, "name"),
        ({"name": 7}, "name"),
        ({"scene": "nowhere"}, "scene"),
        ({"district": "370212"}, "district"),
    ],
)
def test_a_bad_change_is_refused_and_named(call, venue_id, body, field):
    answer = call("PATCH", f"/{venue_id}", body)
    assert (answer.status_code, set(answer.json["errors"])) == (422, {field})


def test_a_scanner_that_enrols_while_the_venue_is_renamed_stands_under_one_name(call, venue_id, make_call, enrolment):
    calls = [make_call() for _ in range(2)]

    def one(n):
        if n:
            return calls[1]("PATCH", f"/{venue_id}", {"name": POLICE})
        return calls[0]("POST", "/scanners/enrol", enrolment, token=None)

    statuses = sorted(answer.status_code for answer in together(2, one))
    assert statuses in ([200, 422], [201, 409])
