"""XLSX files that mean harm by being small: what they would unfold to, and damage in every byte."""

import functools
import io
import re
import time
import tracemalloc
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qe_ban.items.errors import FileInvalid
from qe_ban.items.rules import cells
from qe_ban.items.rules.layouts import LAYOUTS
from qe_ban.items.rules.names import Names
from qe_ban.items.service import checking
from qe_ban.items.sheets import book, source
from qe_ban.kernel import field_types
from tests.factories.sheets import CODE, NAME, xlsx_file

SHEET = "xl/worksheets/sheet1.xml"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
SHARED = b'<Relationship Id="r9" Target="sharedStrings.xml" Type="http://x/sharedStrings"/></Relationships>'


@functools.cache
def template():
    return xlsx_file(items=[{CODE: "370202000001", NAME: "社保卡"}])


def packed(parts, method=zipfile.ZIP_DEFLATED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as file:
        for name, part in parts.items():
            file.writestr(name, part)
    return out.getvalue()


def parts():
    with zipfile.ZipFile(io.BytesIO(template())) as file:
        return {entry.filename: file.read(entry) for entry in file.infolist()}


def with_rows(rows):
    made = parts()
    made[SHEET] = made[SHEET].replace(b"</sheetData>", rows + b"</sheetData>")
    return packed(made)


def with_shared(text):
    made = parts()
    relations = "xl/_rels/workbook.xml.rels"
    made[relations] = made[relations].replace(b"</Relationships>", SHARED)
    made["xl/sharedStrings.xml"] = f'<sst xmlns="{MAIN}"><si>{text}</si></sst>'.encode()
    cell = b'<row><c r="A3" t="s"><v>0</v></c></row></sheetData>'
    made[SHEET] = made[SHEET].replace(b"</sheetData>", cell)
    return packed(made)


def read(path, data):
    path = path / "file.xlsx"
    path.write_bytes(data)
    with source.open_tables(path, "xlsx") as tables:
        return [row for table in tables for rows in table.rows() for row in rows]


def test_a_cell_far_out_is_refused_and_its_place_named(tmp_path):
    data = with_rows(b'<row><c r="XFD"><v>1</v></c></row>' * 25_000)
    tracemalloc.start()
    with pytest.raises(FileInvalid, match="工作表“事项”第 3 行第 16384 列有内容，最多 200 列"):
        read(tmp_path, data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 32 << 20


def test_the_last_column_that_may_be_filled_and_blanks_behind_it(tmp_path):
    blank = b'<c r="XFC" s="1"/><c r="XFD" t="inlineStr"><is><t xml:space="preserve"> </t></is></c>'
    found = read(tmp_path, with_rows(b'<row><c r="GR"><v>1</v></c>' + blank + b"</row>"))
    assert [(number, len(row)) for number, row in found] == [(2, 2), (3, 200)]
    with pytest.raises(FileInvalid, match="第 201 列"):
        read(tmp_path, with_rows(b'<row><c r="GS"><v>1</v></c></row>'))


@pytest.mark.parametrize(
    "text",
    [
        "<t>" + "a" * (book.LONGEST_TEXT + 1) + "</t>",
        "<t>" + "a" * 250_000 + "</t>",
        "<r><t>" + "a" * 20_000 + "</t></r><r><t>" + "b" * 20_000 + "</t></r>",
    ],
    ids=["one more", "very long", "in runs"],
)
def test_a_text_longer_than_a_cell_may_hold_is_refused(tmp_path, text):
    with pytest.raises(FileInvalid, match="过长的单元格，最多 32767 个字符"):
        read(tmp_path, with_shared(text))
    inline = f'<row><c r="A3" t="inlineStr"><is>{text}</is></c></row>'.encode()
    with pytest.raises(FileInvalid, match="工作表“事项”第 3 行有过长的单元格"):
        read(tmp_path, with_rows(inline))


@pytest.mark.parametrize("one", ["a", "_x0041_"])
def test_the_longest_text_of_a_cell_is_read(tmp_path, one):
    text = f"<t>{one * book.LONGEST_TEXT}</t>"
    assert len(read(tmp_path, with_shared(text))[-1][1][0]) == book.LONGEST_TEXT
    inline = f'<row><c r="A3" t="inlineStr"><is>{text}</is></c></row>'.encode()
    assert len(read(tmp_path, with_rows(inline))[-1][1][0]) == book.LONGEST_TEXT


def test_only_short_cells_are_remembered():
    column = next(one for one in LAYOUTS["items"].columns if one.type is field_types.DEPARTMENT)
    reader = cells.reader(column, Names({}, {}))
    tracemalloc.start()
    for number in range(500):
        assert len(reader(f"{number:030000}")) == 30_000
    held = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert held < 1 << 20
    assert reader("a1") is reader("a1")


def test_a_portion_is_full_of_rows_or_of_text():
    assert not checking._Portion(read=499, text=1000).is_full
    assert checking._Portion(read=500).is_full
    assert checking._Portion(read=1, text=4 << 20).is_full


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_ways_of_packing_are_refused_unread(tmp_path, method):
    data = packed(parts(), method)
    with pytest.raises(FileInvalid, match="压缩方式不受支持"):
        read(tmp_path, data)


def test_a_name_that_is_no_text_is_refused(tmp_path):
    made = parts() | {"xl/甲.xml": b""}
    with pytest.raises(FileInvalid, match="损坏"):
        read(tmp_path, packed(made).replace("甲".encode(), b"\xff\xff\xff"))


def test_a_directory_before_the_file_begins_is_refused(tmp_path):
    data = bytearray(template())
    end = data.rindex(b"PK\x05\x06")
    data[end + 12 : end + 16] = (1 << 30).to_bytes(4, "little")
    with pytest.raises(FileInvalid, match="损坏"):
        read(tmp_path, bytes(data))


def test_an_encoding_that_is_none_is_refused(tmp_path):
    made = parts()
    made[SHEET] = b'<?xml version="1.0" encoding="nothing"?>' + made[SHEET][made[SHEET].index(b"<worksheet") :]
    with pytest.raises(FileInvalid, match="损坏"):
        read(tmp_path, packed(made))


def test_what_the_reader_of_the_rows_raises_is_not_called_damage(tmp_path):
    path = tmp_path / "file.xlsx"
    path.write_bytes(template())
    with pytest.raises(OSError, match="the disk is full"), source.open_tables(path, "xlsx"):
        raise OSError("the disk is full")


@pytest.mark.parametrize("token", [b"<!--%b-->", b"<x a='%b'/>", b"<?x %b?>"], ids=["comment", "tag", "instruction"])
def test_an_endless_token_is_refused_early(tmp_path, token):
    made = parts()
    noise = re.sub(rb"[^a-z]", b"a", bytes(range(256)) * 4096)
    made[SHEET] = made[SHEET].replace(b"</sheetData>", token % (noise * 12) + b"</sheetData>")
    data = packed(made, zipfile.ZIP_STORED)
    began = time.process_time()
    with pytest.raises(FileInvalid, match="过长的标记"):
        read(tmp_path, data)
    assert time.process_time() - began < 2


def test_much_blank_space_is_no_long_token(tmp_path):
    made = parts()
    made[SHEET] = made[SHEET].replace(b"</sheetData>", b"\n " * (5 << 20) + b"</sheetData>")
    assert len(read(tmp_path, packed(made, zipfile.ZIP_STORED))) == 1


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("damaged")


def is_read_or_refused(folder, data):
    try:
        found = read(folder, data)
    except FileInvalid:
        return
    assert all(number > 1 for number, _ in found)


CHANGES = st.lists(st.tuples(st.integers(0, 1 << 20), st.integers(0, 255)), min_size=1, max_size=6)
QUICK = settings(max_examples=150, deadline=None)


def mutated(data, changes, begin=0):
    made = bytearray(data)
    for at, byte in changes:
        made[begin + at % (len(made) - begin)] = byte
    return bytes(made)


@given(changes=CHANGES, at_the_end=st.booleans())
@QUICK
def test_damaged_bytes_are_read_or_refused(folder, changes, at_the_end):
    data = template()
    begin = data.index(b"PK\x01\x02") if at_the_end else 0
    is_read_or_refused(folder, mutated(data, changes, begin))


@given(changes=CHANGES, name=st.sampled_from(sorted(parts())))
@QUICK
def test_damaged_markup_is_read_or_refused(folder, changes, name):
    made = parts()
    made[name] = mutated(made[name], changes)
    is_read_or_refused(folder, packed(made, zipfile.ZIP_STORED))
