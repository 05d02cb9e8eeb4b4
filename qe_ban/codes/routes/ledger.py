"""The ledger: who scanned the codes of a resident, page by page, and whole as a file."""

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import IO, Any, Final
from urllib.parse import quote

from flask import Response

from qe_ban.accounts import service as accounts
from qe_ban.codes import schemas, service
from qe_ban.codes.routes import presenters
from qe_ban.codes.service import Wallet
from qe_ban.db.engine import Database
from qe_ban.db.limits import Limiter
from qe_ban.kernel.city import City
from qe_ban.kernel.clock import rfc3339
from qe_ban.kernel.ids import parse_id
from qe_ban.web import conditional, guard, paging, wire
from qe_ban.web.api import Blueprint
from qe_ban.web.parts import part

blp = Blueprint("ledger", url_prefix="/codes/ledger", description="用码记录")

CSV: Final = "text/csv"
EXPORTS, EXPORTS_WINDOW = 10, 600
_IN_MEMORY: Final = 1 << 20
_PIECE: Final = 1 << 16


@blp.route("", summary_zh="用码记录：何处、何时、为何核验，结果如何，告知了哪些信息")
@guard.requires("ledger.read", step_up=guard.SESSION, is_anonymous=True)
@blp.query(schemas.LedgerQuery)
@blp.problems(404)
@blp.response(200, schemas.LedgerSchema)
@blp.with_etag
def ledger(query: dict[str, Any]) -> Response:
    """List who scanned one's codes: where, what for, when, with what verdict, and which fields were told."""
    after, change, limit = _after(query["cursor"]), guard.change(), query["limit"]
    with part(Database).transaction() as session:
        subject = accounts.resolve_subject(session, caller=change.by.id, ward=query["for_"], now=change.at)
        entries = service.entries(session, part(Wallet).rings, subject.resident, limit=limit + 1, after=after)
        accounts.record_for_ward(part(Wallet).rings, session, subject, change, "ledger.read")
    page = paging.page(entries, limit, lambda entry: [int(entry.at.timestamp() * 1e6), str(entry.id)])
    return conditional.respond(
        schemas.LedgerSchema().dump(page | {"items": [presenters.render_entry(entry) for entry in page["items"]]})
    )


@blp.route("/export", summary_zh="导出全部用码记录，新的在前（csv 或 json）")
@guard.requires("ledger.read", step_up=guard.SESSION, is_anonymous=True)
@blp.query(schemas.ExportQuery)
@blp.as_attachment
@blp.response(200, schemas.ExportedSchema)
@blp.alternative(200, content_type=CSV)
@blp.problems(404, 429)
def export_ledger(query: dict[str, Any]) -> Response:
    """Give the whole ledger as a file, newest first: `csv` for spreadsheet programs, or `json`."""
    kind, change = query["format"], guard.change()
    # no `with`: the file lives until the last piece of the answer is sent
    file = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115
    try:
        with part(Database).transaction() as session:
            subject = accounts.resolve_subject(session, caller=change.by.id, ward=query["for_"], now=change.at)
            part(Limiter).hit("codes.export", subject.counted_as, limit=EXPORTS, window=EXPORTS_WINDOW)
            entries = service.all_entries(session, part(Wallet).rings, subject.resident)
            pieces = service.csv_pieces(entries, part(City)) if kind == "csv" else _json_pieces(entries, change.at)
            for piece in pieces:
                file.write(piece)
            accounts.record_for_ward(part(Wallet).rings, session, subject, change, "ledger.export", format=kind)
    except BaseException:
        file.close()
        raise
    answer = Response(_read(file), content_type=f"{CSV}; charset=utf-8" if kind == "csv" else wire.JSON)
    answer.call_on_close(file.close)
    answer.content_length = file.tell()
    file.seek(0)
    name = quote(f"用码记录.{kind}")
    answer.headers["Content-Disposition"] = f"attachment; filename=\"ledger.{kind}\"; filename*=UTF-8''{name}"
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _json_pieces(entries: Iterable[service.Entry], moment: datetime) -> Iterator[bytes]:
    """Write what ExportedSchema describes, an entry at a time."""
    schema, before = schemas.EntrySchema(), b""
    yield b'{"exported_at":' + wire.dumps(rfc3339(moment)) + b',"items":['
    for entry in entries:
        yield before + wire.dumps(schema.dump(presenters.render_entry(entry)))
        before = b","
    yield b"]}"


def _read(file: IO[bytes]) -> Iterator[bytes]:
    with closing(file):
        while piece := file.read(_PIECE):
            yield piece


def _after(cursor: str | None) -> tuple[datetime, Any] | None:
    if cursor is None:
        return None
    microseconds, text = paging.decode(cursor, int, str)
    last = parse_id(text)
    if last is None or not 0 <= microseconds < 1 << 52:
        raise paging.BadCursor
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=microseconds), last
