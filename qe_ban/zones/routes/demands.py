"""The interface of demands for residents: a firm's demand is sent to a zone, followed, withdrawn, replied to."""

from typing import Any
from uuid import UUID

from flask import Response

from qe_ban.db.engine import Database
from qe_ban.kernel.city import City
from qe_ban.keys.rings import KeyRings
from qe_ban.web import guard, idempotency, paging, requests
from qe_ban.web.api import Blueprint
from qe_ban.web.parts import now, part
from qe_ban.zones.models import Demand
from qe_ban.zones.routes import presenters
from qe_ban.zones.rules.demands import STATE_NAMES, DemandState
from qe_ban.zones.rules.forms import Submission
from qe_ban.zones.schemas import demands as schemas
from qe_ban.zones.service import demands as service

sending = Blueprint("demands", url_prefix="/zones", description="专区：提交需求")
mine = Blueprint("my_demands", url_prefix="/me/demands", description="我的需求")


@sending.route("/<slug>/demands", methods=["POST"], summary_zh="按专区现行表单提交企业需求，每天最多五件")
@guard.requires("me.demands", step_up=guard.SESSION)
@sending.arguments(schemas.NewDemandSchema)
@sending.response(201, schemas.DemandReceivedSchema)
@sending.problems(404, 409, 429)
@sending.idempotent
def send_demand(body: dict[str, Any], slug: str) -> Response:
    """Send a firm's demand to a zone, by the form that stands there now; at most five a day."""
    submission = Submission(**{"version": None} | body)
    sender = service.Sender(guard.principal(), now, requests.request_id())
    with part(Database).transaction() as session:

        def produce() -> tuple[int, Any]:
            demand = service.send(session, part(KeyRings), part(City), zone=slug, submission=submission, sender=sender)
            return 201, schemas.DemandReceivedSchema().dump(_render_receipt(demand))

        return idempotency.once(session, sender.by, "zones.demands.send", body | {"zone": slug}, produce)


@mine.route("", methods=["GET"], summary_zh="本人提交的需求，新的在前")
@guard.requires("me.demands", step_up=guard.SESSION, is_anonymous=True)
@mine.query(paging.PageQuery)
@mine.response(200, schemas.DemandPage)
def list_mine(query: dict[str, Any]) -> dict[str, Any]:
    """The demands that the caller has sent, newest first."""
    before, limit = paging.last_id(query["cursor"]), query["limit"]
    with part(Database).transaction() as session:
        demands = service.mine(session, reader=guard.principal(), before=before, limit=limit + 1, now=now())
    page = paging.page(demands, limit, lambda row: [str(row.id)])
    return page | {
        "items": [
            presenters.render_listed(part(City), part(KeyRings), row, service.list_allowed_steps(row))
            for row in page["items"]
        ]
    }


@mine.route("/<id:demand_id>", methods=["GET"], summary_zh="查看本人提交的需求、答复和办理过程")
@guard.requires("me.demands", step_up=guard.SESSION, is_anonymous=True)
@mine.response(200, schemas.DemandSchema)
def get_mine(demand_id: UUID) -> dict[str, Any]:
    """A demand that the caller has sent, with its answer and its course."""
    with part(Database).transaction() as session:
        details = service.one_of_mine(session, part(KeyRings), reader=guard.principal(), demand_id=demand_id, now=now())
    return presenters.render_whole(part(City), part(KeyRings), details, service.list_allowed_steps(details.demand))


@mine.route(
    "/<id:demand_id>/withdraw", methods=["POST"], summary_zh="撤回未办结的需求：联系方式、正文、答复和备注永久删除"
)
@guard.requires("me.demands", step_up=guard.SESSION)
@mine.response(200, schemas.DemandReceivedSchema)
@mine.problems(409)
def withdraw_mine(demand_id: UUID) -> dict[str, Any]:
    """Take back a demand that is not settled: contact, text, answer and notes are erased for good."""
    with part(Database).transaction() as session:
        return _render_receipt(service.withdraw(session, part(KeyRings), demand_id=demand_id, change=guard.change()))


@mine.route("/<id:demand_id>/reply", methods=["POST"], summary_zh="反馈答复是否解决了问题：办结，或退回再办")
@guard.requires("me.demands", step_up=guard.SESSION)
@mine.arguments(schemas.DemandReplySchema)
@mine.response(200, schemas.DemandReceivedSchema)
@mine.problems(409)
def reply_mine(body: dict[str, Any], demand_id: UUID) -> dict[str, Any]:
    """Say whether the answer has helped: the demand is closed, or goes back to the editors."""
    with part(Database).transaction() as session:
        return _render_receipt(
            service.reply(
                session,
                part(KeyRings),
                demand_id=demand_id,
                is_solved=body["solved"],
                text=body["text"],
                change=guard.change(),
            )
        )


def _render_receipt(demand: Demand) -> dict[str, Any]:
    return {
        "id": demand.id,
        "zone": demand.zone,
        "state": demand.state,
        "state_name": STATE_NAMES[DemandState(demand.state)],
        "created_at": demand.created_at,
    }
