"""The kinds of pages, and where a page's draft stands."""

from enum import StrEnum


class PageKind(StrEnum):
    """What a page belongs to."""

    HALL = "hall"
    ZONE = "zone"


class PageState(StrEnum):
    """Where a draft stands: being written, waiting for review, judged, or the same as the newest version."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    APPROVED = "approved"
    REJECTED = "rejected"
    PUBLISHED = "published"


STATE_NAMES = {
    PageState.DRAFT: "编辑中",
    PageState.SUBMITTED: "待审核",
    PageState.APPROVED: "已通过",
    PageState.REJECTED: "已退回",
    PageState.PUBLISHED: "已发布",
}


class VersionState(StrEnum):
    """Where a version stands at a moment. What was replaced is shown again when what replaced it ends."""

    SCHEDULED = "scheduled"
    IN_FORCE = "in_force"
    REPLACED = "replaced"
    ENDED = "ended"
    WITHDRAWN = "withdrawn"


VERSION_STATE_NAMES = {
    VersionState.SCHEDULED: "待生效",
    VersionState.IN_FORCE: "生效中",
    VersionState.REPLACED: "已被替换",
    VersionState.ENDED: "已结束",
    VersionState.WITHDRAWN: "已撤下",
}
