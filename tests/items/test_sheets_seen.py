"""An import says what it saw: what is hidden, and what a file is that is no table of ours."""

import io
import zipfile

import pytest

from qe_ban.items.errors import FileInvalid
from qe_ban.items.rules import cells as rules
from qe_ban.items.rules.cells import Number
from qe_ban.items.rules.layouts import letters_of
from qe_ban.items.sheets import source, xlsx
from tests.factories.sheets import CODE, NAME, to_bytes
from tests.items.test_sheets_xlsx import SHEET, changed, sheet_with, workbook

OLE = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(504)


@pytest.fixture
def read(tmp_path):
    def do(data, kind="xlsx"):
        path = tmp_path / "file"
        path.write_bytes(data)
        with source.open_tables(path, kind) as tables:
            return {table.layout.name: [row for rows in table.rows() for row in rows] for table in tables}

    return do


def packed(*names, first=None):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as file:
        if first:
            file.writestr("mimetype", first)
        for name in names:
            file.writestr(name, b"x")
    return out.getvalue()


def hidden_row():
    made = workbook(("1", "甲"), ("2", "乙"))
    made.active.row_dimensions[3].hidden = True
    return to_bytes(made)


def flat_row():
    return sheet_with(lambda text: text.replace(b'<row r="2"', b'<row r="2" ht="0" customHeight="1"'))


def hidden_column():
    made = workbook(("1", "甲"))
    made.active.column_dimensions["B"].hidden = True
    return to_bytes(made)


def flat_rows():
    return sheet_with(lambda text: text.replace(b"<sheetFormatPr ", b'<sheetFormatPr zeroHeight="1" '))


def narrow_column():
    columns = b'<cols><col min="2" max="2" width="0"/></cols><sheetData>'
    return sheet_with(lambda text: text.replace(b"<sheetData>", columns))


def hidden_sheet(state):
    made = workbook(("1", "甲"))
    other = made.create_sheet("旧材料")
    other.append([CODE, "材料名称"])
    other.sheet_state = state
    return to_bytes(made)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (hidden_row(), "工作表“事项”第 3 行是隐藏的"),
        (flat_row(), "工作表“事项”第 2 行是隐藏的"),
        (flat_rows(), "第 1 行是隐藏的"),
        (hidden_column(), "工作表“事项”第 1 行 B 列有内容，但这一列是隐藏的"),
        (narrow_column(), "第 1 行 B 列有内容，但这一列是隐藏的"),
        (hidden_sheet("hidden"), "工作表“旧材料”是隐藏的"),
        (hidden_sheet("veryHidden"), "工作表“旧材料”是隐藏的"),
    ],
    ids=["row", "row of no height", "all rows", "column", "column of no width", "sheet", "very hidden sheet"],
)
def test_what_is_hidden_is_named_and_not_imported(read, data, told):
    with pytest.raises(FileInvalid, match=told):
        read(data)


def test_hidden_places_without_content_do_not_matter(read):
    made = workbook(("1", "甲"))
    made.create_sheet("空").sheet_state = "hidden"
    made.active.row_dimensions[9].hidden = True
    made.active.column_dimensions["H"].hidden = True
    assert len(read(to_bytes(made))["items"]) == 1


@pytest.mark.parametrize("kind", ["xlsx", "csv"])
@pytest.mark.parametrize(
    ("data", "told"),
    [
        (packed(first="application/vnd.oasis.opendocument.spreadsheet"), ".ods"),
        (packed("[Content_Types].xml", "xl/workbook.bin"), ".xlsb"),
        (packed("Index/Document.iwa"), ".numbers"),
        (packed("[Content_Types].xml", "word/document.xml"), ".docx"),
        (packed("readme.txt", "items.csv"), "压缩文件"),
        (OLE + "EncryptedPackage".encode("utf-16-le"), "加了密码"),
        (OLE + "Workbook".encode("utf-16-le"), "旧版 .xls"),
        (OLE + "WordDocument".encode("utf-16-le"), ".doc"),
        (b"%PDF-1.7 " + bytes(99), "PDF"),
        (b"\r\n<html><table><tr><td>1</td></tr></table></html>", "HTML"),
        (b'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"/>', "XML 表格 2003"),
        (b"\x89PNG\r\n" + bytes(99), "图片"),
    ],
    ids=["ods", "xlsb", "numbers", "docx", "zip", "password", "xls", "doc", "pdf", "html", "xml 2003", "png"],
)
def test_another_format_is_named_for_what_it_is(read, data, told, kind):
    with pytest.raises(FileInvalid, match=told):
        read(data, kind)


def test_a_workbook_sent_as_csv_is_named(read):
    with pytest.raises(FileInvalid, match="看来是 XLSX 文件"):
        read(to_bytes(workbook(("1", "甲"))), "csv")


def test_names_of_parts_in_other_case_are_read(read):
    data = to_bytes(workbook(("370202000001", "社保卡")))
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        sheet, styles = file.read(SHEET), file.read("xl/styles.xml")
    other = {SHEET: None, "xl/Worksheets/Sheet1.XML": sheet, "xl/styles.xml": None, "xl/Styles.xml": styles}
    assert len(read(changed(data, **other))["items"]) == 1


@pytest.mark.parametrize("mark", ["\t", ";"])
def test_cells_parted_by_tabs_or_semicolons_are_read(read, mark):
    data = f"{CODE}{mark}{NAME}\r\n370202000001{mark}社保卡、医保卡\r\n".encode()
    assert read(data, "csv")["items"] == [(2, ["370202000001", "社保卡、医保卡"])]


def test_a_title_above_the_headings_is_named(read):
    made = workbook(("1", "甲"))
    made.active.insert_rows(1, 2)
    made.active["A1"] = "事项清单"
    with pytest.raises(FileInvalid, match="工作表“事项”第 1 行是“事项清单”，列名在第 3 行"):
        read(to_bytes(made))


def test_a_column_without_a_heading_is_named_by_its_letter(read):
    with pytest.raises(FileInvalid, match="工作表“事项”第 1 行 B 列没有列名"):
        read(to_bytes(workbook(("1", "x", "甲"), headings=(CODE, None, NAME))))
    assert [letters_of(column) for column in (1, 26, 27, 52, 703)] == ["A", "Z", "AA", "AZ", "AAA"]


@pytest.mark.parametrize("number", ["0", "1", "59", "60", "60.5"])
def test_an_early_serial_day_is_named_for_what_it_is(number):
    raw = xlsx._date(number, since_1904=False)
    with pytest.raises(rules.CellFault, match=f"日期格式的数字 {number}，按日期是 1900 年 1、2 月"):
        rules.moment(raw)
    assert xlsx._date(number, since_1904=True).year == 1904


def test_a_number_in_a_column_of_times_is_called_a_number():
    with pytest.raises(rules.CellFault, match="单元格是数字 45，不是日期"):
        rules.moment(Number("45"))
