"""XLSX files as they come: what cells hold, and files that mean harm or are none."""

import io
import re
import time
import tracemalloc
import zipfile
from datetime import datetime

import pytest
from openpyxl import Workbook
from openpyxl.cell.rich_text import CellRichText, TextBlock
from openpyxl.cell.text import InlineFont

from qe_ban.items.errors import FileInvalid
from qe_ban.items.rules.cells import Broken, Formula, Number
from qe_ban.items.sheets import archive, book, source, xlsx
from tests.factories.sheets import CODE, NAME, to_bytes, xlsx_file

SHEET = "xl/worksheets/sheet1.xml"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
STRICT = "http://purl.oclc.org/ooxml/spreadsheetml/main"


def workbook(*rows, title="事项", headings=(CODE, NAME, "承诺办结时限", "生效时间")):
    made = Workbook()
    made.active.title = title
    for row in (headings, *rows):
        made.active.append(row)
    return made


def changed(data, **parts):
    """A workbook's file with other parts: bytes, or a function of what was there; None leaves one out."""
    named = dict(parts)
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            part = named.pop(entry.filename, old.read(entry))
            if part is not None:
                new.writestr(entry.filename, part(old.read(entry)) if callable(part) else part)
        for name, part in named.items():
            new.writestr(name, part)
    return out.getvalue()


def sharing(data, texts, **parts):
    """A workbook that has a table of shared texts, which openpyxl writes none of."""
    relation = b'<Relationship Id="r9" Target="sharedStrings.xml" Type="http://x/sharedStrings"/></Relationships>'
    whole = f'<sst xmlns="{MAIN}">{texts}</sst>'.encode()
    relations = "xl/_rels/workbook.xml.rels"
    return changed(
        data,
        **{relations: lambda old: old.replace(b"</Relationships>", relation), "xl/sharedStrings.xml": whole},
        **parts,
    )


def sheet_with(change, rows=(("370202000001", "社保卡"),)):
    return changed(to_bytes(workbook(*rows)), **{SHEET: change})


@pytest.fixture
def read(tmp_path):
    def do(data):
        path = tmp_path / "file.xlsx"
        path.write_bytes(data)
        with source.open_tables(path, "xlsx") as tables:
            return {table.layout.name: [row for rows in table.rows() for row in rows] for table in tables}

    return do


@pytest.fixture
def cells(read):
    return lambda *values: read(to_bytes(workbook(values)))["items"][0][1]


@pytest.mark.parametrize(
    ("value", "raw"),
    [
        ("社保卡", "社保卡"),
        (5, Number("5")),
        (1.5, Number("1.5")),
        (1.1370200e30, Number("1.13702e+30")),
        (True, True),
        ("=1+1", Formula()),
        ("#N/A", Broken("#N/A")),
        (datetime(2026, 12, 1, 8), datetime(2026, 12, 1, 8)),  # noqa: DTZ001
        ("a\nb", "a\nb"),
        (" a ", " a "),
    ],
    ids=str,
)
def test_what_a_cell_holds(cells, value, raw):
    assert cells("x", value) == ["x", raw]


def test_shared_texts_runs_and_phonetics(read):
    texts = (
        "<si><t>事项编码</t></si>"
        "<si><r><t>事项</t></r><r><rPr/><t>名称</t></r><rPh sb='0' eb='1'><t>shixiang</t></rPh></si>"
        "<si><t xml:space='preserve'>_x0041__x005F_x0042_</t></si>"
    )
    rows = (
        b'<row r="1"><c t="s"><v>0</v></c><c t="s"><v>1</v></c></row><row r="2"><c t="s"><v>2</v></c></row></sheetData>'
    )
    data = sharing(to_bytes(workbook()), texts, **{SHEET: lambda old: re.sub(rb"<row.*</sheetData>", rows, old)})
    assert read(data)["items"] == [(2, ["A_x0042_"])]


def test_rich_text(cells):
    assert cells("x", CellRichText("社保", TextBlock(InlineFont(b=True), "卡"))) == ["x", "社保卡"]


def test_gaps_and_empty_rows(read):
    made = workbook()
    made.active["A5"], made.active["D5"] = "370202000001", "x"
    made.active["A9"] = "   "
    assert read(to_bytes(made))["items"] == [(5, ["370202000001", "", "", "x"])]


