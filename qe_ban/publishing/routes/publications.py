"""The routes of publication: now or at a time, an old version again, a version taken away."""

from collections.abc import Mapping
from typing import Any

from flask import Response

from qe_ban.db.engine import Database
from qe_ban.publishing.routes import answers
from qe_ban.publishing.rules.states import PageKind
from qe_ban.publishing.schemas import editing as schemas
from qe_ban.publishing.service import publications, withdrawals
from qe_ban.publishing.service.page_cache import PageCache
from qe_ban.publishing.service.page_types import PageTypes
from qe_ban.reviewing.errors import ApprovalLapsed
from qe_ban.reviewing.rules.versions import ScheduledPolicy
from qe_ban.web import guard
from qe_ban.web.api import Blueprint
from qe_ban.web.parts import part


def add(blp: Blueprint, kind: PageKind) -> None:
    """Add the routes for a kind of pages."""
    _add_publishing(blp, kind)

    @blp.route("/<slug>/withdraw", methods=["POST"], summary_zh="撤下一个版本，须说明理由")
    @guard.requires("pages.publish")
    @blp.arguments(schemas.WithdrawSchema)
    @blp.response(200, schemas.WithdrawnDraftSchema)
    @blp.problems(409)
    @blp.with_precondition()
    def withdraw_version(body: dict[str, Any], slug: str) -> Response:
        """Take a version away, with a reason: before its time, or, as an administrator of the city, at any time."""
        precondition, change = answers.require_precondition(), guard.change()
        number, reason, policy = body["version"], body["reason"], _policy(body)
        with part(Database).transaction() as session:
            withdrawal = withdrawals.withdraw(
                session,
                part(PageTypes),
                kind,
                slug,
                number,
                reason,
                policy=policy,
                precondition=precondition,
                change=change,
            )
        part(PageCache).publish_invalidation()
        return answers.answer_draft(withdrawal.draft, later=answers.dump_outcomes(withdrawal.later))


def _policy(body: Mapping[str, Any]) -> ScheduledPolicy | None:
    """Return what is to become of scheduled versions, where the body says it."""
    return None if body["later"] is None else ScheduledPolicy(body["later"])


def _add_publishing(blp: Blueprint, kind: PageKind) -> None:
    @blp.route("/<slug>/publish", methods=["POST"], summary_zh="发布已审核的草稿，立即或定时，长期或到期为止")
    @guard.requires("pages.publish")
    @blp.arguments(schemas.PublishSchema)
    @blp.response(200, schemas.PublishedDraftSchema)
    @blp.problems(409)
    @blp.with_precondition()
    def publish_draft(body: dict[str, Any], slug: str) -> Response:
        """Publish an approved draft at once or at a time to come, for good or until a time."""
        precondition, change = answers.require_precondition(), guard.change()
        with part(Database).transaction() as session:
            publication = publications.publish(
                session,
                part(PageTypes),
                kind,
                slug,
                at=body["at"],
                end_at=body["end_at"],
                policy=_policy(body),
                precondition=precondition,
                change=change,
            )
        if isinstance(publication, ApprovalLapsed):
            raise publication
        part(PageCache).publish_invalidation()
        return answers.answer_publication(publication)

    @blp.route("/<slug>/rollback", methods=["POST"], summary_zh="把某一旧版本的内容作为新版本立即重新发布")
    @guard.requires("pages.publish")
    @blp.arguments(schemas.RollbackSchema)
    @blp.response(200, schemas.PublishedDraftSchema)
    @blp.problems(409)
    @blp.with_precondition()
    def roll_back(body: dict[str, Any], slug: str) -> Response:
        """Publish the content of an old version again, at once, as a new version."""
        precondition, change, number = answers.require_precondition(), guard.change(), body["version"]
        with part(Database).transaction() as session:
            publication = publications.roll_back(
                session,
                part(PageTypes),
                kind,
                slug,
                number,
                policy=_policy(body),
                precondition=precondition,
                change=change,
            )
        part(PageCache).publish_invalidation()
        return answers.answer_publication(publication)
