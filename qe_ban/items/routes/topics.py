"""Topics: anybody reads them, the city's administrators keep them."""

from typing import Any

from flask import Response

from qe_ban.db.engine import Database
from qe_ban.items.routes.items import PUBLIC
from qe_ban.items.schemas import topics as schemas
from qe_ban.items.service import topics as service
from qe_ban.web import conditional, guard
from qe_ban.web.api import Blueprint
from qe_ban.web.parts import now, part

blp = Blueprint("topics", url_prefix="/topics", description="主题")


@blp.route("", methods=["GET"], summary_zh="主题树及各主题的事项数")
@guard.anyone
@blp.query(schemas.TopicsQuery)
@blp.response(200, schemas.TopicsSchema)
@blp.with_etag
def list_topics(query: dict[str, Any]) -> Response:
    """All topics as a tree written out, with the numbers of their items."""
    with part(Database).transaction() as session:
        found = service.topics(session, audience=query["audience"], now=now())
    return conditional.respond(schemas.TopicsSchema().dump({"items": found, "next": None}), cache_control=PUBLIC)


@blp.route("/<slug>", methods=["GET"], summary_zh="查看一个主题")
@guard.anyone
@blp.response(200, schemas.TopicSchema)
@blp.with_etag
def get_topic(slug: str) -> Response:
    """One topic."""
    with part(Database).transaction() as session:
        view = service.topic(session, slug=slug, now=now())
    return conditional.respond(schemas.TopicSchema().dump(view), cache_control=PUBLIC, state=view.tag)


@blp.route("/<slug>", methods=["PUT"], summary_zh="新建、修改或移动主题")
@guard.requires("items.vocabulary")
@blp.arguments(schemas.PutTopicSchema)
@blp.response(200, schemas.TopicSchema)
@blp.alternative(201, content_type="application/json", schema=schemas.TopicSchema)
@blp.with_precondition(creating=True)
def put_topic(body: dict[str, Any], slug: str) -> Response:
    """Make a topic (`If-None-Match: *`), or change or move one (`If-Match`)."""
    precondition, change = conditional.read_precondition(), guard.change()
    with part(Database).transaction() as session:
        made = service.put(session, service.NewTopic(slug, **body), precondition=precondition, change=change)
        view = service.topic(session, slug=slug, now=change.at)
    return conditional.respond_written(schemas.TopicSchema().dump(view), view.tag, 201 if made else 200)


@blp.route("/<slug>", methods=["DELETE"], summary_zh="删除没有事项引用、也没有下级的主题")
@guard.requires("items.vocabulary")
@blp.response(204)
@blp.problems(409)
@blp.with_precondition()
def delete_topic(slug: str) -> None:
    """Remove a topic that no item names and that has no topics below it."""
    precondition, change = conditional.read_precondition(), guard.change()
    with part(Database).transaction() as session:
        service.delete(session, slug=slug, precondition=precondition, change=change)
