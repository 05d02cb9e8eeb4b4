"""What residents keep for themselves: their home, their hall, followed halls, favourite and recent items."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from flask import Response

from qe_ban.db.engine import Database
from qe_ban.halls.models import FavouriteItem, RecentItem
from qe_ban.halls.schemas import me as schemas
from qe_ban.halls.service import residents as service
from qe_ban.halls.service.residents import OwnList, Setting
from qe_ban.kernel.city import City
from qe_ban.keys.rings import KeyRings
from qe_ban.publishing.rules.states import PageKind
from qe_ban.publishing.rules.views import View
from qe_ban.publishing.service.page_cache import PageCache
from qe_ban.web import conditional, guard, paging, wire
from qe_ban.web.api import Blueprint
from qe_ban.web.parts import now, part

blp = Blueprint("my_halls", url_prefix="/me", description="我的首页")

PRIVATE: Final = "private, no-store"
_EPOCH: Final = datetime.fromtimestamp(0, UTC)


@blp.route("/home", methods=["GET"], summary_zh="我的首页：所选分厅的页面，及关注的分厅、收藏和最近使用的事项")
@guard.requires("me.home", step_up=guard.SESSION, is_anonymous=True)
@blp.query(schemas.HomeQuery)
@blp.response(200, schemas.HomeSchema)
@blp.with_etag
def get_home(query: dict[str, Any]) -> Response:
    """The chosen hall's screen as the caller sees it, with followed halls and the first favourite and recent items."""
    city, moment = part(City), now()
    with part(Database).transaction() as session:
        home = service.home(part(KeyRings), session, city, guard.principal().id, moment)
    setting = home.setting
    view = View(None, home.real_name, setting.age_mode, query["audience"])
    screen = part(PageCache).screen(PageKind.HALL, setting.hall, view, moment)
    mine = {
        "hall": setting.hall,
        "age_mode": setting.age_mode,
        "real_name": home.real_name,
        "followed": [{"slug": slug, "name": city.hall_names[slug]} for slug in home.followed],
        "favourites": home.favourites,
        "recent": home.recent,
    }
    # the screen is JSON already: it is set in as it is, before the rest
    payload = b'{"screen":' + screen.plain.data + b"," + wire.dumps(mine)[1:]
    return conditional.mark_stale(conditional.respond(payload, cache_control=PRIVATE), screen.age)


@blp.route("/hall", methods=["GET"], summary_zh="我的首页所选的分厅和字号")
@guard.requires("me.home", step_up=guard.SESSION, is_anonymous=True)
@blp.response(200, schemas.MyHallSchema)
@blp.with_etag
def get_my_hall() -> Response:
    """The hall that the caller's home shows, and how large it is written."""
    with part(Database).transaction() as session:
        setting = service.setting(part(KeyRings), session, part(City), guard.principal().id)
    return conditional.respond(schemas.MyHallSchema().dump(_setting(setting)), cache_control=PRIVATE)


@blp.route("/hall", methods=["PUT"], summary_zh="选择首页的分厅和字号")
@guard.requires("me.home", step_up=guard.SESSION, is_anonymous=True)
@blp.arguments(schemas.PutMyHallSchema)
@blp.response(200, schemas.MyHallSchema)
def put_my_hall(body: dict[str, Any]) -> dict[str, Any]:
    """Choose the hall that the home shows, and how large it is written."""
    setting = Setting(**body)
    with part(Database).transaction() as session:
        service.choose(part(KeyRings), session, part(City), guard.principal().id, setting, now())
    return _setting(setting)


@blp.route("/halls", methods=["GET"], summary_zh="关注的分厅，新的在前")
@guard.requires("me.home", step_up=guard.SESSION, is_anonymous=True)
@blp.response(200, schemas.FollowedHallsSchema)
@blp.with_etag
def list_followed_halls() -> Response:
    """The halls that the caller follows, the latest first."""
    with part(Database).transaction() as session:
        halls = service.list_followed(part(KeyRings), session, part(City), guard.principal().id)
    items = [{"at": one.at, **_hall(one.slug)} for one in halls]
    payload = schemas.FollowedHallsSchema().dump({"items": items, "next": None})
    return conditional.respond(payload, cache_control=PRIVATE)


@blp.route("/halls/<slug>", methods=["PUT"], summary_zh="关注分厅，最多20个；重复操作无影响")
@guard.requires("me.home", step_up=guard.SESSION, is_anonymous=True)
@blp.response(204)
@blp.problems(409)
def follow_hall(slug: str) -> None:
    """Follow a hall, at most 20; a repeat changes nothing."""
    with part(Database).transaction() as session:
        service.follow(part(KeyRings), session, part(City), guard.principal().id, slug, now())


