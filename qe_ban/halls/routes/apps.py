"""Local apps: anybody reads them, the city's staff and each district's keep them."""

from collections.abc import Sequence
from typing import Any, Final

from flask import Response
from sqlalchemy.orm import Session

from qe_ban.db.engine import Database
from qe_ban.halls import errors
from qe_ban.halls.models import App
from qe_ban.halls.schemas import apps as schemas
from qe_ban.halls.service import apps as service
from qe_ban.kernel.city import City
from qe_ban.kernel.clock import rfc3339
from qe_ban.publishing.service.page_cache import PageCache
from qe_ban.web import conditional, guard, paging
from qe_ban.web.api import Blueprint
from qe_ban.web.parts import now, part

blp = Blueprint("apps", url_prefix="/apps", description="本地应用")
of_halls = Blueprint("hall_apps", url_prefix="/halls", description="本地应用")

_GREATEST_POSITION: Final = 2**31 - 1


@blp.route("", methods=["GET"], summary_zh="本地应用，按排列顺序，含暂停的；可按分厅筛选")
@guard.anyone
@blp.query(schemas.AppsQuery)
@blp.response(200, schemas.AppPage)
@blp.with_etag
def list_apps(query: dict[str, Any]) -> Response:
    """Local apps by position, suspended ones too; those of a hall with `hall`."""
    filter_ = service.AppFilter(query["hall"], query["category"], query["kind"], query["q"])
    return _page(filter_, query)


@of_halls.route("/<slug>/apps", methods=["GET"], summary_zh="分厅提供的应用：本厅的在前，再市级的")
@guard.anyone
@of_halls.query(schemas.HallAppsQuery)
@of_halls.response(200, schemas.AppPage)
@of_halls.with_etag
def list_hall_apps(query: dict[str, Any], slug: str) -> Response:
    """The apps that a hall offers: its own first, then the city's."""
    if slug not in part(City).halls:
        raise errors.HallNotFound
    return _page(service.AppFilter(slug, query["category"], query["kind"], query["q"], own_first=True), query)


@blp.route("/<slug>", methods=["GET"], summary_zh="查看一个应用；已下架的会注明并说明原因")
@guard.anyone
@blp.response(200, schemas.AppSchema)
@blp.with_etag
def get_app(slug: str) -> Response:
    """One app; one that was withdrawn is told with that state and its reason."""
    with part(Database).transaction() as session:
        row = service.app(session, slug)
        body = _render(session, [row])[0]
    return conditional.respond(body, cache_control=conditional.PUBLIC, state=str(row.revision))


@blp.route("/<slug>", methods=["PUT"], summary_zh="新增、修改、暂停或下架应用")
@guard.requires("apps.write")
@blp.arguments(schemas.PutAppSchema)
@blp.response(200, schemas.AppSchema)
@blp.alternative(201, content_type="application/json", schema=schemas.AppSchema)
@blp.with_precondition(creating=True)
def put_app(body: dict[str, Any], slug: str) -> Response:
    """Make an app (`If-None-Match: *`), or change, suspend or withdraw one (`If-Match`)."""
    precondition, change = conditional.read_precondition(), guard.change()
    with part(Database).transaction() as session:
        outcome = service.upsert(session, part(City), slug, body, precondition=precondition, change=change)
        row = service.app(session, slug)
        rendered_app = _render(session, [row])[0]
    if outcome.has_changed:
        part(PageCache).publish_invalidation()
    return conditional.respond_written(rendered_app, str(row.revision), 201 if outcome.is_new else 200)


def _page(filter_: service.AppFilter, query: dict[str, Any]) -> Response:
    after, limit = _after(query["cursor"]), query["limit"]
    with part(Database).transaction() as session:
        rows = service.apps(session, part(City), filter_, after=after, limit=limit + 1)
        page = paging.page(rows, limit, lambda result: list(result.cursor))
        items = _render(session, [result.app for result in page["items"]])
    return conditional.respond(page | {"items": items}, cache_control=conditional.PUBLIC)


def _after(cursor: str | None) -> tuple[int, int, str] | None:
    if cursor is None:
        return None
    rank, position, slug = paging.decode(cursor, int, int, str)
    if rank not in (0, 1) or not 0 <= position <= _GREATEST_POSITION:
        raise paging.BadCursor
    return rank, position, slug


def _render(session: Session, rows: Sequence[App]) -> list[dict[str, Any]]:
    cards = service.cards(session, part(City), rows, now())
    return [card | {"updated_at": rfc3339(row.updated_at)} for card, row in zip(cards, rows, strict=True)]
