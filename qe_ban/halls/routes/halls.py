"""What halls show to everybody: the list, a screen in one call, single blocks."""

from collections.abc import Mapping
from typing import Any

from flask import Response

from qe_ban.halls import errors
from qe_ban.halls.schemas import halls as schemas
from qe_ban.halls.service.overview import overview
from qe_ban.kernel.city import City
from qe_ban.publishing.rules import block_detail
from qe_ban.publishing.rules.states import PageKind
from qe_ban.publishing.rules.views import View
from qe_ban.publishing.schemas import screens
from qe_ban.publishing.service.page_cache import PageCache
from qe_ban.web import conditional, guard
from qe_ban.web.api import Blueprint
from qe_ban.web.parts import now, part

blp = Blueprint("halls", url_prefix="/halls", description="分厅")


@blp.route("", methods=["GET"], summary_zh="全部分厅：市级，再各区市")
@guard.anyone
@blp.response(200, schemas.HallOverviewsSchema)
@blp.with_etag
def list_halls() -> Response:
    """All halls of the city: its own, then each district's."""
    districts = part(City).districts
    rows, age = overview(part(PageCache), part(City), now())
    items = [{**one, "district_name": districts.get(one["district"] or "")} for one in rows]
    return conditional.respond_published(schemas.HallOverviewsSchema().dump({"items": items, "next": None}), age)


@blp.route("/<slug>", methods=["GET"], summary_zh="一次取得分厅的整个页面：板块、公告、应用、热门事项")
@guard.anyone
@blp.query(schemas.HallViewQuery, cache_size=256)
@blp.response(200, schemas.HallScreenSchema)
@blp.with_etag
def get_hall(query: dict[str, Any], slug: str) -> Response:
    """A hall's screen in one call, as one view sees it: blocks, notices, apps, hot items."""
    return conditional.respond_prepared(part(PageCache).screen(PageKind.HALL, slug, _view(query, slug), now()))


@blp.route("/<slug>/blocks/<block>", methods=["GET"], summary_zh="分厅的一个板块及其全部内容")
@guard.anyone
@blp.query(schemas.HallViewQuery)
@blp.response(200, screens.BLOCK)
@blp.with_etag
def get_hall_block(query: dict[str, Any], slug: str, block: str) -> Response:
    """One block with all of its rows, articles with their bodies."""
    moment, view = now(), _view(query, slug)
    page, age = part(PageCache).page(PageKind.HALL, slug, moment)
    detail = block_detail.block_in_full(page, view, moment, block)
    if detail is None:
        raise errors.BlockNotFound
    return conditional.respond_published(detail, age)


def _view(query: Mapping[str, Any], slug: str) -> View:
    """Give what the query says; a district's hall is its own district, whatever else is asked."""
    city, district = part(City), query["district"]
    if district is not None and district not in city.districts:
        raise errors.ViewInvalid(fields={"district": "没有这个区划代码"})
    own_district = None if city.halls.get(slug) else district
    return View(own_district, query["real_name"], query["age_mode"], query["audience"])