def test_tables_are_told_by_their_headings_whatever_the_sheet_is_called(read):
    made = workbook(("1", "甲"), title="Sheet1")
    made.create_sheet("空表")
    other = made.create_sheet("x")
    other.append(["材料名称", CODE])
    other.append(["身份证", "1"])
    assert {name: len(rows) for name, rows in read(to_bytes(made)).items()} == {"items": 1, "materials": 1}


def test_a_sheet_that_is_no_table_is_named(read):
    made = workbook(("1", "甲"))
    made.create_sheet("备注")["A1"] = "请各部门尽快填写"
    with pytest.raises(FileInvalid, match="工作表“备注”第 1 行没有“事项编码”列"):
        read(to_bytes(made))


def test_two_sheets_of_one_table_are_refused(read):
    made = workbook(("1", "甲"))
    made.create_sheet("又一个").append([CODE, NAME])
    with pytest.raises(FileInvalid, match="工作表“事项”和“又一个”是同一种表"):
        read(to_bytes(made))


def test_merged_cells_are_named(read):
    made = workbook(("1", "甲"), ("2", None))
    made.active.merge_cells("B2:B3")
    with pytest.raises(FileInvalid, match="工作表“事项”有合并的单元格：B2:B3；请取消合并"):
        read(to_bytes(made))


def test_merged_cells_are_found_where_a_piece_ends(read, monkeypatch):
    made = workbook(*((f"{number:012}", "甲") for number in range(40)))
    made.active.merge_cells("B2:B3")
    data = to_bytes(made)
    for size in (61, 127, 1000):
        monkeypatch.setattr(archive, "PIECE", size)
        with pytest.raises(FileInvalid, match="B2:B3"):
            read(data)


class Hostile:
    """Files that mean harm."""

    @staticmethod
    def bomb(size=40 << 20):
        return sheet_with(lambda _: b"<x>" + b" " * size)

    @staticmethod
    def lying():
        """An entry whose real size is not the one that is declared."""
        data = bytearray(sheet_with(lambda text: text.replace(b"<sheetData>", b"<sheetData>" + b" " * (64 << 20))))
        with zipfile.ZipFile(io.BytesIO(bytes(data))) as file:
            size = file.getinfo(SHEET).file_size
        return bytes(data).replace(size.to_bytes(4, "little"), (1000).to_bytes(4, "little"))

    @staticmethod
    def entries():
        return changed(to_bytes(workbook()), **{f"x/{number}": b"" for number in range(archive.MOST_ENTRIES)})

    @staticmethod
    def declared(text):
        return sheet_with(lambda old: text.encode() + old[old.index(b"<worksheet") :])


