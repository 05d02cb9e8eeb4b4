"""The routes of preview links: made by staff, opened by whoever holds one."""

from typing import Any

from flask import Response

from qe_ban.config import Settings
from qe_ban.db.engine import Database
from qe_ban.publishing.rules.filtering import filter_for_view
from qe_ban.publishing.rules.states import PageKind
from qe_ban.publishing.schemas import editing as schemas
from qe_ban.publishing.schemas import screens, views
from qe_ban.publishing.service import previews
from qe_ban.publishing.service.page_types import PageTypes
from qe_ban.web import guard, wire
from qe_ban.web.api import PREFIX, Blueprint
from qe_ban.web.parts import now, part


def add(blp: Blueprint, kind: PageKind) -> None:
    """Add the routes for a kind of pages."""

    @blp.route("/<slug>/preview", methods=["POST"], summary_zh="生成草稿的预览链接，到期失效")
    @guard.requires("pages.read")
    @blp.arguments(schemas.NewPreviewSchema)
    @blp.response(201, schemas.PreviewSchema)
    def make_preview(body: dict[str, Any], slug: str) -> tuple[dict[str, Any], dict[str, str]]:
        """A link that shows the draft to whoever holds it, until it expires."""
        with part(Database).transaction() as session:
            token, expires_at = previews.make(
                session, part(PageTypes), kind, slug, body["hours"], change=guard.change()
            )
        base = part(Settings).issuer.rstrip("/") + PREFIX + (blp.url_prefix or "")
        return {"url": f"{base}/{slug}/previews/{token}", "expires_at": expires_at}, {"Cache-Control": "no-store"}

    @blp.route("/<slug>/previews/<token>", methods=["GET"], summary_zh="按预览链接查看草稿的效果；不缓存、不收录")
    @guard.anyone
    @blp.query(views.ViewQuery)
    @blp.response(200, screens.PREVIEWS[kind])
    def get_preview(query: dict[str, Any], slug: str, token: str) -> Response:
        """The draft as it is now, as its page would look to a view; never stored, never indexed."""
        moment = now()
        with part(Database).transaction() as session:
            page = previews.look(session, part(PageTypes), kind, slug, token, moment)
        payload, _ = filter_for_view(page, views.view(query), moment)
        headers = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex"}
        return Response(wire.dumps(payload), 200, headers, content_type=wire.JSON)
