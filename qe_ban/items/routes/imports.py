"""The interface of imports: a file is handed in, its job is looked at under /jobs; the template to fill in."""

from typing import Any, Final

from flask import Response

from qe_ban.db.engine import Database
from qe_ban.items.routes.exports import CSV, TYPES, XLSX, attachment
from qe_ban.items.schemas import imports as schemas
from qe_ban.items.service import exporting, importing
from qe_ban.web import guard, idempotency, requests
from qe_ban.web.api import PREFIX, Blueprint
from qe_ban.web.parts import now, part
from qe_ban.web.uploads import OCTETS, Upload

blp = Blueprint("item_imports", url_prefix="/items/imports", description="事项导入")

FORMATS: Final[dict[str, importing.Format]] = {CSV: "csv", XLSX: "xlsx"}
_ZIP: Final = b"PK\x03\x04"
"""How every XLSX file begins, and no CSV file."""


@blp.route("", methods=["POST"], summary_zh="从 CSV 或 XLSX 导入事项，作为后台任务执行；进度和错误见任务")
@guard.requires("items.write")
@blp.query(schemas.ImportQuery)
@blp.upload((CSV, XLSX, OCTETS), limit=importing.LARGEST)
@blp.response(202, schemas.ImportStartedSchema)
@blp.idempotent
@blp.with_location
def import_items(query: dict[str, Any], upload: Upload) -> Response:
    """Import items from CSV or XLSX as a job: `GET /jobs/{id}` tells how far it is and what is wrong with which row."""
    caller, file_format = guard.principal(), _format(upload)
    options = importing.Options(query["dry_run"], query["skip_invalid"], query["missing"], query["ending_at_most"])
    with part(Database).transaction() as session:

        def produce() -> tuple[int, Any]:
            job = importing.submit(
                session,
                file=upload.file,
                file_name=query["file_name"] or f"items.{file_format}",
                format=file_format,
                options=options,
                owner=caller,
                now=now(),
                request_id=requests.request_id(),
            )
            return 202, {"job": str(job)}

        said = {**query, "format": file_format, "sha256": upload.digest.hex()}
        answer = idempotency.once(session, caller, "items.imports", said, produce)
    answer.headers["Location"] = f"{PREFIX}/jobs/{answer.get_json()['job']}"
    return answer


def _format(upload: Upload) -> importing.Format:
    """Return what a file is: as its content type says, else as it begins."""
    if upload.content_type in FORMATS:
        return FORMATS[upload.content_type]
    begins = upload.file.read(len(_ZIP))
    upload.file.seek(0)
    return "xlsx" if begins == _ZIP else "csv"


@blp.route("/template", methods=["GET"], summary_zh="导入模板：表头、说明与可选项")
@guard.requires("items.write")
@blp.query(schemas.FileQuery)
@blp.as_attachment
@blp.response(200, {"type": "string", "format": "binary"}, content_type=XLSX)
@blp.alternative(200, content_type=CSV)
def get_import_template(query: dict[str, Any]) -> Response:
    """The file to fill in: headings, explanations, lists to choose from."""
    made = exporting.template(query["format"], query["table"] or "items")
    return attachment(Response(made, content_type=TYPES[query["format"]]), f"事项导入模板.{query['format']}")
