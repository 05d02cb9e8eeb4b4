"""Makes rows and files of items: random codes, so that tests which never clean up never meet."""

import csv
import io
from typing import Any

from openpyxl import Workbook

from qe_ban.items.rules.layouts import LAYOUTS
from tests.factories.items import department_code, item_code

CODE, NAME = "事项编码", "事项名称"


def row(**changes: Any) -> dict[str, Any]:
    """A right row of the table of items by heading, of a department of its own; None leaves a heading out."""
    agency = changes.pop("agency", None) or department_code()
    cells = {
        CODE: item_code(agency),
        NAME: "社会保障卡申领",
        "事项类型": "公共服务",
        "实施主体编码": agency,
        "所属区划": "市南区",
        "通办范围": "全市通办",
        "服务对象": "自然人",
        "办理渠道": "窗口、网上",
        "办件类型": "即办件",
        "实施主体名称": f"第{agency[-4:]}局",
    } | changes
    return {heading: value for heading, value in cells.items() if value is not None}


def material(code: str, name: str = "身份证", **changes: Any) -> dict[str, Any]:
    """A right row of the table of materials."""
    return {CODE: code, "材料名称": name, "材料必要性": "必要"} | changes


def csv_file(rows: list[dict[str, Any]], *, encoding: str = "utf-8-sig", headings: list[str] | None = None) -> bytes:
    """Rows as CSV; the headings are those of all rows."""
    columns = headings or list(dict.fromkeys(heading for one in rows for heading in one))
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(columns)
    writer.writerows([one.get(heading, "") for heading in columns] for one in rows)
    return file.getvalue().encode(encoding)


def xlsx_file(**tables: list[dict[str, Any]]) -> bytes:
    """Rows as a workbook, by table (`items`, `materials` ...), with what openpyxl makes of the values."""
    book = Workbook()
    book.remove(book.worksheets[0])
    for name, rows in tables.items():
        sheet = book.create_sheet(LAYOUTS[name].heading)
        columns = list(dict.fromkeys(heading for one in rows for heading in one))
        sheet.append(columns)
        for one in rows:
            sheet.append([one.get(heading) for heading in columns])
    return to_bytes(book)


def to_bytes(book: Workbook) -> bytes:
    """A workbook's bytes."""
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()
