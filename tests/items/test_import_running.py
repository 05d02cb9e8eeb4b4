"""Imports as people see them: what a file makes of the catalogue, and what is said of a file that is wrong."""

from datetime import UTC, datetime, timedelta

import pytest

from qe_ban.items.errors import FileInvalid, ImportInvalid, OtherPlace
from qe_ban.items.rules.fields import ITEM
from qe_ban.items.service import publishing
from qe_ban.jobs.service import JobState, Severity
from qe_ban.kernel.city_file import parse
from qe_ban.kernel.principal import Place
from tests.factories.imports import Imports, counts, editor, errors
from tests.factories.items import add_department, add_item, department_code, item_code
from tests.factories.sheets import CODE, NAME, csv_file, material, row, xlsx_file


@pytest.fixture
def imports(database, settings):
    return Imports(database, parse(settings.city_text()))


def test_new_items_of_a_new_department(imports):
    one = row()
    view = imports.run(csv_file([one]))
    assert (view.state, view.error, counts(view)) == (JobState.DONE, None, {"created": 1})
    item = imports.item(one[CODE])
    assert (item.name, item.department, item.district) == ("社会保障卡申领", one["实施主体编码"], "370202")
    assert imports.content(one[CODE])["channels"] == ["web", "window"]
    assert imports.versions(one[CODE])[0].source == "import"


@pytest.mark.parametrize("make", [csv_file, lambda rows: xlsx_file(items=rows)], ids=["csv", "xlsx"])
def test_the_same_again_changes_nothing_and_a_change_makes_a_version(imports, make):
    rows = [row() for _ in range(3)]
    assert counts(imports.run(make(rows))) == {"created": 3}
    assert counts(imports.run(make(rows))) == {"unchanged": 3}
    rows[1][NAME] = "社会保障卡补换"
    assert counts(imports.run(make(rows))) == {"unchanged": 2, "changed": 1}
    assert [len(imports.versions(one[CODE])) for one in rows] == [1, 2, 1]


def test_a_dry_run_counts_and_touches_nothing(imports):
    known, new = row(), row()
    imports.run(csv_file([known]))
    view = imports.run(csv_file([known | {NAME: "改名"}, new]), dry_run=True)
    assert (view.state, counts(view)) == (JobState.DONE, {"changed": 1, "created": 1})
    assert imports.item(new[CODE]) is None
    assert len(imports.versions(known[CODE])) == 1


def test_errors_name_sheet_row_and_column_and_nothing_is_imported(imports):
    good, bad = row(), row(事项类型="行政许客", 承诺办结时限="五天")
    late = row(法定办结时限=5, 承诺办结时限=20, 法定办结时限单位="工作日", 承诺办结时限单位="工作日")
    view = imports.run(xlsx_file(items=[good, bad, late]))
    assert view.state is JobState.FAILED
    assert "3 处错误，没有导入任何内容" in view.error
    assert [(one.sheet, one.row, one.column) for one in view.faults if one.severity is Severity.ERROR] == [
        ("事项", 3, "事项类型"),
        ("事项", 3, "承诺办结时限"),
        ("事项", 4, "承诺办结时限"),
    ]
    assert imports.items(good[CODE], bad[CODE], late[CODE]) == []


def test_what_is_wrong_can_be_skipped(imports):
    good, bad = row(), row(办理渠道="飞鸽")
    data = xlsx_file(items=[good, bad], materials=[material(bad[CODE]), material(good[CODE])])
    view = imports.run(data, skip_invalid=True)
    assert (view.state, counts(view)) == (JobState.DONE, {"created": 1, "skipped": 1})
    assert len(errors(view)) == 1
    assert imports.item(bad[CODE]) is None


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("", "缺少事项编码"),
        ("1.1E+30", "科学计数法"),
        ("1.13702E+30", "科学计数法"),
        ("12345", "不是有效的事项编码"),
        ("37020200000１", "不是有效的事项编码"),
        ("3702020000011", "不是有效的事项编码"),
    ],
)
def test_a_code_that_is_none_is_an_error(imports, code, told):
    assert told in errors(imports.run(csv_file([row(**{CODE: code})])))[0][2]


def test_a_code_that_excel_made_a_number_of_is_never_guessed(imports):
    view = imports.run(xlsx_file(items=[row(**{CODE: 1.1370200e30}), row(**{CODE: 370202000001})]))
    assert [(line, column) for line, column, _ in errors(view)] == [(2, CODE), (3, CODE)]
    assert all("须为文本格式" in message for *_, message in errors(view))


