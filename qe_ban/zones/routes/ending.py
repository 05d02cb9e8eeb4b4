"""The interface of a zone's end: by the city's administrators, with or without the deletion of its data."""

from typing import Any

from flask import Response

from qe_ban.db.engine import Database
from qe_ban.kernel.city import City
from qe_ban.publishing.service.page_cache import PageCache
from qe_ban.web import conditional, guard
from qe_ban.web.api import Blueprint
from qe_ban.web.parts import now, part
from qe_ban.zones.models import Sunset
from qe_ban.zones.schemas import ending as schemas
from qe_ban.zones.service import archive as service

blp = Blueprint("zone_ending", url_prefix="/zones", description="专区：结束与数据删除")


@blp.route("/<slug>/sunset", methods=["GET"], summary_zh="专区何时结束、数据是否届时删除，及删除证明；修改须带其 ETag")
@guard.requires("zones.end")
@blp.response(200, schemas.ZoneStandingSchema)
@blp.with_etag
def get_sunset(slug: str) -> Response:
    """When a zone ends, whether its data are deleted then, and the report that proves it. Its ETag serves a change."""
    with part(Database).transaction() as session:
        standing = service.standing(session, part(City), slug, now())
    return conditional.respond(_render(standing), state=standing.tag)


@blp.route("/<slug>/end", methods=["POST"], summary_zh="结束专区，立即或定时，并可定时删除其需求数据")
@guard.requires("zones.end")
@blp.arguments(schemas.ZoneEndSchema)
@blp.response(200, schemas.ZoneStandingSchema)
@blp.problems(409)
@blp.with_precondition()
def end_zone(body: dict[str, Any], slug: str) -> Response:
    """Let a zone end now or at a time to come, and its demands be deleted then; replaces what was planned."""
    precondition, change = conditional.read_precondition(), guard.change()
    request = service.EndRequest(body["at"], body["delete"], body["confirm"])
    with part(Database).transaction() as session:
        service.end(session, part(City), slug=slug, request=request, precondition=precondition, change=change)
        standing = service.standing(session, part(City), slug, change.at)
    part(PageCache).publish_invalidation()
    return conditional.respond_written(_render(standing), standing.tag)


@blp.route("/<slug>/reopen", methods=["POST"], summary_zh="撤销专区的结束和尚未到期的删除；到期的删除不可恢复")
@guard.requires("zones.end")
@blp.response(200, schemas.ZoneStandingSchema)
@blp.problems(409)
@blp.with_precondition()
def reopen_zone(slug: str) -> Response:
    """Take a zone's end back, and a deletion that is not due yet; what is due is deleted for good."""
    precondition, change = conditional.read_precondition(), guard.change()
    with part(Database).transaction() as session:
        service.reopen(session, part(City), slug=slug, precondition=precondition, change=change)
        standing = service.standing(session, part(City), slug, change.at)
    part(PageCache).publish_invalidation()
    return conditional.respond_written(_render(standing), standing.tag)


def _render(standing: service.Standing) -> dict[str, Any]:
    body: dict[str, Any] = schemas.ZoneStandingSchema().dump(
        {
            "slug": standing.slug,
            "name": standing.name,
            "ends_at": standing.ends_at,
            "ended": standing.ended,
            "deletion": _deletion(standing.deletion, due=standing.deletion_due),
        }
    )
    return body


def _deletion(sunset: Sunset | None, *, due: bool) -> dict[str, Any] | None:
    if sunset is None:
        return None
    state = "done" if sunset.done_at is not None else "deleting" if due else "planned"
    return {
        "state": state,
        "requested_at": sunset.requested_at,
        "requested_by": sunset.requested_by,
        "due_at": sunset.due_at,
        "done_at": sunset.done_at,
        "report": sunset.report,
    }
