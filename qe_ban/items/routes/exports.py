"""The interface of exports: the caller's items as a file that an import takes back."""

import tempfile
from collections.abc import Iterator
from typing import IO, Any, Final
from urllib.parse import quote

from flask import Response

from qe_ban.db.engine import Database
from qe_ban.items.schemas import imports as schemas
from qe_ban.items.service import exporting
from qe_ban.kernel.city import City
from qe_ban.web import guard
from qe_ban.web.api import Blueprint
from qe_ban.web.parts import now, part

blp = Blueprint("item_exports", url_prefix="/items/export", description="事项导出")

CSV: Final = "text/csv"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
TYPES: Final = {"csv": f"{CSV}; charset=utf-8", "xlsx": XLSX}
_PIECE: Final = 1 << 18


@blp.route("", methods=["GET"], summary_zh="导出本人负责的、未终止的事项；原样导回不产生变化")
@guard.requires("items.write")
@blp.query(schemas.FileQuery)
@blp.as_attachment
@blp.response(200, {"type": "string", "format": "binary"}, content_type=XLSX)
@blp.alternative(200, content_type=CSV)
def export_items(query: dict[str, Any]) -> Response:
    """The items that the caller answers for and that have not ended; importing the file changes nothing."""
    kind = query["format"]
    # no `with`: the file lives until the last piece of the answer is sent
    file = tempfile.TemporaryFile()  # noqa: SIM115
    answer = Response(_pieces(file), content_type=TYPES[kind])
    answer.call_on_close(file.close)
    try:
        with part(Database).transaction() as session:
            exporting.export(
                session,
                part(City),
                file,
                format=kind,
                table=query["table"] or "items",
                place=guard.principal().place,
                now=now(),
            )
    except BaseException:
        file.close()
        raise
    answer.content_length = file.tell()
    file.seek(0)
    return attachment(answer, f"事项.{kind}")


def attachment(answer: Response, name: str) -> Response:
    """Let a browser keep an answer under a name (RFC 6266, with RFC 8187 for Chinese)."""
    kind = name.rpartition(".")[2]
    answer.headers["Content-Disposition"] = f"attachment; filename=\"items.{kind}\"; filename*=UTF-8''{quote(name)}"
    return answer


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while piece := file.read(_PIECE):
            yield piece
