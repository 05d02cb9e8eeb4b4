"""One item: its reading by everybody, its versions and changes by those who answer for it."""

from typing import Any

from flask import Response
from sqlalchemy.orm import Session

from qe_ban.audit import service as audit
from qe_ban.db.engine import Database
from qe_ban.items.rules import labels
from qe_ban.items.rules.fields import ITEM, TABLES
from qe_ban.items.schemas import items as schemas
from qe_ban.items.service import catalogue, editing
from qe_ban.items.service.popularity import Popularity
from qe_ban.items.service.publishing import UNSET, Outcome
from qe_ban.kernel.city import City
from qe_ban.web import conditional, guard, requests
from qe_ban.web.api import Blueprint
from qe_ban.web.parts import now, part

blp = Blueprint("items", url_prefix="/items", description="事项")

PUBLIC = "public, max-age=60, stale-while-revalidate=600"


@blp.route("/<code>", methods=["GET"], summary_zh="查看现行的或某一版本的事项；已终止的会注明")
@guard.anyone
@blp.query(schemas.ItemQuery)
@blp.response(200, schemas.ItemSchema)
@blp.with_etag
def get_item(query: dict[str, Any], code: str) -> Response:
    """An item as it is in force, or as it was in a version; what has ended is told with that state."""
    moment = now()
    with part(Database).transaction() as session:
        view = catalogue.item(session, part(City), code=code, version=query["version"], now=moment)
    part(Popularity).seen(view.entry, requests.network(), moment)
    return _answer(view, query["version"], PUBLIC)


@blp.route("/<code>", methods=["PUT"], summary_zh="新建事项，或为其建立新版本，立即或定时生效")
@guard.requires("items.write")
@blp.arguments(schemas.PutItemSchema, limit=schemas.BODY)
@blp.response(200, schemas.SavedItemSchema)
@blp.alternative(201, content_type="application/json", schema=schemas.SavedItemSchema)
@blp.problems(409)
@blp.with_precondition(creating=True)
def put_item(body: dict[str, Any], code: str) -> Response:
    """Make an item (`If-None-Match: *`), or give it a new version (`If-Match`), now or at a time to come."""
    precondition, change = conditional.read_precondition(), guard.change()
    starts_at, ends_at = body.pop("starts_at"), body.pop("ends_at", UNSET)
    with part(Database).transaction() as session:
        saved = editing.put(
            session,
            part(City),
            code=code,
            content=body,
            starts_at=starts_at,
            ends_at=ends_at,
            precondition=precondition,
            change=change,
        )
        view = catalogue.draft(session, part(City), reader=change.by, code=code, version=None, now=change.at)
    warnings = [{"place": warning.place, "message": warning.message} for warning in saved.warnings]
    status = 201 if saved.outcome is Outcome.CREATED else 200
    return conditional.respond_written(_shown(view), view.tag, status, outcome=saved.outcome, warnings=warnings)


@blp.route("/<code>/versions", methods=["GET"], summary_zh="可编辑事项的全部版本，新的在前，含待生效和已被取代的")
@guard.requires("items.write")
@blp.response(200, schemas.VersionsSchema)
def list_versions(code: str) -> dict[str, Any]:
    """All versions of an item that the caller may edit, newest first, also what is scheduled or was replaced."""
    with part(Database).transaction() as session:
        found = catalogue.versions(session, reader=guard.principal(), code=code, now=now())
    return {"items": found, "next": None}


@blp.route("/<code>/draft", methods=["GET"], summary_zh="可编辑事项的任一版本，含未生效的；修改须带其 ETag")
@guard.requires("items.write")
@blp.query(schemas.ItemQuery)
@blp.response(200, schemas.ItemSchema)
@blp.with_etag
def get_draft(query: dict[str, Any], code: str) -> Response:
    """An item that the caller may edit, in any version, also before its start; its ETag serves a change."""
    with part(Database).transaction() as session:
        reader, version = guard.principal(), query["version"]
        view = catalogue.draft(session, part(City), reader=reader, code=code, version=version, now=now())
    return _answer(view, query["version"], "private, no-cache")


@blp.route("/<code>/end", methods=["POST"], summary_zh="终止事项，立即或定时；终止后仍可查看")
@guard.requires("items.write")
@blp.arguments(schemas.EndSchema)
@blp.response(200, schemas.ItemSchema)
@blp.problems(409)
@blp.with_precondition()
def end_item(body: dict[str, Any], code: str) -> Response:
    """Let an item end now or at a time to come; it stays readable."""
    precondition, change = conditional.read_precondition(), guard.change()
    with part(Database).transaction() as session:
        editing.end(session, code=code, at=body["at"], precondition=precondition, change=change)
        return _written(session, code, change)


@blp.route("/<code>/reopen", methods=["POST"], summary_zh="撤销事项的终止（已终止的或预定的）")
@guard.requires("items.write")
@blp.response(200, schemas.ItemSchema)
@blp.problems(409)
@blp.with_precondition()
def reopen_item(code: str) -> Response:
    """Take the end of an item away, past or planned."""
    precondition, change = conditional.read_precondition(), guard.change()
    with part(Database).transaction() as session:
        editing.reopen(session, code=code, precondition=precondition, change=change)
        return _written(session, code, change)


def _written(session: Session, code: str, change: audit.Change) -> Response:
    view = catalogue.draft(session, part(City), reader=change.by, code=code, version=None, now=change.at)
    return conditional.respond_written(_shown(view), view.tag)


def _answer(view: catalogue.ItemView, version: int | None, cache_control: str) -> Response:
    """Answer an item; the tag of an old version serves no change."""
    state = view.tag if version is None else None
    return conditional.respond(_shown(view), cache_control=cache_control, state=state)


def _shown(view: catalogue.ItemView) -> dict[str, Any]:
    """Give an item as its schema dumps it."""
    content = labels.full(ITEM, view.content)
    for table in TABLES:
        rows = view.content.get(table.name, [])
        content[table.name] = [
            labels.full(table.fields, row) | {"labels": labels.labels(table.fields, row, view.names)} for row in rows
        ]
    about = {
        "code": view.code,
        "version": view.mark.number,
        "state": view.state,
        "starts_at": view.mark.starts_at,
        "ends_at": view.ends_at,
        "upcoming": view.upcoming,
        "labels": labels.labels(ITEM, view.content, view.names),
        "since": view.since,
        "changes": [labels.told_change(change, view.names) for change in view.changes],
        "offices": view.offices,
    }
    dumped: dict[str, Any] = schemas.ItemSchema().dump(content | about)
    return dumped
