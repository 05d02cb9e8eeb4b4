"""The interface of demands for a zone's editors: what waits, each with its course, and the steps."""

from typing import Any
from uuid import UUID

from flask import Response

from qe_ban.db.engine import Database
from qe_ban.kernel.city import City
from qe_ban.keys.rings import KeyRings
from qe_ban.web import conditional, guard, paging
from qe_ban.web.api import Blueprint
from qe_ban.web.parts import part
from qe_ban.zones.routes import presenters
from qe_ban.zones.rules.demands import STATE_NAMES, DemandState, Step
from qe_ban.zones.schemas import demands as schemas
from qe_ban.zones.service import demand_workflow as service

blp = Blueprint("demand_handling", url_prefix="/zones", description="专区：办理需求")


@blp.route("/<slug>/demands", methods=["GET"], summary_zh="专区收到的需求，新的在前，不含姓名、电话和正文")
@guard.requires("demands.handle")
@blp.query(schemas.DemandsQuery)
@blp.response(200, schemas.DemandPage)
def list_demands(query: dict[str, Any], slug: str) -> dict[str, Any]:
    """The demands of a zone, newest first, without anybody's name, phone or text."""
    filter_ = service.DemandFilter(query["state"], query["industry"], paging.last_id(query["cursor"]))
    limit, change = query["limit"], guard.change()
    with part(Database).transaction() as session:
        demands = service.list_demands(session, part(City), zone=slug, filter_=filter_, limit=limit + 1, change=change)
    page = paging.page(demands, limit, lambda row: [str(row.id)])
    return page | {
        "items": [
            presenters.render_listed(part(City), part(KeyRings), row, service.list_allowed_steps(row))
            for row in page["items"]
        ]
    }


@blp.route("/<slug>/demands/counts", methods=["GET"], summary_zh="各状态的需求数，及待办数")
@guard.requires("demands.handle")
@blp.response(200, schemas.DemandCountsSchema)
def count_demands(slug: str) -> dict[str, Any]:
    """How many demands stand in each state, and how many wait for the editors."""
    with part(Database).transaction() as session:
        counts = service.counts(session, part(City), zone=slug, change=guard.change())
    items = [{"state": state, "state_name": STATE_NAMES[state], "count": count} for state, count in counts.items()]
    return {"items": items, "waiting": counts[DemandState.RECEIVED] + counts[DemandState.ACCEPTED]}


@blp.route(
    "/<slug>/demands/<id:demand_id>", methods=["GET"], summary_zh="查看需求全文与联系方式；查看留痕，办理须带其 ETag"
)
@guard.requires("demands.handle")
@blp.response(200, schemas.DemandSchema)
@blp.with_etag
def get_demand(slug: str, demand_id: UUID) -> Response:
    """A demand whole, with contact and text; that it was read is audited. Its ETag serves a step."""
    with part(Database).transaction() as session:
        details = service.read(
            session, part(KeyRings), part(City), zone=slug, demand_id=demand_id, change=guard.change()
        )
    body = presenters.render_whole(part(City), part(KeyRings), details, service.list_allowed_steps(details.demand))
    payload = schemas.DemandSchema().dump(body)
    return conditional.respond(payload, cache_control="private, no-store", state=service.tag_of(details.demand))


@blp.route("/<slug>/demands/<id:demand_id>/accept", methods=["POST"], summary_zh="受理需求")
@guard.requires("demands.handle")
@blp.response(200, schemas.ListedDemandSchema)
@blp.problems(409)
@blp.with_precondition()
def accept_demand(slug: str, demand_id: UUID) -> Response:
    """Take a demand on."""
    return _take(slug, demand_id, Step.ACCEPT, None)


@blp.route("/<slug>/demands/<id:demand_id>/answer", methods=["POST"], summary_zh="答复已受理的需求，由企业反馈是否解决")
@guard.requires("demands.handle")
@blp.arguments(schemas.DemandAnswerSchema)
@blp.response(200, schemas.ListedDemandSchema)
@blp.problems(409)
@blp.with_precondition()
def answer_demand(body: dict[str, Any], slug: str, demand_id: UUID) -> Response:
    """Answer a demand that was taken on; the firm then says whether that has helped."""
    return _take(slug, demand_id, Step.ANSWER, body["text"])


@blp.route("/<slug>/demands/<id:demand_id>/refuse", methods=["POST"], summary_zh="不予受理，须说明理由，企业可见")
@guard.requires("demands.handle")
@blp.arguments(schemas.DemandReasonSchema)
@blp.response(200, schemas.ListedDemandSchema)
@blp.problems(409)
@blp.with_precondition()
def refuse_demand(body: dict[str, Any], slug: str, demand_id: UUID) -> Response:
    """Refuse a demand, with a reason that the firm reads."""
    return _take(slug, demand_id, Step.REFUSE, body["reason"])


@blp.route("/<slug>/demands/<id:demand_id>/close", methods=["POST"], summary_zh="办结已答复的需求")
@guard.requires("demands.handle")
@blp.response(200, schemas.ListedDemandSchema)
@blp.problems(409)
@blp.with_precondition()
def close_demand(slug: str, demand_id: UUID) -> Response:
    """Close a demand that was answered."""
    return _take(slug, demand_id, Step.CLOSE, None)


def _take(slug: str, demand_id: UUID, step: Step, note: str | None) -> Response:
    precondition, change = conditional.read_precondition(), guard.change()
    with part(Database).transaction() as session:
        demand = service.take(
            session,
            part(KeyRings),
            part(City),
            zone=slug,
            demand_id=demand_id,
            step=step,
            note=note,
            precondition=precondition,
            change=change,
        )
    body = schemas.ListedDemandSchema().dump(
        presenters.render_listed(part(City), part(KeyRings), demand, service.list_allowed_steps(demand))
    )
    return conditional.respond_written(body, service.tag_of(demand))
