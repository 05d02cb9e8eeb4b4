"""The routes of drafts: read, saved, submitted."""

from typing import Any

from flask import Response

from qe_ban.db.engine import Database
from qe_ban.publishing.routes import answers
from qe_ban.publishing.rules.states import PageKind
from qe_ban.publishing.schemas import editing as schemas
from qe_ban.publishing.schemas.blocks import PageContentSchema
from qe_ban.publishing.service import drafts, restoration, saves
from qe_ban.publishing.service.links import Links
from qe_ban.publishing.service.page_types import PageTypes
from qe_ban.reviewing.models import SaveColumns
from qe_ban.web import conditional, guard, wire
from qe_ban.web.api import Blueprint
from qe_ban.web.parts import now, part


def add(blp: Blueprint, kind: PageKind) -> None:
    """Add the routes for a kind of pages."""
    _add_submitting(blp, kind)
    _add_saves(blp, kind)

    @blp.route("/<slug>/draft", methods=["GET"], summary_zh="查看页面草稿、所处状态和引用中的问题；修改须带其 ETag")
    @guard.requires("pages.read")
    @blp.response(200, schemas.DraftSchema)
    @blp.with_etag
    def get_draft(slug: str) -> Response:
        """A page's draft, where it stands, and what it refers to that does not stand; its ETag serves every change."""
        with part(Database).transaction() as session:
            draft = drafts.read(session, part(PageTypes), kind, slug, reader=guard.principal(), now=now())
            return conditional.respond(answers.dump_draft(draft), state=draft.tag)

    @blp.route("/<slug>/draft", methods=["PUT"], summary_zh="保存整份草稿；有误之处立即指出，已有的审核作废")
    @guard.requires("pages.write")
    @blp.arguments(PageContentSchema, limit=wire.GREATEST_LIMIT)
    @blp.response(200, schemas.DraftSchema)
    @blp.with_precondition(creating=True)
    def put_draft(body: dict[str, Any], slug: str) -> Response:
        """Save a whole draft. What its shape lacks is named at once; a review that it had lapses."""
        precondition, change = answers.require_precondition(), guard.change()
        with part(Database).transaction() as session:
            draft, warnings = drafts.save(
                session, part(PageTypes), kind, slug, body, precondition=precondition, change=change
            )
            return answers.answer_save(draft, warnings)


def _add_saves(blp: Blueprint, kind: PageKind) -> None:
    @blp.route("/<slug>/saves", methods=["GET"], summary_zh="页面草稿最近保存的各份，新的在前：最多五十份，各留三十天")
    @guard.requires("pages.read")
    @blp.response(200, schemas.SavesSchema)
    def list_saves(slug: str) -> dict[str, Any]:
        """The drafts that were saved of a page, newest first: the last fifty, each for thirty days."""
        with part(Database).transaction() as session:
            rows = saves.list_saves(session, part(PageTypes), kind, slug, reader=guard.principal())
            return {"items": [_dump_save(row) for row in rows], "next": None}

    @blp.route("/<slug>/saves/<int(max=2147483647):number>", methods=["GET"], summary_zh="查看保存过的一份草稿及其内容")
    @guard.requires("pages.read")
    @blp.response(200, schemas.SaveSchema)
    def get_save(slug: str, number: int) -> dict[str, Any]:
        """One saved draft with what it said."""
        with part(Database).transaction() as session:
            row = saves.read_save(session, part(PageTypes), kind, slug, number, reader=guard.principal())
            return _dump_save(row) | {"content": row.content}

    @blp.route("/<slug>/restore", methods=["POST"], summary_zh="以保存过的一份草稿或某一版本重新开始草稿")
    @guard.requires("pages.write")
    @blp.arguments(schemas.RestoreSchema)
    @blp.response(200, schemas.DraftSchema)
    @blp.with_precondition()
    def restore_draft(body: dict[str, Any], slug: str) -> Response:
        """Begin the draft anew with an earlier save, or with a version, such as the one in force."""
        precondition, change = answers.require_precondition(), guard.change()
        with part(Database).transaction() as session:
            draft, warnings = restoration.restore(
                session, part(PageTypes), kind, slug, **body, precondition=precondition, change=change
            )
            return answers.answer_save(draft, warnings)


def _dump_save(row: SaveColumns) -> dict[str, Any]:
    return {
        "save": row.number,
        "saved_at": row.saved_at,
        "saved_by": row.saved_by,
        "title": row.content.get("title"),
        "blocks": len(row.content.get("blocks") or ()),
    }


def _add_submitting(blp: Blueprint, kind: PageKind) -> None:
    @blp.route("/<slug>/submit", methods=["POST"], summary_zh="提交草稿送审；提交前检查所引用的内容和链接")
    @guard.requires("pages.write")
    @blp.response(200, schemas.DraftSchema)
    @blp.problems(409, 422)
    @blp.with_precondition()
    def submit_draft(slug: str) -> Response:
        """Hand a draft in for review, once everything that it refers to stands; its links are followed before."""
        precondition, change, page_types = answers.require_precondition(), guard.change(), part(PageTypes)
        with part(Database).transaction() as session:
            ready = drafts.links_of(session, page_types, kind, slug, precondition=precondition, change=change)
            if ready is None:
                return answers.answer_draft(
                    drafts.read(session, page_types, kind, slug, reader=change.by, now=change.at)
                )
            tag, urls = ready
        link_states = part(Links).check(urls, change.at)
        same = answers.DraftPrecondition(precondition.header, tag)
        with part(Database).transaction() as session:
            draft = drafts.submit(session, page_types, kind, slug, link_states, precondition=same, change=change)
            return answers.answer_draft(draft)
