"""The whole ledger as a file: complete, harmless in a spreadsheet program, and nobody else's."""

import csv
import io
from datetime import UTC, datetime, timedelta
from importlib import resources

import pytest
from sqlalchemy import text

from qe_ban.codes.queries import Entry
from qe_ban.codes.service import exporting, ledger
from qe_ban.kernel import city_file
from qe_ban.kernel.ids import new_id
from qe_ban.venues.models import Venue

API = "/api/v1/codes/ledger"


def export(client, person, **query):
    answer = client.get(f"{API}/export", query_string=query, headers=person.headers)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return answer


def rows_of(answer):
    assert answer.data.startswith(b"\xef\xbb\xbf"), "Excel knows UTF-8 by its mark"
    return list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"), newline="")))


@pytest.fixture
def person(town, scan, issue):
    """Return somebody who was let through a gate, told a name at a window, and refused."""
    resident = town.resident()
    scan(town.terminal("gate-entry"), issue(resident), "gate-entry")
    scan(town.terminal("window-acceptance"), issue(resident), "window-acceptance")
    scan(town.terminal("gate-entry"), issue(resident, "medical"), "gate-entry")
    scan(town.terminal("meal-redemption"), issue(resident, "dining"), "meal-redemption")
    return resident


def test_the_csv_says_in_chinese_who_looked_where_why_and_at_what(client, town, person):
    answer = export(client, person)
    assert answer.content_type == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="ledger.csv"')
    assert answer.headers["Cache-Control"] == "no-store"
    rows = rows_of(answer)
    assert ",".join(rows[0]) == (
        "时间（北京时间）,场所,区市,地址,终端,场景,用途,码种,出示方式,由监护人或代办人出示,是否通过,结果,告知的信息,备注,"
        "核验编号,记录编号"
    )
    assert [(row["用途"], row["码种"], row["是否通过"], row["结果"], row["告知的信息"]) for row in rows] == [
        ("就餐核销", "就餐码", "是", "通过", ""),
        ("闸机进站", "医保码", "否", "此用途不接受该码种", ""),
        ("窗口受理", "身份码", "是", "通过", "姓名、证件号码"),
        ("闸机进站", "身份码", "是", "通过", ""),
    ]
    assert (rows[0]["场所"], rows[0]["区市"], rows[0]["终端"]) == ("办事大厅", "市南区", "1号")
    assert (rows[0]["出示方式"], rows[0]["由监护人或代办人出示"]) == ("在线码", "否")
    assert rows[0]["备注"]
    assert rows[1]["备注"] == ""


def test_the_json_is_the_ledger_itself(client, person):
    answer = export(client, person, format="json")
    assert answer.content_type == "application/json"
    items = client.get(API, headers=person.headers).get_json()["items"]
    assert answer.get_json()["items"] == items
    assert set(answer.get_json()) == {"exported_at", "items"}


def test_one_who_was_never_scanned_gets_the_headings(client, town):
    nobody = town.resident()
    assert rows_of(export(client, nobody)) == []
    assert export(client, nobody, format="json").get_json()["items"] == []


def test_a_long_ledger_is_whole_and_in_order(client, town, scan, issue, monkeypatch):
    monkeypatch.setattr(ledger, "PORTION", 4)
    owner, gate = town.resident(), town.terminal("gate-entry")
    scans = [scan(gate, issue(owner), "gate-entry")["scan_id"] for _ in range(9)]
    with town.parts.database.transaction() as session:
        # several at one moment, at the edge of a portion
        moment = session.scalar(text("SELECT at FROM scans WHERE scan_id = :id"), {"id": scans[4]})
        edge = text("UPDATE scans SET at = :at WHERE scan_id = ANY (:ids)")
        session.execute(edge, {"at": moment, "ids": scans[4:7]})
    rows = rows_of(export(client, owner))
    assert sorted(row["核验编号"] for row in rows) == sorted(scans)
    assert [row["时间（北京时间）"] for row in rows] == sorted((row["时间（北京时间）"] for row in rows), reverse=True)
    scan_ids = [entry["scan_id"] for entry in export(client, owner, format="json").get_json()["items"]]
    assert scan_ids == [row["核验编号"] for row in rows]