LAUGHS = '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
FOREIGN = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (Hostile.bomb, "压缩比"),
        (Hostile.lying, "损坏|压缩比"),
        (Hostile.entries, "部件"),
        (lambda: Hostile.declared(LAUGHS), "XML 声明"),
        (lambda: Hostile.declared(FOREIGN), "XML 声明"),
        (lambda: changed(to_bytes(workbook()), **{"xl/workbook.xml": LAUGHS.encode() + b"<x/>"}), "XML 声明"),
        (lambda: changed(to_bytes(workbook()), **{"xl/vbaProject.bin": b"x"}), "宏"),
        (lambda: changed(to_bytes(workbook()), **{"xl/workbook.xml": None}), "缺少"),
        (lambda: changed(to_bytes(workbook()), **{"_rels/.rels": b"<x"}), "损坏"),
        (lambda: sheet_with(lambda text: text[:-40]), "损坏"),
        (lambda: sheet_with(lambda text: text.replace(b'r="2"', b'r="99999999"', 1)), "行号"),
        (lambda: sheet_with(lambda text: text.replace(b'r="2"', b'r="1"', 1)), "行号"),
        (lambda: sheet_with(lambda text: text.replace(b'"B2"', b'"A2"', 1)), "列号"),
        (lambda: sheet_with(lambda text: text.replace(b'"B2"', b'"\xc3\x842"', 1)), "列号"),
        (lambda: sheet_with(lambda text: text.replace(b'"B2"', b'"ZZZZ2"', 1)), "列号"),
        (lambda: sheet_with(lambda old: re.sub(rb'<c r="B2".*?</c>', b'<c r="B2" t="s"><v>7</v></c>', old)), "不存在"),
        (lambda: to_bytes(workbook())[:500], "损坏"),
        (lambda: b"PK\x03\x04" + bytes(500), "损坏"),
        (lambda: b"<html>not a workbook</html>", "不是 XLSX"),
        (lambda: bytes.fromhex("d0cf11e0a1b11ae1") + bytes(512), "密码"),
        (lambda: to_bytes(Workbook()), "没有内容"),
        (lambda: sheet_with(lambda text: text.replace("社保卡".encode(), b"a" * 300_000)), "过长"),
    ],
    ids=[
        "a bomb", "a lie about size", "many entries", "laughs", "a foreign entity", "laughs in the workbook", "macros",
        "no workbook", "broken relations", "cut markup", "row 99999999", "a row twice", "a column twice",
        "a column of no letter", "a column far out", "a text that is not there", "cut in the middle", "no archive",
        "HTML", "OLE", "nothing in it", "a cell of 300,000 characters",
    ],
)  # fmt: skip
def test_a_hostile_file_is_refused_with_a_sentence(read, make, told):
    data = make()
    tracemalloc.start()
    with pytest.raises(FileInvalid, match=told):
        read(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 64 << 20


def test_an_encrypted_entry_is_refused(read):
    data = bytearray(to_bytes(workbook(("1", "甲"))))
    with zipfile.ZipFile(io.BytesIO(bytes(data))) as file:
        offsets = [entry.header_offset for entry in file.infolist()]
        start = file.start_dir
    for offset in offsets:
        data[offset + 6] |= 1
    while (start := data.find(b"PK\x01\x02", start)) >= 0:
        data[start + 8] |= 1
        start += 4
    with pytest.raises(FileInvalid, match="密码"):
        read(bytes(data))


def test_a_bomb_below_the_ratio_is_stopped_by_its_size(read, monkeypatch):
    monkeypatch.setattr(archive, "MOST_BYTES", 1 << 20)
    with pytest.raises(FileInvalid, match="解压后超过 1 MiB"):
        read(sheet_with(lambda text: text + b" " * (2 << 20)))


def test_too_many_shared_texts_are_refused(read, monkeypatch):
    monkeypatch.setattr(book, "MOST_SHARED", 3)
    with pytest.raises(FileInvalid, match="不同文字超过"):
        read(sharing(to_bytes(workbook(("1", "甲"))), "<si><t>a</t></si>" * 4))
    monkeypatch.setattr(book, "MOST_SHARED_BYTES", 20)
    with pytest.raises(FileInvalid, match="文字总量过大"):
        read(sharing(to_bytes(workbook(("1", "甲"))), "<si><t>a</t></si>"))


def test_very_many_formatted_rows_without_content_are_cheap(read):
    def fill(text):
        head, end, tail = text.partition(b"</sheetData>")
        rows = b"".join(b'<row r="%d" s="1" customFormat="1"/>' % number for number in range(3, 200_003))
        return head + rows + end + tail

    data = sheet_with(fill)
    began = time.process_time()
    assert [number for number, _ in read(data)["items"]] == [2]
    assert time.process_time() - began < 5


def test_a_date_before_the_first_march_of_1900_is_no_date(read):
    data = to_bytes(workbook(("1", "甲", None, datetime(2026, 12, 1))))  # noqa: DTZ001
    number = re.compile(rb'(<c r="D2"[^>]*><v>)[0-9.]+(</v>)')
    old = changed(data, **{SHEET: lambda text: number.sub(rb"\g<1>59\2", text)})
    assert read(old)["items"][0][1][3] == Broken("59", xlsx.EARLY)


def test_the_other_epoch(read):
    made = workbook(("1", "甲", None, datetime(2026, 12, 1)))  # noqa: DTZ001
    made.epoch = datetime(1904, 1, 1)  # noqa: DTZ001
    assert read(to_bytes(made))["items"][0][1][3] == datetime(2026, 12, 1)  # noqa: DTZ001


def test_a_workbook_of_another_dialect(read):
    data = xlsx_file(items=[{CODE: "370202000001", NAME: "社保卡"}])
    strict = changed(data, **{SHEET: lambda text: text.replace(MAIN.encode(), STRICT.encode())})
    assert read(strict)["items"] == [(2, ["370202000001", "社保卡"])]


def test_elements_with_a_prefix_are_the_same_elements(read):
    data = xlsx_file(items=[{CODE: "370202000001", NAME: "社保卡"}])
    change = {SHEET: lambda text: re.sub(rb"<(/?)(\w)", rb"<\1x:\2", text).replace(b"xmlns=", b"xmlns:x=")}
    prefixed = changed(data, **change)
    assert read(prefixed)["items"] == [(2, ["370202000001", "社保卡"])]
