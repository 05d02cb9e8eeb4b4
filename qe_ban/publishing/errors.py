"""What can be refused about pages, their previews and pictures; qe_ban.reviewing has what any draft or version may."""

from qe_ban.kernel.errors import Conflict, Forbidden, Invalid, NotFound, Unavailable


class PageNotFound(NotFound):
    """The city has no such hall or zone, or nothing of it is in force."""

    code = "publishing.not_found"
    detail = "没有这个页面，或页面尚未发布"


class PreviewNotFound(NotFound):
    """No such preview link, or one that has expired: the two are not told apart."""

    code = "publishing.preview_not_found"
    detail = "预览链接不存在或已过期"


class OtherPlace(Forbidden):
    """The page belongs to another hall, district or zone than the caller's."""

    code = "publishing.other_place"
    detail = "这个页面不在您的管理范围内"


class PageInvalid(Invalid):
    """Something that a page says cannot be; `fields` names the places."""

    code = "publishing.invalid"
    detail = "页面内容有误"


class ReferencesBroken(Conflict):
    """The draft refers to what does not stand; `errors` names the places."""

    code = "publishing.references_broken"
    detail = "页面引用的内容已失效，请修改后再提交"


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