@pytest.mark.parametrize(
    "name",
    [
        '=HYPERLINK("http://x")',
        "+1",
        "-1+1",
        "@SUM(A1)",
        "＝1+1",
        "＋1",
        "－1",
        "＠x",
        "\t=1",
        "\r=1",
        " =1",
        "\u3000=1",
        "\n@x",
    ],
)
def test_what_somebody_wrote_into_a_name_is_never_a_formula(client, town, scan, issue, name):
    venue, owner = new_id(), town.resident()
    with town.parts.database.transaction() as session:
        address = '",=1'
        session.add(
            Venue(id=venue, name=name, district="370202", address=address, scene="transport", created_at=town.now)
        )
    scan(town.terminal("gate-entry", venue=venue), issue(owner), "gate-entry")
    (row,) = rows_of(export(client, owner))
    assert row["场所"] == f"'{name}"
    assert row["地址"] == '",=1', "a quote inside a cell ends none"


@pytest.mark.parametrize("name", ["X=1", "一 -1", "1+1", "A@B", ""])
def test_a_name_that_only_holds_such_a_sign_is_left_as_it_is(name):
    assert exporting._harmless(name) == name


def test_words_that_a_newer_release_stored_stand_as_they_are():
    # during an upgrade the newer programs write into the same ledger
    city = city_file.parse((resources.files("qe_ban") / "data" / "qingdao.json").read_text("utf-8"))
    at, place = datetime(2026, 12, 1, tzinfo=UTC), ("某地", "370202", "某路1号", "1号闸机", "transport")
    scan = Entry(new_id(), new_id(), at, *place, "gate-entry", "identity", "newer-way", False, "newer", [], {}, False)
    row = b"".join(exporting.csv_pieces([scan], city)).decode().splitlines()[1].split(",")
    assert (row[8], row[11]) == ("newer-way", "newer")


def test_a_name_of_quotes_and_lines_stays_in_its_cell(client, town, scan, issue):
    venue, owner, name = new_id(), town.resident(), '一,"二"\n三'
    with town.parts.database.transaction() as session:
        session.add(Venue(id=venue, name=name, district="370202", address="路", scene="transport", created_at=town.now))
    scan(town.terminal("gate-entry", venue=venue), issue(owner), "gate-entry")
    (row,) = rows_of(export(client, owner))
    assert row["场所"] == name


def test_a_guardian_exports_the_wards_and_a_stranger_nothing(client, town, person):
    guardian, stranger = town.resident(), town.resident()
    for_ = town.guard(guardian, person)
    assert export(client, guardian, **{"for": for_}).data == export(client, person).data
    assert rows_of(export(client, guardian)) == []
    answer = client.get(f"{API}/export", query_string={"for": for_}, headers=stranger.headers)
    assert (answer.status_code, answer.get_json()["code"]) == (404, "accounts.ward_not_found")


def test_what_a_guardian_showed_is_marked(client, town, scan):
    guardian, ward = town.resident(), town.resident()
    town.guard(guardian, ward)
    code = town.code(ward.numbers["identity"], "identity", guardian=True, at=town.now + timedelta(seconds=2))
    scan(town.terminal("gate-entry"), code, "gate-entry")
    assert [row["由监护人或代办人出示"] for row in rows_of(export(client, ward))] == ["是"]


def test_exports_are_counted_a_wards_apart(town, make_app):
    moment = town.now + timedelta(seconds=5)
    at, person = make_app(lambda: moment).test_client(), town.resident()
    for_ = town.guard(person, town.resident())
    for query in ({}, {"for": for_}):
        answers = [at.get(f"{API}/export", query_string=query, headers=person.headers) for _ in range(11)]
        assert [answer.status_code for answer in answers] == [200] * 10 + [429]
        assert 1 <= int(answers[-1].headers["Retry-After"]) <= 600


@pytest.mark.parametrize("query", [{"format": "xlsx"}, {"format": ""}, {"for": "x"}, {"limit": "1"}])
def test_a_bad_question_is_a_bad_field(client, town, query):
    answer = client.get(f"{API}/export", query_string=query, headers=town.resident().headers)
    assert (answer.status_code, list(answer.get_json()["errors"])) == (422, list(query))
