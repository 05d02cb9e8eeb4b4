"""The routes of drafts: read, saved, submitted."""

from typing import Any

from flask import Response

from qe_ban.db.engine import Database
from qe_ban.publishing.routes import answers
from qe_ban.publishing.rules.states import PageKind
from qe_ban.publishing.schemas import desk as schemas
from qe_ban.publishing.schemas.blocks import PageContentSchema
from qe_ban.publishing.service import drafts
from qe_ban.publishing.service.desks import Desks
from qe_ban.publishing.service.links import Links
from qe_ban.web import conditional, guard, wire
from qe_ban.web.api import Blueprint
from qe_ban.web.parts import now, part


def add(blp: Blueprint, kind: PageKind) -> None:
    """Add the routes for a kind of pages."""
    _add_submitting(blp, kind)

    @blp.route("/<slug>/draft", methods=["GET"], summary_zh="查看页面草稿、所处状态和引用中的问题；修改须带其 ETag")
    @guard.requires("pages.read")
    @blp.response(200, schemas.DraftSchema)
    @blp.etagged
    def get_draft(slug: str) -> Response:
        """A page's draft, where it stands, and what it refers to that does not stand; its ETag serves every change."""
        with part(Database).transaction() as session:
            found = drafts.read(session, part(Desks), kind, slug, reader=guard.principal(), now=now())
            return conditional.etagged(answers.draft(found), state=found.tag)

    @blp.route("/<slug>/draft", methods=["PUT"], summary_zh="保存整份草稿；有误之处立即指出，已有的审核作废")
    @guard.requires("pages.write")
    @blp.arguments(PageContentSchema, limit=wire.GREATEST_LIMIT)
    @blp.response(200, schemas.SavedDraftSchema)
    @blp.preconditioned(creating=True)
    def put_draft(body: dict[str, Any], slug: str) -> Response:
        """Save a whole draft. What its shape lacks is named at once; a review that it had lapses."""
        precondition, change = answers.believed(), answers.change()
        with part(Database).transaction() as session:
            saved, warnings = drafts.save(
                session, part(Desks), kind, slug, body, precondition=precondition, change=change
            )
            noticed = schemas.NoticedSchema().dump(warnings, many=True)
            return answers.written(saved, warnings=noticed)


def _add_submitting(blp: Blueprint, kind: PageKind) -> None:
    @blp.route("/<slug>/submit", methods=["POST"], summary_zh="提交草稿送审；提交前检查所引用的内容和链接")
    @guard.requires("pages.write")
    @blp.response(200, schemas.DraftSchema)
    @blp.problems(409, 422)
    @blp.preconditioned()
    def submit_draft(slug: str) -> Response:
        """Hand a draft in for review, once everything that it refers to stands; its links are followed before."""
        precondition, change, desks = answers.believed(), answers.change(), part(Desks)
        with part(Database).transaction() as session:
            seen, urls = drafts.links_of(session, desks, kind, slug, precondition=precondition, change=change)
        followed = part(Links).check(urls, change.at)
        same = answers.Believed(precondition.said, seen)
        with part(Database).transaction() as session:
            found = drafts.submit(session, desks, kind, slug, followed, precondition=same, change=change)
            return answers.written(found)
