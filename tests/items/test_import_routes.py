"""The interface of imports and exports: files in and out, by whom, and what is said of bad ones."""

import csv
import io
from functools import partial

import pytest
from openpyxl import load_workbook

from qe_ban.items.routes.exports import CSV, XLSX
from qe_ban.items.service import importing
from qe_ban.jobs import service as jobs
from qe_ban.kernel.clock import system_clock
from qe_ban.web.uploads import OCTETS
from tests.factories.sheets import CODE, csv_file, row, xlsx_file

URL = "/api/v1/items/imports"
EXPORT = "/api/v1/items/export"


@pytest.fixture
def post(client, staff):
    caller = staff()

    def do(data, content_type=CSV, *, headers=None, **query):
        given = {"Content-Type": content_type, **caller, **(headers or {})}
        return client.post(URL, data=data, query_string=query, headers=given)

    return do


@pytest.fixture
def run(parts):
    """Run what waits, as a worker does."""
    runner = partial(importing.run, importing.Importer(parts.city, system_clock))
    return jobs.Jobs(parts.database, system_clock, {importing.KIND: runner}).run_pending


@pytest.mark.parametrize(
    ("content_type", "make"),
    [
        (CSV, csv_file),
        (XLSX, lambda rows: xlsx_file(items=rows)),
        (OCTETS, csv_file),
        (OCTETS, lambda rows: xlsx_file(items=rows)),
    ],
    ids=["csv", "xlsx", "bytes that are csv", "bytes that are xlsx"],
)
def test_a_file_becomes_items_that_everybody_reads(client, staff, post, run, content_type, make):
    one = row()
    answer = post(make([one]), content_type, file_name="事项.csv")
    assert answer.status_code == 202, answer.get_json()
    job = answer.get_json()["job"]
    assert answer.headers["Location"] == f"/api/v1/jobs/{job}"
    run()
    told = client.get(answer.headers["Location"], headers=staff()).get_json()
    assert (told["state"], told["result"]["created"]) == ("done", 1)
    assert client.get(f"/api/v1/items/{one[CODE]}").get_json()["name"] == one["事项名称"]


def test_errors_are_told_by_row_and_column(client, staff, post, run):
    answer = post(csv_file([row(办件类型="马上办")]))
    run()
    told = client.get(answer.headers["Location"], headers=staff()).get_json()
    assert told["state"] == "failed"
    fault = told["faults"][0]
    assert (fault["row"], fault["column"], fault["severity"]) == (2, "办件类型", "error")
    assert "可选：即办件、承诺件" in fault["message"]


def test_the_options_are_taken_from_the_query(client, staff, post, run):
    one = row()
    answer = post(csv_file([one]), dry_run="true", missing="end", ending_at_most="3", skip_invalid="true")
    run()
    told = client.get(answer.headers["Location"], headers=staff()).get_json()
    assert told["result"]["created"] == 1
    assert client.get(f"/api/v1/items/{one[CODE]}").status_code == 404


def test_a_repeat_with_the_same_key_is_the_same_job(post):
    data, key = csv_file([row()]), {"Idempotency-Key": "import-1"}
    first, again = post(data, headers=key), post(data, headers=key)
    assert first.get_json() == again.get_json()
    assert again.headers["Location"] == first.headers["Location"]
    assert again.headers["Idempotency-Replayed"] == "true"
    other = post(csv_file([row()]), headers=key)
    assert (other.status_code, other.get_json()["code"]) == (422, "idempotency_reused")
    assert post(data, headers=key, dry_run="true").status_code == 422


@pytest.mark.parametrize(
    ("data", "content_type", "query", "status", "code"),
    [
        (b"", CSV, {}, 400, "unreadable"),
        (b"{}", "application/json", {}, 415, "unsupported_media_type"),
        (b"a,b", XLSX, {}, 422, "items.file_invalid"),
        (b"PK\x03\x04" + bytes(60), CSV, {}, 422, "items.file_invalid"),
        (bytes.fromhex("d0cf11e0a1b11ae1") + bytes(60), XLSX, {}, 422, "items.file_invalid"),
        (b"a,b", CSV, {"ending_at_most": "3"}, 422, "items.import_invalid"),
        (b"a,b", CSV, {"missing": "drop"}, 422, "invalid_fields"),
        (b"a,b", CSV, {"dry_run": "1"}, 422, "invalid_fields"),
        (b"a,b", CSV, {"unknown": "1"}, 422, "invalid_fields"),
        (b"a,b", CSV, {"file_name": "\u202ea.csv"}, 422, "invalid_fields"),
    ],
)
def test_what_is_refused_at_once(post, data, content_type, query, status, code):
    answer = post(data, content_type, **query)
    assert (answer.status_code, answer.get_json()["code"]) == (status, code)


def test_a_name_that_is_a_path_is_a_name(post, database):
    job = post(csv_file([row()]), file_name="../../etc/passwd").get_json()["job"]
    with database.transaction() as session:
        assert session.get(importing.Import, job).file_name == "passwd"


def test_who_answers_for_no_items_imports_and_exports_none(client, staff):
    hall = staff("editor", hall="shinan")
    answer = client.post(URL, data=csv_file([row()]), headers={"Content-Type": CSV, **hall})
    assert (answer.status_code, answer.get_json()["code"]) == (403, "items.other_place")
    assert client.get(EXPORT, headers=hall).status_code == 403
    assert client.get(EXPORT, headers=staff("auditor")).status_code == 403
    assert client.get(EXPORT).status_code == 401


def test_an_export_is_a_file_that_can_be_kept(client, staff):
    place = staff("district_admin", district="370283")
    answer = client.get(f"{EXPORT}?format=csv&table=materials", headers=place)
    assert (answer.status_code, answer.mimetype) == (200, CSV)
    assert "attachment" in answer.headers["Content-Disposition"]
    assert int(answer.headers["Content-Length"]) == len(answer.data)
    rows = list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert rows[0][:2] == ["事项编码", "材料名称"]
    book = load_workbook(io.BytesIO(client.get(EXPORT, headers=place).data))
    assert book.sheetnames == ["事项", "材料", "收费", "常见问题"]


def test_the_template_comes_in_both_formats(client, staff):
    book = client.get(f"{URL}/template", headers=staff())
    assert (book.status_code, book.mimetype) == (200, XLSX)
    assert load_workbook(io.BytesIO(book.data))["事项"]["A1"].value == CODE
    table = client.get(f"{URL}/template?format=csv", headers=staff())
    assert (table.mimetype, table.data[:3]) == (CSV, b"\xef\xbb\xbf")


@pytest.mark.parametrize("query", ["format=xls", "format=xlsx&table=items", "table=people&format=csv", "x=1"])
def test_files_that_there_are_not(client, staff, query):
    for url in (EXPORT, f"{URL}/template"):
        assert client.get(f"{url}?{query}", headers=staff()).status_code == 422
