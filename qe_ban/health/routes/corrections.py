"""The inbox of requests for correction: answered by somebody who neither proposed nor approved the level."""

from typing import Any
from uuid import UUID

from qe_ban.db.engine import Database
from qe_ban.health import schemas, service
from qe_ban.health.routes.presenters import render_correction, render_whole_correction
from qe_ban.health.service import Health
from qe_ban.web import guard, paging
from qe_ban.web.api import Blueprint
from qe_ban.web.parts import part

blp = Blueprint("health_corrections", url_prefix="/health/corrections", description="健康码纠错")


@blp.route("", methods=["GET"], summary_zh="更正申请，期限近的在前，不含当事人原文；查询留痕")
@guard.requires("health.answer")
@blp.query(schemas.CorrectionsQuery)
@blp.response(200, schemas.ListedCorrectionPage)
def list_corrections(query: dict[str, Any]) -> dict[str, Any]:
    """Requests for correction, the earliest deadline first, without anybody's words; the reading is audited."""
    filters = service.CorrectionFilter(query["state"], query["overdue"], paging.last_id(query["cursor"]))
    limit, change = query["limit"], guard.change()
    with part(Database).transaction() as session:
        rows = service.list_corrections(session, filters=filters, limit=limit + 1, change=change)
    page = paging.page(rows, limit, lambda row: [str(row.id)])
    return page | {"items": [render_correction(row, change.at) for row in page["items"]]}


@blp.route("/<id:correction_id>", methods=["GET"], summary_zh="查看一件更正申请的原文；查看留痕")
@guard.requires("health.answer")
@blp.response(200, schemas.CorrectionSchema)
def get_correction(correction_id: UUID) -> dict[str, Any]:
    """A request with its words; the reading is audited."""
    change = guard.change()
    with part(Database).transaction() as session:
        content = service.read_correction(part(Health), session, correction_id=correction_id, change=change)
    return render_whole_correction(content, change.at)


@blp.route(
    "/<id:correction_id>/answer",
    methods=["POST"],
    summary_zh="答复更正申请，一次为限，通知当事人；予以更正的，解除双人认定的等级",
)
@guard.requires("health.answer")
@blp.arguments(schemas.CorrectionAnswerSchema)
@blp.response(200, schemas.CorrectionSchema)
@blp.problems(404, 409)
def answer_correction(body: dict[str, Any], correction_id: UUID) -> dict[str, Any]:
    """Answer a request, once; the resident is told. `corrected` lifts a level that two persons set."""
    change = guard.change()
    with part(Database).transaction() as session:
        content = service.answer_correction(
            part(Health),
            session,
            correction_id=correction_id,
            ends_level=body["corrected"],
            wording=body["text"],
            change=change,
        )
    return render_whole_correction(content, change.at)
