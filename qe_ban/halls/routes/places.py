"""Places: anybody looks up where they are, when they are open and how far it is; staff keep them."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from flask import Response

from qe_ban.db.engine import Database
from qe_ban.halls import errors
from qe_ban.halls.schemas import places as schemas
from qe_ban.halls.service import places as service
from qe_ban.halls.service.places import ListedPlace
from qe_ban.kernel.city import City
from qe_ban.kernel.clock import rfc3339
from qe_ban.kernel.field_types import moment_of
from qe_ban.publishing.service.page_cache import PageCache
from qe_ban.web import conditional, guard, paging
from qe_ban.web.api import Blueprint
from qe_ban.web.parts import now, part

blp = Blueprint("places", url_prefix="/places", description="办事网点")
blp.describes(schemas.PlaceCardSchema)
of_halls = Blueprint("hall_places", url_prefix="/halls", description="办事网点")

LONGEST: Final = 30
"""So many seconds at most an answer is kept on its way: until the next opening or closing, if that is sooner."""
PRIVATE: Final = "private, no-store"
"""For answers to where somebody is."""


@blp.route("", methods=["GET"], summary_zh="办事网点、是否营业；带 near 时给出距离，近的在前")
@guard.anyone
@blp.query(schemas.PlacesQuery)
@blp.response(200, schemas.PlacePage)
@blp.with_etag
def list_places(query: dict[str, Any]) -> Response:
    """Places that were not withdrawn, whether they are open, and with `near` how far it is, the nearest first."""
    return _page(service.PlaceFilter(query["hall"], query["kind"], query["q"]), query)


@of_halls.route("/<slug>/places", methods=["GET"], summary_zh="分厅所在区市的网点；市级分厅为市级网点")
@guard.anyone
@of_halls.query(schemas.HallPlacesQuery)
@of_halls.response(200, schemas.PlacePage)
@of_halls.with_etag
def list_hall_places(query: dict[str, Any], slug: str) -> Response:
    """The places of a hall's district; of the city's hall the city's own."""
    if slug not in part(City).halls:
        raise errors.HallNotFound
    return _page(service.PlaceFilter(slug, query["kind"], query["q"]), query)


@blp.route("/<slug>", methods=["GET"], summary_zh="查看一个网点；已撤销的会注明")
@guard.anyone
@blp.response(200, schemas.HallPlaceSchema)
@blp.with_etag
def get_place(slug: str) -> Response:
    """One place; one that was withdrawn is told with that state."""
    moment = now()
    with part(Database).transaction() as session:
        row = service.place(session, slug)
    body = _render(ListedPlace(row), moment)
    return conditional.respond(body, cache_control=_public([body], moment), state=str(row.revision))


@blp.route("/<slug>", methods=["PUT"], summary_zh="新增、修改、暂停或撤销网点")
@guard.requires("places.write")
@blp.arguments(schemas.PutPlaceSchema)
@blp.response(200, schemas.HallPlaceSchema)
@blp.alternative(201, content_type="application/json", schema=schemas.HallPlaceSchema)
@blp.with_precondition(creating=True)
def put_place(body: dict[str, Any], slug: str) -> Response:
    """Make a place (`If-None-Match: *`), or change, suspend or withdraw one (`If-Match`)."""
    precondition, change = conditional.read_precondition(), guard.change()
    with part(Database).transaction() as session:
        outcome = service.upsert(session, part(City), slug, body, precondition=precondition, change=change)
        row = service.place(session, slug)
    if outcome.has_changed:
        part(PageCache).publish_invalidation()
    return conditional.respond_written(
        _render(ListedPlace(row), change.at), str(row.revision), 201 if outcome.is_new else 200
    )


def _page(filter_: service.PlaceFilter, query: dict[str, Any]) -> Response:
    moment, point, limit = now(), service.near(query["near"], query["near_crs"]), query["limit"]
    last = query["cursor"]
    with part(Database).transaction() as session:
        if point is None:
            after = None if last is None else paging.decode(last, str)[0]
            results = service.places(session, part(City), filter_, after=after, limit=limit + 1)
        else:
            nearer = None if last is None else tuple(paging.decode(last, int, str))
            results = service.nearest(session, part(City), filter_, point, after=nearer, limit=limit + 1)
    page = paging.page(results, limit, _cursor)
    items = [_render(result, moment) for result in page["items"]]
    control = _public(items, moment) if point is None else PRIVATE
    return conditional.respond(page | {"items": items}, cache_control=control)


def _cursor(result: ListedPlace) -> list[Any]:
    return [result.place.slug] if result.distance is None else [result.distance, result.place.slug]


def _public(bodies: Iterable[Mapping[str, Any]], moment: datetime) -> str:
    """Give for how long an answer holds: `open_now` must not outlive the door."""
    turns = (moment_of(one["closes_at"] or one["opens_at"]) for one in bodies)
    seconds = [int((turn - moment).total_seconds()) for turn in turns if turn is not None]
    return f"public, max-age={min([LONGEST, *seconds])}"


def _render(result: ListedPlace, moment: datetime) -> dict[str, Any]:
    about = {"distance": result.distance, "updated_at": rfc3339(result.place.updated_at)}
    return service.card(part(City), result.place, moment) | about
