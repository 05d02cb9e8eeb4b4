"""What can be refused about drafts under review and about versions.

The codes begin with `publishing`, where they first stood: clients know them by these names.
"""

from qe_ban.kernel.errors import Conflict, Forbidden, Invalid, NotFound


class VersionNotFound(NotFound):
    """The document has no such version."""

    code = "publishing.version_not_found"
    detail = "没有这个版本"


class SaveNotFound(NotFound):
    """The document has no such earlier draft, or it is kept no longer."""

    code = "publishing.save_not_found"
    detail = "没有这次保存的草稿，或已超过保留期限"


class OwnDraft(Forbidden):
    """Whoever had a hand in a draft does not review it."""

    code = "publishing.own_draft"
    detail = "不能审核自己编辑过的草稿，请由其他人审核"


class WithdrawalRefused(Forbidden):
    """What has begun only holders of the scope `withdraw` withdraw."""

    code = "publishing.withdrawal_refused"
    detail = "已生效的版本只能由市级管理员撤下"


class ScheduleInvalid(Invalid):
    """A publication's times contradict each other or the clock."""

    code = "publishing.schedule_invalid"
    detail = "发布时间有误"


class WrongState(Conflict):
    """The draft's state does not allow the step; `state` is its state."""

    code = "publishing.wrong_state"
    detail = "草稿当前的状态不允许此操作"


class DraftOutdated(Conflict):
    """A newer version was published since the draft was last saved."""

    code = "publishing.draft_outdated"
    detail = "草稿保存之后又有新版本发布，请在最新版本的基础上重新保存并提交审核"


class ApprovalLapsed(Conflict):
    """The reviewer may no longer review this document: the draft waits for review again."""

    code = "publishing.approval_lapsed"
    detail = "审核人已停用或不再负责，原审核失效，草稿已退回待审核"


class DocumentEnded(Conflict):
    """The document has ended: no version of it is published any more."""

    code = "publishing.page_ended"
    detail = "已经结束，不能再发布"


class LaterUndecided(Conflict):
    """The step affects scheduled versions; `later` names them, and the caller must say what becomes of them."""

    code = "publishing.later_undecided"
    detail = "另有待生效的版本，请用 later 说明如何处理"


class AlreadyWithdrawn(Conflict):
    """The version is withdrawn."""

    code = "publishing.already_withdrawn"
    detail = "这个版本已经撤下"
