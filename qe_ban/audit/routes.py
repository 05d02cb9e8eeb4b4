"""The interface of the audit log: read only, for auditors."""

from typing import Any

from qe_ban.audit import schemas, service
from qe_ban.db.engine import Database
from qe_ban.web import guard, paging, requests
from qe_ban.web.api import Blueprint
from qe_ban.web.parts import now, part

blp = Blueprint("audit", url_prefix="/audit", description="审计")


@blp.route("", methods=["GET"])
@guard.requires("audit.read")
@blp.query(schemas.AuditQuery)
@blp.response(200, schemas.AuditPage)
def read_events(query: dict[str, Any]) -> dict[str, Any]:
    """Who did what, newest first; the reading is recorded too."""
    limit, cursor = query.pop("limit"), query.pop("cursor")
    before = paging.decode(cursor, int)[0] if cursor is not None else None
    with part(Database).transaction() as session:
        events = service.read(
            session,
            reader=guard.principal(),
            criteria=service.Criteria(**query),
            before=before,
            limit=limit + 1,
            now=now(),
            request_id=requests.request_id(),
        )
    return paging.page(events, limit, lambda event: [event.id])
