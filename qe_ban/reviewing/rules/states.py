"""The states of drafts and of versions."""

from datetime import datetime
from enum import StrEnum

from qe_ban.reviewing.rules.versions import VersionPeriod


class DraftState(StrEnum):
    """The state of a draft: being written, waiting for review, reviewed, or the same as the newest version."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    APPROVED = "approved"
    REJECTED = "rejected"
    PUBLISHED = "published"


DRAFT_STATE_NAMES = {
    DraftState.DRAFT: "编辑中",
    DraftState.SUBMITTED: "待审核",
    DraftState.APPROVED: "已通过",
    DraftState.REJECTED: "已退回",
    DraftState.PUBLISHED: "已发布",
}


class VersionState(StrEnum):
    """The state of a version at a moment. What was replaced is in force again when what replaced it ends."""

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


def state_of_version(
    period: VersionPeriod, *, number_in_force: int | None, document_ends_at: datetime | None, now: datetime
) -> VersionState:
    """Return the state of a version of a document that ends at a moment, or never."""
    if period.withdrawn:
        return VersionState.WITHDRAWN
    if period.number == number_in_force:
        return VersionState.IN_FORCE
    if period.starts_at > now and (document_ends_at is None or period.starts_at < document_ends_at):
        return VersionState.SCHEDULED
    is_over = document_ends_at is not None and document_ends_at <= now
    if is_over or period.starts_at > now or (period.ends_at is not None and period.ends_at <= now):
        return VersionState.ENDED
    return VersionState.REPLACED
