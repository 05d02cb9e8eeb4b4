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
    has_begun = period.starts_at <= now
    if not has_begun and (document_ends_at is None or period.starts_at < document_ends_at):
        return VersionState.SCHEDULED
    if not has_begun or _is_past(document_ends_at, now) or _is_past(period.ends_at, now):
        return VersionState.ENDED
    return VersionState.REPLACED


def _is_past(moment: datetime | None, now: datetime) -> bool:
    return moment is not None and moment <= now
