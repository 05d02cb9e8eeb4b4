"""CSV files as they come: encodings, quotes, odd rows, and files that are none."""

import pytest

from qe_ban.items.errors import FileInvalid
from qe_ban.items.sheets import csvs, source
from tests.factories.sheets import CODE, NAME, csv_file

HEAD = f"{CODE},{NAME}\r\n"
ROW = "370202000001,社会保障卡申领"
TEXT = f"{HEAD}{ROW}\r\n"


@pytest.fixture
def read(tmp_path):
    def do(data, kind="csv"):
        path = tmp_path / "file"
        path.write_bytes(data)
        with source.open_tables(path, kind) as tables:
            return [(table.layout.name, [row for rows in table.rows() for row in rows]) for table in tables]

    return do


@pytest.fixture
def rows(read):
    return lambda data: read(data)[0][1]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk"])
def test_the_encodings_that_are_usual_here(rows, encoding):
    assert rows(TEXT.encode(encoding)) == [(2, ["370202000001", "社会保障卡申领"])]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be"])
def test_other_encodings_are_refused_with_advice(rows, encoding):
    with pytest.raises(FileInvalid, match="CSV UTF-8"):
        rows(TEXT.encode(encoding))


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "空的"),
        (TEXT.encode() + b"a\0b", "第 3 行含有空字符"),
        (b"\xef\xbb\xbf" + TEXT.encode() + b"\xff\xff,x", "第 3 行不是有效的 UTF-8"),
        (TEXT.encode() + b"\xff\xff,x", "第 3 行"),
        (HEAD.encode("gb18030") + ROW.encode() + "的办理须知\r\n".encode(), "第 2 行是 UTF-8，其余是 GB18030"),
        (b"PK\x03\x04" + TEXT.encode(), "这不是 CSV"),
        (bytes.fromhex("d0cf11e0a1b11ae1") + bytes(100), "旧版 .xls"),
        ((HEAD + '370202000001,"没有结束\r\n').encode(), "引号"),
        ((HEAD + '370202000001,"错"的\r\n').encode(), "引号"),
        ((HEAD + "370202000001," + "长" * 200_000).encode(), "过长"),
        ((HEAD + "," * 2_000_000).encode(), "过长"),
        ((HEAD + '"x\n",' * 900_000).encode(), "过长"),
        ("事项名称\r\n社保卡".encode(), f"没有“{CODE}”列"),
        (f"{CODE}（必填）,{NAME}\r\n{ROW}\r\n".encode(), "“事项编码（必填）”须写作“事项编码”"),
        (f"{CODE} *,{NAME}\r\n{ROW}\r\n".encode(), "须写作“事项编码”"),
        (f"{CODE},{NAME},不认识,也不认识\r\n".encode(), "未知的列：“不认识”、“也不认识”"),
        (f"{CODE},{NAME},{NAME}\r\n".encode(), f"重复的列：“{NAME}”"),
        (f"{CODE},材料必要性\r\n".encode(), "没有“材料名称”列"),
        (f"\r\n{TEXT}".encode(), "列名在第 2 行"),
        (b"\r\n\r\n", "第 1 行应为列名"),
        (f"{CODE};\t{NAME}\r\n".encode(), "既有制表符又有分号"),
        (f"{CODE},,{NAME}\r\n".encode(), "第 1 行 B 列没有列名"),
        (f"青岛市事项清单\r\n{TEXT}".encode(), "第 1 行是“青岛市事项清单”，列名在第 2 行"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_such_file_is_refused_with_a_sentence(rows, data, told):
    with pytest.raises(FileInvalid, match=told) as refused:
        rows(data)
    assert len(str(refused.value)) < 400


def test_an_undecodable_place_beyond_the_first_piece_is_told_by_its_line(rows, monkeypatch):
    monkeypatch.setattr(csvs, "PIECE", 64)
    data = b"\xef\xbb\xbf" + TEXT.encode() + (ROW + "\r\n").encode() * 50 + b"\xe7\xa4"
    with pytest.raises(FileInvalid, match="第 53 行"):
        rows(data)


def test_a_character_cut_by_the_end_of_a_piece_is_whole(rows, monkeypatch):
    monkeypatch.setattr(csvs, "PIECE", 7)
    for encoding in ("utf-8", "gb18030"):
        assert rows(TEXT.encode(encoding))[0][1][1] == "社会保障卡申领"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_ends_of_lines(rows, end):
    assert len(rows(f"{CODE},{NAME}{end}1,甲{end}2,乙".encode())) == 2


def test_quotes_line_feeds_and_formulas_stay_text(rows):
    cells = ["370202000001", '他说"好"，\n然后', "=1+1", "-3", "@x"]
    headings = [CODE, NAME, "简介", "俗称", "咨询电话"]
    data = csv_file([dict(zip(headings, cells, strict=True))])
    assert rows(data) == [(2, cells)]


def test_rows_are_numbered_as_a_spreadsheet_shows_them(rows):
    data = f'{HEAD}1,"甲\n乙"\r\n\r\n,\r\n2,丙,,\r\n3\r\n'.encode()
    assert [(number, len(cells)) for number, cells in rows(data)] == [(2, 2), (5, 4), (6, 1)]


def test_empty_columns_at_the_end_of_the_headings_are_none(rows):
    assert rows(f"{CODE},{NAME},,\r\n1,甲,,\r\n".encode()) == [(2, ["1", "甲", "", ""])]


def test_columns_stand_in_any_order_and_tell_the_table(read):
    assert read(f"材料必要性,材料名称,{CODE}\r\n必要,身份证,1\r\n".encode())[0][0] == "materials"
    assert read(f"解答,问题,{CODE}\r\n".encode())[0][0] == "questions"
    assert read(f"{CODE}\r\n".encode())[0][0] == "items"


def test_the_templates_second_row_is_passed_over(rows):
    assert rows(f"{CODE},{NAME}\r\n填写说明：必填,必填\r\n1,甲\r\n".encode()) == [(3, ["1", "甲"])]
    assert len(rows(f"{CODE},{NAME}\r\n1,甲\r\n填写说明：必填,必填\r\n".encode())) == 2


def test_more_rows_than_may_be_are_refused(rows, monkeypatch):
    monkeypatch.setattr(source, "MOST_ITEMS", 3)
    with pytest.raises(FileInvalid, match="超过 3 行"):
        rows((HEAD + f"{ROW}\r\n" * 4).encode())
