"""The routes that tell what was published of a page, how versions differ, and what has broken since."""

from typing import Any, Final

from qe_ban.db.engine import Database
from qe_ban.keys.rings import KeyRings
from qe_ban.publishing.rules.states import PageKind
from qe_ban.publishing.schemas import editing as schemas
from qe_ban.publishing.service import findings, history
from qe_ban.publishing.service.page_documents import PAGES
from qe_ban.publishing.service.page_types import PageTypes
from qe_ban.reviewing.rules.states import VERSION_STATE_NAMES
from qe_ban.reviewing.service import reasons
from qe_ban.reviewing.service.history import Version
from qe_ban.web import guard, paging
from qe_ban.web.api import Blueprint
from qe_ban.web.paging import PageQuery
from qe_ban.web.parts import now, part

_NUMBER: Final = "int(max=2147483647)"


def add(blp: Blueprint, kind: PageKind) -> None:
    """Add the routes for a kind of pages."""
    _add_versions(blp, kind)

    @blp.route(
        f"/<slug>/versions/<{_NUMBER}:before>/diff/<{_NUMBER}:after>",
        methods=["GET"],
        summary_zh="两个版本之间的差异；0 为草稿",
    )
    @guard.requires("pages.read")
    @blp.response(200, schemas.DifferenceSchema)
    def get_difference(slug: str, before: int, after: int) -> dict[str, Any]:
        """How one version differs from another, told for people; 0 is the draft."""
        with part(Database).transaction() as session:
            changes = history.compare(session, part(PageTypes), kind, slug, before, after, reader=guard.principal())
        return {"before": before, "after": after, "changes": changes}

    @blp.route("/<slug>/findings", methods=["GET"], summary_zh="页面上现存的问题（如失效的链接），修好后自动消失")
    @guard.requires("pages.read")
    @blp.response(200, schemas.FindingsSchema)
    def list_findings(slug: str) -> dict[str, Any]:
        """What the worker found broken of the page as it is shown; gone when it is mended."""
        with part(Database).transaction() as session:
            rows = findings.list_findings(session, part(PageTypes), kind, slug, reader=guard.principal())
        names = ("place", "reference", "key", "message", "found_at")
        items = [{name: getattr(row, name) for name in names} | {"version": row.number} for row in rows]
        return {"items": items, "next": None}


def _add_versions(blp: Blueprint, kind: PageKind) -> None:
    @blp.route("/<slug>/versions", methods=["GET"], summary_zh="页面的全部版本，新的在前：何人何时所作、现处何状态")
    @guard.requires("pages.read")
    @blp.query(PageQuery)
    @blp.response(200, schemas.VersionPageSchema)
    def list_versions(query: dict[str, Any], slug: str) -> dict[str, Any]:
        """All versions of a page, newest first: who made them, when, and where each stands now."""
        before = paging.decode(query["cursor"], int)[0] if query["cursor"] is not None else None
        if before is not None and not 0 < before <= schemas.GREATEST:
            raise paging.BadCursor
        limit, reader = query["limit"], guard.principal()
        with part(Database).transaction() as session:
            versions = history.list_versions(
                session, part(PageTypes), kind, slug, before=before, limit=limit + 1, reader=reader, now=now()
            )
        return paging.page([_dump_version(version) for version in versions], limit, lambda row: [row["version"]])

    @blp.route(f"/<slug>/versions/<{_NUMBER}:number>", methods=["GET"], summary_zh="查看一个版本及其内容")
    @guard.requires("pages.read")
    @blp.response(200, schemas.PageVersionSchema)
    def get_version(slug: str, number: int) -> dict[str, Any]:
        """One version with what it says."""
        with part(Database).transaction() as session:
            version = history.read_version(
                session, part(PageTypes), kind, slug, number, reader=guard.principal(), now=now()
            )
        return _dump_version(version) | {"content": version.row.content}


def _dump_version(version: Version) -> dict[str, Any]:
    row, withdrawal = version.row, version.withdrawal
    names = ("starts_at", "ends_at", "editors", "approved_by", "published_by", "published_at", "rollback_of")
    return {name: getattr(row, name) for name in names} | {
        "version": row.number,
        "state": version.state,
        "state_name": VERSION_STATE_NAMES[version.state],
        "withdrawn_by": withdrawal.by if withdrawal else None,
        "withdrawn_at": withdrawal.at if withdrawal else None,
        "withdrawal_reason": reasons.read_withdrawal(part(KeyRings), PAGES, withdrawal) if withdrawal else None,
    }
