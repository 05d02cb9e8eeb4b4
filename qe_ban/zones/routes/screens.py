"""What zones show to everybody: the list, a screen in one call, searchable lists, single blocks."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from flask import Response

from qe_ban.db.engine import Database
from qe_ban.kernel.city import City
from qe_ban.publishing.rules import block_detail, filtering
from qe_ban.publishing.rules.states import PageKind
from qe_ban.publishing.rules.views import View
from qe_ban.publishing.schemas import screens as pages
from qe_ban.publishing.service.page_cache import PageCache
from qe_ban.web import conditional, guard, paging
from qe_ban.web.api import Blueprint
from qe_ban.web.parts import now, part
from qe_ban.zones import errors
from qe_ban.zones.rules import lists, showing
from qe_ban.zones.schemas import screens as schemas
from qe_ban.zones.service.overview import Overview, overview

blp = Blueprint("zones", url_prefix="/zones", description="专区")


@blp.route("", methods=["GET"], summary_zh="全市的专区：开放中、即将开放、已结束或尚无内容")
@guard.anyone
@blp.response(200, schemas.ZoneOverviewsSchema)
@blp.with_etag
def list_zones() -> Response:
    """All zones of the city: open, coming (since when), ended, or empty."""
    overviews, age = overview(part(PageCache), part(Database), part(City), now())
    payload = schemas.ZoneOverviewsSchema().dump({"items": [_render_overview(one) for one in overviews], "next": None})
    return conditional.respond_published(payload, age)


@blp.route("/<slug>", methods=["GET"], summary_zh="一次取得专区的整个页面；开放前和结束后为 404")
@guard.anyone
@blp.query(schemas.ViewQuery, cache_size=256)
@blp.response(200, schemas.ZoneScreenSchema)
@blp.problems(404, 503)
@blp.with_etag
def get_zone(query: dict[str, Any], slug: str) -> Response:
    """A zone's screen in one call, as one view sees it; 404 before it opens and after it has ended."""
    return conditional.respond_prepared(part(PageCache).screen(PageKind.ZONE, slug, _view(query), now()))


@blp.route("/<slug>/blocks/<block>", methods=["GET"], summary_zh="专区的一个板块及其全部内容")
@guard.anyone
@blp.query(schemas.ViewQuery)
@blp.response(200, pages.BLOCK)
@blp.problems(404, 503)
@blp.with_etag
def get_block(query: dict[str, Any], slug: str, block: str) -> Response:
    """One block with all of its rows, articles with their bodies."""
    moment = now()
    page, age = part(PageCache).page(PageKind.ZONE, slug, moment)
    detail = block_detail.block_in_full(page, _view(query), moment, block)
    if detail is None:
        raise errors.BlockNotFound
    return conditional.respond_published(detail, age)


@blp.route("/<slug>/solutions", methods=["GET"], summary_zh="按行业查找专区的解决方案，附各行业数量")
@guard.anyone
@blp.query(schemas.SolutionsQuery)
@blp.response(200, schemas.SolutionPage)
@blp.problems(404, 503)
@blp.with_etag
def list_solutions(query: dict[str, Any], slug: str) -> Response:
    """The solutions of a zone by industry, searched; with how many there are of each industry."""
    return _list("solutions", query, slug)


@blp.route("/<slug>/cases", methods=["GET"], summary_zh="按行业查找专区的案例，附各行业数量")
@guard.anyone
@blp.query(schemas.SolutionsQuery)
@blp.response(200, schemas.SolutionCasePage)
@blp.problems(404, 503)
@blp.with_etag
def list_cases(query: dict[str, Any], slug: str) -> Response:
    """The cases of a zone by industry, searched; with how many there are of each industry."""
    return _list("cases", query, slug)


@blp.route("/<slug>/policies", methods=["GET"], summary_zh="按行业和企业规模查找现行政策，附各类数量")
@guard.anyone
@blp.query(schemas.PoliciesQuery)
@blp.response(200, schemas.PolicyPage)
@blp.problems(404, 503)
@blp.with_etag
def list_policies(query: dict[str, Any], slug: str) -> Response:
    """The policies of a zone that are valid now, by industry and size of firm, searched; with counts of each."""
    return _list("policies", query, slug)


@blp.route("/<slug>/events", methods=["GET"], summary_zh="专区的活动及其当前状态，先开始的在前")
@guard.anyone
@blp.query(schemas.EventsQuery)
@blp.response(200, schemas.EventPage)
@blp.problems(404, 503)
@blp.with_etag
def list_events(query: dict[str, Any], slug: str) -> Response:
    """The events of a zone as they stand by the clock, those that begin first first."""
    moment = now()
    page, age = part(PageCache).page(PageKind.ZONE, slug, moment)
    rows = filtering.rows(page, _view(query), moment, "event", "events")
    events = lists.sort_events([row for row in rows if query["state"] in (None, row["state"])])
    return conditional.respond_published(_page(events, query), age)


def _list(name: str, query: Mapping[str, Any], slug: str) -> Response:
    kind, moment = lists.LISTS[name], now()
    page, age = part(PageCache).page(PageKind.ZONE, slug, moment)
    rows = filtering.rows(page, _view(query), moment, kind.block, kind.table)
    matches, facets = lists.search(kind, rows, query["q"], {filter_: query[filter_] for filter_ in kind.filters})
    body = {
        name: [{"value": one.value, "name": one.name, "count": one.count} for one in choices]
        for name, choices in facets.items()
    }
    return conditional.respond_published(_page(matches, query) | {"facets": body}, age)


def _page(rows: Sequence[Mapping[str, Any]], query: Mapping[str, Any]) -> dict[str, Any]:
    """Give a page of rows; the cursor says how many came before: of what is edited meanwhile a row may come twice."""
    start = paging.decode(query["cursor"], int)[0] if query["cursor"] is not None else 0
    if start < 0:
        raise paging.BadCursor
    end = start + query["limit"]
    return {
        "items": list(rows[start:end]),
        "next": paging.encode([end]) if end < len(rows) else None,
        "total": len(rows),
    }


def _view(query: Mapping[str, Any]) -> View:
    district: str | None = query["district"]
    if district is not None and district not in part(City).districts:
        raise errors.ViewInvalid(fields={"district": "没有这个区划代码"})
    return View(district, query["real_name"], query["age_mode"], query["audience"])


def _render_overview(one: Overview) -> dict[str, Any]:
    times: dict[str, datetime | None] = {"opens_at": one.opens_at, "ended_at": one.ended_at}
    return {**one.body, "state": one.state, "state_name": showing.STATE_NAMES[one.state], **times}