def test_formulas_and_broken_cells_are_errors(imports):
    view = imports.run(xlsx_file(items=[row(**{NAME: "=A1", "简介": "#REF!"})]))
    assert [(column, message[:6]) for _, column, message in errors(view)] == [
        (NAME, "单元格是公式"),
        ("简介", "单元格是错误"),
    ]


def test_a_wrong_check_digit_in_a_code_is_a_warning(imports):
    agency = department_code()
    wrong = agency[:-1] + ("0" if agency[-1] != "0" else "1")
    view = imports.run(csv_file([row(**{CODE: item_code(wrong)})]))
    assert counts(view) == {"created": 1}
    assert [one.severity for one in view.faults] == [Severity.WARNING, Severity.WARNING]


def test_codes_twice_in_a_file_are_an_error_that_names_the_first(imports):
    one = row()
    other = one | {NAME: "另一个"}
    view = imports.run(csv_file([one, row(), other]), skip_invalid=True)
    assert errors(view) == [(4, CODE, "与第 2 行的事项编码重复")]
    # which of the two is right, nobody knows
    assert counts(view) == {"created": 1, "skipped": 1}
    assert imports.item(one[CODE]) is None


def test_small_letters_in_a_code_are_the_same_code(imports):
    one = row()
    imports.run(csv_file([one]))
    assert counts(imports.run(csv_file([one | {CODE: one[CODE].lower()}]))) == {"unchanged": 1}


def test_an_unknown_department_wants_its_name(imports):
    one = row(实施主体名称=None)
    view = imports.run(csv_file([one]))
    assert (errors(view)[0][:2], "首次出现时须填写" in errors(view)[0][2]) == ((2, "实施主体编码"), True)


def test_a_name_that_is_said_once_is_enough(imports):
    agency = department_code()
    rows = [row(agency=agency), row(agency=agency, 实施主体名称="")]
    assert counts(imports.run(csv_file(rows))) == {"created": 2}


class TestColumnsThatAreNotThere:
    def test_what_has_no_column_stays_and_what_is_empty_goes(self, imports):
        one = row(咨询电话="0532-1", 简介="旧", 俗称="社保卡")
        imports.run(csv_file([one]))
        view = imports.run(csv_file([{CODE: one[CODE], "简介": "", "俗称": "医保卡"}]))
        content = imports.content(one[CODE])
        assert counts(view) == {"changed": 1}
        assert (content["phone"], content.get("summary"), content["aliases"]) == ("0532-1", None, ["医保卡"])

    def test_a_new_item_wants_all_that_is_required(self, imports):
        view = imports.run(csv_file([{CODE: item_code(), NAME: "社保卡"}]))
        wanted = [field.heading for field in ITEM if field.required and field.name != "name"]
        assert [column for _, column, message in errors(view) if message == "此项必填"] == wanted

    def test_materials_alone_change_known_items_only(self, imports):
        code = row()
        imports.run(csv_file([code]))
        view = imports.run(csv_file([material(code[CODE]), material(item_code())]), skip_invalid=True)
        assert counts(view) == {"changed": 1, "skipped": 1}
        assert errors(view)[0][0] == 3
        assert imports.content(code[CODE])["materials"] == [{"name": "身份证", "need": "required"}]

    def test_the_word_none_takes_all_materials_away(self, imports):
        one, other = row(), row()
        imports.run(xlsx_file(items=[one, other], materials=[material(one[CODE]), material(other[CODE])]))
        imports.run(csv_file([material(one[CODE], "无", 材料必要性="")]))
        assert "materials" not in imports.content(one[CODE])
        assert len(imports.content(other[CODE])["materials"]) == 1

    def test_a_material_keeps_what_its_file_has_no_column_for(self, imports):
        one = row()
        imports.run(xlsx_file(items=[one], materials=[material(one[CODE], 份数=2)]))
        imports.run(csv_file([material(one[CODE]), material(one[CODE], "照片")]))
        assert [row.get("copies") for row in imports.content(one[CODE])["materials"]] == [2, None]

    def test_who_changes_materials_opens_nothing_that_has_ended(self, imports):
        one, ended = row(), datetime.now(UTC)
        imports.run(csv_file([one]))
        with imports.database.transaction() as session:
            publishing.end(session, [one[CODE]], at=ended, now=ended)
        imports.run(csv_file([material(one[CODE])]))
        assert imports.item(one[CODE]).ends_at == ended


