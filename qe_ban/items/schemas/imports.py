"""The wire shapes of imports, exports and templates."""

from typing import Any

import marshmallow

from qe_ban.items.rules.layouts import LAYOUTS
from qe_ban.web import fields
from qe_ban.web.schema import Schema

FORMATS = ("xlsx", "csv")
MISSING = ("keep", "end")
MOST_ENDING = 1_000_000


class ImportQuery(Schema):
    """What is to be done with the file; `ending_at_most` guards against ending more than was meant."""

    dry_run = fields.Flag(load_default=False, metadata={"description": "只核对，不导入"})
    skip_invalid = fields.Flag(load_default=False, metadata={"description": "跳过有误的事项，导入其余的"})
    missing = fields.Choice(MISSING, load_default="keep", metadata={"description": "文件中没有的事项：保留或终止"})
    ending_at_most = fields.Whole(0, MOST_ENDING, load_default=0, metadata={"description": "最多终止多少个事项"})
    file_name = fields.Text(1, 255, load_default=None, allow_none=False)


class ImportStartedSchema(Schema):
    """The job that does the import."""

    job = fields.Id(required=True)


class FileQuery(Schema):
    """Which file: a workbook of all tables, or one `table` as CSV."""

    format = fields.Choice(FORMATS, name="SheetFormat", load_default="xlsx")
    table = fields.Choice(LAYOUTS, name="SheetTable", load_default=None)

    @marshmallow.validates_schema
    def check_table(self, data: dict[str, Any], **_options: Any) -> None:
        """A workbook has all tables. Raises ValidationError."""
        if data.get("table") is not None and data.get("format") == "xlsx":
            raise marshmallow.ValidationError({"table": ["仅用于 CSV；XLSX 含有全部表"]})
