"""Changes of levels: one of the staff proposes, another approves or rejects."""

from typing import Any
from uuid import UUID

from qe_ban.db.engine import Database
from qe_ban.health import schemas, service
from qe_ban.health.routes.presenters import render_change, render_whole_change
from qe_ban.health.service import Health
from qe_ban.web import guard, paging
from qe_ban.web.api import Blueprint
from qe_ban.web.parts import part

blp = Blueprint("health_changes", url_prefix="/health/changes", description="健康码等级变更")

LIMIT = 128 * 1024
"""A thousand ids, and room for the rest."""


@blp.route("", methods=["POST"], summary_zh="对一批居民提出等级变更，须由另一人在一天内批准")
@guard.requires("health.propose")
@blp.arguments(schemas.NewHealthChangeSchema, limit=LIMIT)
@blp.response(201, schemas.HealthChangeSchema)
@blp.problems(409)
def propose_change(body: dict[str, Any]) -> dict[str, Any]:
    """Propose a level for residents, by the ids of the caller's look-ups; another person approves it within a day."""
    request = service.ChangeRequest(**body)
    with part(Database).transaction() as session:
        content = service.propose_change(part(Health), session, request=request, change=guard.change())
    return render_whole_change(content, request.case_number)


@blp.route("", methods=["GET"], summary_zh="按状态列出等级变更，先提的在前，不含居民信息；查询留痕")
@guard.requires("health.read")
@blp.query(schemas.HealthChangesQuery)
@blp.response(200, schemas.ChangePage)
def list_changes(query: dict[str, Any]) -> dict[str, Any]:
    """Changes of a state, oldest first, without their residents; the reading is audited."""
    after, limit = paging.last_id(query["cursor"]), query["limit"]
    with part(Database).transaction() as session:
        rows = service.list_changes(
            part(Health), session, state=query["state"], after=after, limit=limit + 1, change=guard.change()
        )
    page = paging.page(rows, limit, lambda content: [str(content.change.id)])
    return page | {"items": [render_change(content) for content in page["items"]]}


@blp.route("/<id:change_id>", methods=["GET"], summary_zh="查看一次等级变更及所涉居民（脱敏）；查看留痕")
@guard.requires("health.read")
@blp.response(200, schemas.HealthChangeSchema)
def get_change(change_id: UUID) -> dict[str, Any]:
    """A change with those whom it concerns, masked; the reading is audited."""
    with part(Database).transaction() as session:
        content = service.read_change(part(Health), session, change_id=change_id, change=guard.change())
    return render_whole_change(content)


@blp.route(
    "/<id:change_id>/approve", methods=["POST"], summary_zh="批准他人提出的等级变更，须复述人数；立即执行并通知当事人"
)
@guard.requires("health.approve")
@blp.arguments(schemas.HealthApprovalSchema)
@blp.response(200, schemas.HealthChangeSchema)
@blp.problems(404, 409)
def approve_change(body: dict[str, Any], change_id: UUID) -> dict[str, Any]:
    """Approve what another person proposed, stating the number; it is carried out at once and all are told."""
    with part(Database).transaction() as session:
        content = service.approve_change(part(Health), session, change_id=change_id, change=guard.change(), **body)
    return render_whole_change(content)


@blp.route("/<id:change_id>/reject", methods=["POST"], summary_zh="驳回他人提出的等级变更")
@guard.requires("health.approve")
@blp.response(200, schemas.HealthChangeSchema)
@blp.problems(404, 409)
def reject_change(change_id: UUID) -> dict[str, Any]:
    """Reject what another person proposed."""
    with part(Database).transaction() as session:
        content = service.reject_change(part(Health), session, change_id=change_id, change=guard.change())
    return render_whole_change(content)


@blp.route("/<id:change_id>/withdraw", methods=["POST"], summary_zh="撤回本人提出的等级变更")
@guard.requires("health.propose")
@blp.response(200, schemas.HealthChangeSchema)
@blp.problems(404, 409)
def withdraw_change(change_id: UUID) -> dict[str, Any]:
    """Withdraw what the caller proposed."""
    with part(Database).transaction() as session:
        content = service.withdraw_change(part(Health), session, change_id=change_id, change=guard.change())
    return render_whole_change(content)