@blp.route("/halls/<slug>", methods=["DELETE"], summary_zh="取消关注；重复操作无影响")
@guard.requires("me.home", step_up=guard.SESSION, is_anonymous=True)
@blp.response(204)
def unfollow_hall(slug: str) -> None:
    """Follow a hall no more; a repeat changes nothing."""
    with part(Database).transaction() as session:
        service.unfollow(part(KeyRings), session, guard.principal().id, slug, now())


@blp.route("/items/favourites", methods=["GET"], summary_zh="收藏的事项，新的在前；已终止的会注明")
@guard.requires("me.home", step_up=guard.SESSION, is_anonymous=True)
@blp.query(paging.PageQuery)
@blp.response(200, schemas.KeptItemPage)
@blp.with_etag
def list_favourite_items(query: dict[str, Any]) -> Response:
    """The items that the caller likes, the latest first; what has ended is told with that state."""
    return _list_own(FavouriteItem, query)


@blp.route("/items/favourites/<code>", methods=["PUT"], summary_zh="收藏事项，最多200个")
@guard.requires("me.home", step_up=guard.SESSION, is_anonymous=True)
@blp.response(204)
@blp.problems(409)
def favour_item(code: str) -> None:
    """Keep an item, at most 200, by its basic code or an office's full one: any office of it will be found again."""
    with part(Database).transaction() as session:
        service.favour(part(KeyRings), session, guard.principal().id, code, now())


@blp.route("/items/favourites/<code>", methods=["DELETE"], summary_zh="取消收藏；重复操作无影响")
@guard.requires("me.home", step_up=guard.SESSION, is_anonymous=True)
@blp.response(204)
def disfavour_item(code: str) -> None:
    """Keep an item no more; a repeat changes nothing."""
    with part(Database).transaction() as session:
        service.disfavour(part(KeyRings), session, guard.principal().id, code, now())


@blp.route("/items/recent", methods=["GET"], summary_zh="最近使用的事项，新的在前")
@guard.requires("me.home", step_up=guard.SESSION, is_anonymous=True)
@blp.query(paging.PageQuery)
@blp.response(200, schemas.KeptItemPage)
@blp.with_etag
def list_recent_items(query: dict[str, Any]) -> Response:
    """The items that the caller opened, the latest first."""
    return _list_own(RecentItem, query)


@blp.route("/items/recent", methods=["DELETE"], summary_zh="清空最近使用的事项")
@guard.requires("me.home", step_up=guard.SESSION, is_anonymous=True)
@blp.response(204)
def forget_recent_items() -> None:
    """Forget all that the caller opened."""
    with part(Database).transaction() as session:
        service.forget(part(KeyRings), session, guard.principal().id, now())


@blp.route("/items/recent/<code>", methods=["PUT"], summary_zh="记录刚打开的事项，保留最近50个")
@guard.requires("me.home", step_up=guard.SESSION, is_anonymous=True)
@blp.response(204)
def use_item(code: str) -> None:
    """Note that the caller opened an item just now; the newest 50 are kept."""
    with part(Database).transaction() as session:
        service.use(part(KeyRings), session, guard.principal().id, code, now())


def _list_own(model: OwnList, query: dict[str, Any]) -> Response:
    after, limit, moment = _after(query["cursor"]), query["limit"], now()
    with part(Database).transaction() as session:
        caller, rings = guard.principal().id, part(KeyRings)
        rows = service.list_own(rings, session, part(City), caller, model, after=after, limit=limit + 1, now=moment)
    page = paging.page(rows, limit, lambda one: [(one.at - _EPOCH) // timedelta(microseconds=1), one.entry])
    items = [{**one.card, "at": one.at} for one in page["items"]]
    return conditional.respond(schemas.KeptItemPage().dump(page | {"items": items}), cache_control=PRIVATE)


def _after(cursor: str | None) -> tuple[datetime, str] | None:
    if cursor is None:
        return None
    microseconds, entry = paging.decode(cursor, int, str)
    if not 0 <= microseconds < 1 << 52:
        raise paging.BadCursor
    return _EPOCH + timedelta(microseconds=microseconds), entry


def _setting(setting: Setting) -> dict[str, Any]:
    hall = _hall(setting.hall)
    return {"hall": setting.hall, "name": hall["name"], "district": hall["district"], "age_mode": setting.age_mode}


def _hall(slug: str) -> dict[str, Any]:
    city = part(City)
    return {"slug": slug, "name": city.hall_names[slug], "district": city.halls[slug]}