def test_errors_of_tables_are_told_where_they_stand(imports):
    one = row()
    rows = [material(one[CODE]), material(one[CODE], "照片", 空白表格="javascript:1"), material(one[CODE], "")]
    view = imports.run(xlsx_file(items=[one], materials=rows))
    told = [(fault.sheet, fault.row, fault.column) for fault in view.faults]
    assert told == [("材料", 3, "空白表格"), ("材料", 4, "材料名称")]


def test_times_are_the_citys_and_a_start_to_come_is_scheduled(imports):
    one = row()
    imports.run(csv_file([one]))
    imports.run(csv_file([one | {NAME: "新名", "生效时间": "2190-01-01 08:00", "终止时间": "2191-01-01"}]))
    item = imports.item(one[CODE])
    assert (item.name, item.version, item.latest) == ("社会保障卡申领", 1, 2)
    assert item.turns_at == datetime(2190, 1, 1, tzinfo=UTC)


def test_an_end_before_the_start_is_an_error(imports):
    view = imports.run(csv_file([row(生效时间="2190-01-02", 终止时间="2190-01-01")]))
    assert errors(view) == [(2, "终止时间", "终止时间须晚于生效时间")]


class TestPlaces:
    def test_a_district_imports_its_own_items_only(self, imports):
        own, other = row(), row(所属区划="崂山区")
        view = imports.run(csv_file([own, other]), editor(Place(district="370202")), skip_invalid=True)
        assert counts(view) == {"created": 1, "skipped": 1}
        assert errors(view) == [(3, CODE, "不属于您负责的区市或部门，不能导入")]

    def test_nobody_takes_an_item_of_another_district(self, imports, database):
        code = add_item(database, district="370212")
        view = imports.run(csv_file([{CODE: code, "所属区划": "市南区"}]), editor(Place(district="370202")))
        assert "不属于您负责的" in errors(view)[0][2]

    def test_a_department_imports_its_own_items_only(self, imports, database):
        agency = add_department(database)
        staff = editor(Place(department=agency))
        assert counts(imports.run(csv_file([row(agency=agency)]), staff)) == {"created": 1}
        assert "不属于您负责的" in errors(imports.run(csv_file([row()]), staff))[0][2]

    def test_a_halls_staff_import_nothing(self, imports):
        with pytest.raises(OtherPlace):
            imports.submit(csv_file([row()]), editor(Place(hall="shinan")))

    def test_versions_name_who_imported_them(self, imports):
        staff, one = editor(), row()
        imports.run(csv_file([one]), staff)
        assert imports.versions(one[CODE])[0].created_by == staff.id


def test_of_very_many_errors_the_first_thousand_are_kept_and_all_are_counted(imports):
    view = imports.run(csv_file([row(事项类型="错") for _ in range(10_000)]))
    assert view.state is JobState.FAILED
    assert "10000 处错误" in view.error
    assert [one.row for one in view.faults] == list(range(2, 1002))
    assert view.result["faults"]["error"] == 10_000


def test_rows_with_too_few_or_too_many_cells(imports):
    one = row()
    data = csv_file([one]).decode("utf-8-sig").rstrip("\r\n")
    assert "本行只有 2 列" in errors(imports.run(f"{data}\r\n370202000001,社保卡\r\n".encode()))[0][2]
    assert "没有列名，却填写了“多”" in errors(imports.run(f"{data},,多".encode()))[0][2]


def test_a_file_that_is_none_is_refused_at_once_or_fails_with_a_sentence(imports):
    with pytest.raises(FileInvalid):
        imports.submit(b"")
    view = imports.run("随便写的".encode("utf-16"))
    assert (view.state, "UTF-16" in view.error) == (JobState.FAILED, True)


def test_options_that_contradict_each_other_are_refused(imports):
    with pytest.raises(ImportInvalid):
        imports.submit(csv_file([row()]), ending_at_most=5)


def test_gb18030_with_rare_characters(imports):
    one = row(**{NAME: "𠮷祥䶮证明"})
    imports.run(csv_file([one], encoding="gb18030"))
    assert imports.item(one[CODE]).name == "𠮷祥䶮证明"


def test_a_start_a_second_ago_is_now(imports):
    moment = (datetime.now(UTC) + timedelta(hours=8) - timedelta(seconds=1)).strftime("%Y-%m-%d %H:%M:%S")
    one = row(生效时间=moment)
    assert counts(imports.run(csv_file([one]))) == {"created": 1}
    assert counts(imports.run(csv_file([one]))) == {"unchanged": 1}
