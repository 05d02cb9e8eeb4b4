"""The routes of review."""

from typing import Any

from flask import Response

from qe_ban.db.engine import Database
from qe_ban.publishing.routes import answers
from qe_ban.publishing.rules.states import PageKind
from qe_ban.publishing.schemas import editing as schemas
from qe_ban.publishing.service import reviews
from qe_ban.publishing.service.page_types import PageTypes
from qe_ban.web import guard
from qe_ban.web.api import Blueprint
from qe_ban.web.parts import part


def add(blp: Blueprint, kind: PageKind) -> None:
    """Add the routes for a kind of pages."""

    @blp.route("/<slug>/approve", methods=["POST"], summary_zh="审核通过他人编辑的草稿")
    @guard.requires("pages.review")
    @blp.response(200, schemas.DraftSchema)
    @blp.problems(409)
    @blp.with_precondition()
    def approve_draft(slug: str) -> Response:
        """Approve a submitted draft that one had no hand in."""
        precondition, change = answers.require_precondition(), guard.change()
        with part(Database).transaction() as session:
            draft = reviews.approve(session, part(PageTypes), kind, slug, precondition=precondition, change=change)
            return answers.answer_draft(draft)

    @blp.route("/<slug>/reject", methods=["POST"], summary_zh="退回送审的草稿，须说明理由")
    @guard.requires("pages.review")
    @blp.arguments(schemas.RejectSchema)
    @blp.response(200, schemas.DraftSchema)
    @blp.problems(409)
    @blp.with_precondition()
    def reject_draft(body: dict[str, Any], slug: str) -> Response:
        """Send a submitted draft back to its editors, with a reason."""
        precondition, change, reason = answers.require_precondition(), guard.change(), body["reason"]
        with part(Database).transaction() as session:
            draft = reviews.reject(
                session, part(PageTypes), kind, slug, reason, precondition=precondition, change=change
            )
            return answers.answer_draft(draft)
