"""What can be refused about pages, their drafts, versions and previews."""

from qe_ban.kernel.errors import Conflict, Forbidden, Invalid, NotFound, Unavailable


class PageNotFound(NotFound):
    """The city has no such hall or zone, or nothing of it is in force."""

    code = "publishing.not_found"
    detail = "没有这个页面，或页面尚未发布"


class VersionNotFound(NotFound):
    """The page has no such version."""

    code = "publishing.version_not_found"
    detail = "没有这个版本"


class PreviewNotFound(NotFound):
    """No such preview link, or one that has expired: the two are not told apart."""

    code = "publishing.preview_not_found"
    detail = "预览链接不存在或已过期"


class OtherPlace(Forbidden):
    """The page belongs to another hall, district or zone than the caller's."""

    code = "publishing.other_place"
    detail = "这个页面不在您的管理范围内"


class OwnDraft(Forbidden):
    """Whoever had a hand in a draft does not judge it."""

    code = "publishing.own_draft"
    detail = "不能审核自己编辑过的草稿，请由其他人审核"


class WithdrawalRefused(Forbidden):
    """Only the city's administrators withdraw what has begun."""

    code = "publishing.withdrawal_refused"
    detail = "已生效的版本只能由市级管理员撤下"


class PageInvalid(Invalid):
    """Something that a page says cannot be; `fields` names the places."""

    code = "publishing.invalid"
    detail = "页面内容有误"


class ScheduleInvalid(Invalid):
    """A publication's times contradict each other or the clock."""

    code = "publishing.schedule_invalid"
    detail = "发布时间有误"


class WrongState(Conflict):
    """The draft does not stand where this can be done to it; `state` tells where it stands."""

    code = "publishing.wrong_state"
    detail = "草稿当前的状态不允许此操作"


class ReferencesBroken(Conflict):
    """The draft refers to what does not stand; `errors` names the places."""

    code = "publishing.references_broken"
    detail = "页面引用的内容已失效，请修改后再提交"


class DraftOutdated(Conflict):
    """A newer version was published since the draft was last saved."""

    code = "publishing.draft_outdated"
    detail = "草稿保存之后页面又有新版本发布，请在最新版本的基础上重新保存并提交审核"


class ApprovalLapsed(Conflict):
    """The reviewer may no longer review this page: the draft waits for review again."""

    code = "publishing.approval_lapsed"
    detail = "审核人已停用或不再负责此页面，原审核失效，草稿已退回待审核"


class PageEnded(Conflict):
    """The page has ended: nothing of it is published any more."""

    code = "publishing.page_ended"
    detail = "这个页面已经结束，不能再发布"


class LaterUndecided(Conflict):
    """Versions are waiting that this step concerns; `later` names them, and what becomes of them must be said."""

    code = "publishing.later_undecided"
    detail = "另有待生效的版本，请用 later 说明如何处理"


class SaveNotFound(NotFound):
    """The page has no such earlier draft, or it is kept no longer."""

    code = "publishing.save_not_found"
    detail = "没有这次保存的草稿，或已超过保留期限"


class AlreadyWithdrawn(Conflict):
    """The version is withdrawn."""

    code = "publishing.already_withdrawn"
    detail = "这个版本已经撤下"


class NotAPicture(Invalid):
    """A file that is no JPEG, PNG or WebP picture that can be kept; the message says why."""

    code = "media.not_a_picture"
    detail = "文件不是可用的图片，请上传 JPEG、PNG 或 WebP 图片"


class PictureNotFound(NotFound):
    """There is no such picture, or it has no such size."""

    code = "media.not_found"
    detail = "没有这张图片"


class PicturesBusy(Unavailable):
    """This process is at work on another picture, and has been for long: each takes much memory."""

    code = "media.busy"
    detail = "图片处理繁忙，请稍后重试"


class StoreAway(Unavailable):
    """The store of pictures cannot be read or written."""

    code = "media.store_away"
    detail = "图片存储暂时不可用，请稍后重试"
