"""The interface of search: lists of items, suggestions; for staff synonyms and what was not found."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from flask import Response

from qe_ban.db.engine import Database
from qe_ban.db.limits import Limiter
from qe_ban.items.models import SearchMiss
from qe_ban.items.schemas import search as schemas
from qe_ban.items.service import misses, searching, suggesting, synonyms
from qe_ban.items.service.askers import Askers
from qe_ban.kernel.city import City
from qe_ban.web import conditional, guard, idempotency, paging, requests
from qe_ban.web.api import Blueprint
from qe_ban.web.parts import now, part

CACHED = "public, max-age=30, stale-while-revalidate=300"

blp = Blueprint("items_search", url_prefix="/items", description="事项搜索")


@blp.route("", methods=["GET"], summary_zh="搜索事项：名称、拼音、首字母、口语或编码；不带 q 则列出全部，常用的在前")
@guard.anyone
@blp.query(schemas.ItemsQuery)
@blp.response(200, schemas.FoundItemsSchema)
@blp.with_etag
def list_items(query: dict[str, Any]) -> Response:
    """Search items by name, pinyin, initials, everyday words or code; without `q` all of them, the popular first.

    Each entry comes once: in a hall as the district's own item, else the city's, else one that is done anywhere.
    A list can be read on for 1,000 items.
    """
    q, hall, limit, offset = query["q"], query["hall"], query["limit"], _offset(query["cursor"])
    names = ("hall", "department", "audience", "topic", "online", "reach")
    filters = searching.Filters(**{name: query[name] for name in names})
    moment = now()
    with part(Database).transaction() as session:
        found = searching.search(session, part(City), q, filters, offset=offset, limit=limit, now=moment)
    if q and found.missed:
        network = requests.network()
        misses.record(part(Database), part(Limiter), part(Askers), q=q, hall=hall, network=network, now=moment)
    payload = {
        "items": found.items,
        "next": paging.encode([offset + limit]) if found.more else None,
        "total": found.total,
        "total_capped": found.capped,
        "counts": found.counts,
        "corrected": found.corrected,
    }
    return conditional.respond(schemas.FoundItemsSchema().dump(payload), cache_control=CACHED)


@blp.route("/suggest", methods=["GET"], summary_zh="输入联想：按汉字、拼音或首字母开头匹配，常用的在前")
@guard.anyone
@blp.query(schemas.SuggestQuery)
@blp.response(200, schemas.SuggestionsSchema)
@blp.with_etag
def suggest_items(query: dict[str, Any]) -> Response:
    """Names that begin as somebody types: in characters, pinyin or initials, the popular first."""
    with part(Database).transaction() as session:
        found = suggesting.suggest(session, part(City), query["q"], hall=query["hall"], now=now())
    return conditional.respond(schemas.SuggestionsSchema().dump({"items": found}), cache_control=CACHED)


@blp.route("/synonyms", methods=["GET"], summary_zh="同义词组")
@guard.requires("items.vocabulary")
@blp.query(schemas.SynonymsQuery)
@blp.response(200, schemas.SynonymsPage)
def list_synonyms(query: dict[str, Any]) -> dict[str, Any]:
    """The groups of words that mean the same."""
    with part(Database).transaction() as session:
        found = synonyms.listed(
            session, word=query["word"], after=paging.last_id(query["cursor"]), limit=query["limit"] + 1
        )
    return paging.page(found, query["limit"], lambda group: [str(group.id)])


@blp.route("/synonyms", methods=["POST"], summary_zh="新建同义词组，下一次搜索即生效")
@guard.requires("items.vocabulary")
@blp.arguments(schemas.NewSynonymsSchema)
@blp.response(201, schemas.SynonymsSchema)
@blp.problems(409)
@blp.idempotent
def create_synonyms(body: dict[str, Any]) -> Response:
    """Make a group; the next query knows it."""
    change = guard.change()
    with part(Database).transaction() as session:

        def produce() -> tuple[int, Any]:
            return 201, schemas.SynonymsSchema().dump(synonyms.create(session, body["words"], change))

        return idempotency.once(session, change.by, "items.create_synonyms", body, produce)


@blp.route("/synonyms/<id:group_id>", methods=["GET"], summary_zh="查看一个同义词组及修改所需的 ETag")
@guard.requires("items.vocabulary")
@blp.response(200, schemas.SynonymsSchema)
@blp.with_etag
def get_synonyms(group_id: UUID) -> Response:
    """One group, with the ETag that changing it wants."""
    with part(Database).transaction() as session:
        found = synonyms.group(session, group_id)
    return conditional.respond(schemas.SynonymsSchema().dump(found), state=synonyms.state(found))


@blp.route("/synonyms/<id:group_id>", methods=["PUT"], summary_zh="修改同义词组")
@guard.requires("items.vocabulary")
@blp.arguments(schemas.NewSynonymsSchema)
@blp.response(200, schemas.SynonymsSchema)
@blp.problems(409)
@blp.with_precondition()
def replace_synonyms(body: dict[str, Any], group_id: UUID) -> Response:
    """Give a group other words."""
    precondition = conditional.read_precondition()
    with part(Database).transaction() as session:
        held = synonyms.replace(session, group_id, body["words"], precondition, guard.change())
    return conditional.respond_written(schemas.SynonymsSchema().dump(held), synonyms.state(held))


@blp.route("/synonyms/<id:group_id>", methods=["DELETE"], summary_zh="删除同义词组")
@guard.requires("items.vocabulary")
@blp.response(204)
@blp.with_precondition()
def remove_synonyms(group_id: UUID) -> None:
    """Take a group away."""
    precondition = conditional.read_precondition()
    with part(Database).transaction() as session:
        synonyms.remove(session, group_id, precondition, guard.change())


@blp.route("/misses", methods=["GET"], summary_zh="近90天搜索无结果的词，次数多的在前")
@guard.requires("items.write")
@blp.query(schemas.MissesQuery)
@blp.response(200, schemas.MissPage)
def list_misses(query: dict[str, Any]) -> dict[str, Any]:
    """What was searched for in the last 90 days and not found, the most frequent first."""
    offset, limit, hall = _offset(query["cursor"]), query["limit"], query["hall"]
    searching.district_of(part(City), hall)
    with part(Database).transaction() as session:
        rows = misses.listed(session, hall=hall, offset=offset, limit=limit + 1, now=now())
    more = len(rows) > limit and offset + limit < searching.DEEPEST
    return {"items": _shown(rows[:limit]), "next": paging.encode([offset + limit]) if more else None}


def _shown(rows: Sequence[SearchMiss]) -> list[dict[str, Any]]:
    return [
        {
            "query": row.query,
            "hall": row.hall or None,
            "count": row.count,
            "first_at": row.first_at,
            "last_at": row.last_at,
        }
        for row in rows
    ]


def _offset(cursor: str | None) -> int:
    """Give how far a list was read. Raises BadCursor."""
    if cursor is None:
        return 0
    offset: int = paging.decode(cursor, int)[0]
    if not 0 < offset < searching.DEEPEST:
        raise paging.BadCursor
    return offset
