"""What is refused of levels of health codes, each with a stable code."""

from qe_ban.kernel.errors import Conflict, Forbidden, Invalid, NotFound


class ChangeInvalid(Invalid):
    """The proposed change cannot be made; `fields` says why. `unknown` and `duplicates` are ids of residents."""

    code = "health.change_invalid"
    detail = "健康码等级变更的内容有误"


class SourceDecides(Conflict):
    """An outside source says this city's levels: only that source changes them."""

    code = "health.source_decides"
    detail = "健康码等级由外部数据源给出，请由数据源更正"


class ChangePending(Conflict):
    """For these residents another change waits for approval; `residents` are their ids."""

    code = "health.change_pending"
    detail = "名单中有人已有待审批的等级变更"


class ChangeNotFound(NotFound):
    """No such change."""

    code = "health.change_not_found"
    detail = "没有这项等级变更"


class ChangeDecided(Conflict):
    """The change was approved, rejected, withdrawn, or nobody approved it within a day."""

    code = "health.change_decided"
    detail = "此项等级变更已经办结或已超过审批时限"


class ChangeOver(Conflict):
    """The change would end before it begins."""

    code = "health.change_over"
    detail = "此项等级变更的截止时间已过，请重新提出"


class CountMismatch(Conflict):
    """The number that the approver states is not the number of residents whom the change concerns; `number` is."""

    code = "health.count_mismatch"
    detail = "所填人数与此项变更涉及的人数不符，请重新核对"


class NotOwnChange(Forbidden):
    """Only who proposed a change withdraws it; another person rejects it."""

    code = "health.not_own_change"
    detail = "只有提出人可以撤回，其他人请驳回"


class OwnChange(Forbidden):
    """Who proposed a change decides nothing about it."""

    code = "health.own_change"
    detail = "不能审批或驳回本人提出的等级变更"


class CorrectionNotFound(NotFound):
    """No such request for correction."""

    code = "health.correction_not_found"
    detail = "没有这项纠错申请"


class CorrectionExists(Conflict):
    """The resident asks for a correction already, and is not answered yet."""

    code = "health.correction_exists"
    detail = "您已有待答复的纠错申请"


class CorrectionAnswered(Conflict):
    """The request was answered before."""

    code = "health.correction_answered"
    detail = "此纠错申请已经答复"


class NotIndependent(Forbidden):
    """Who proposed or approved a level does not judge the request to correct it."""

    code = "health.not_independent"
    detail = "提出或批准该等级的人不能答复其纠错申请"


class LevelStands(Conflict):
    """A request is not answered as corrected while the level is still the one that is contested."""

    code = "health.level_stands"
    detail = "等级尚未改变：请先由两人变更等级，或由数据源更正，再答复为已更正"


class LevelUnknown(Conflict):
    """There is no level that could be corrected: the source never told one."""

    code = "health.level_unknown"
    detail = "目前没有可供更正的健康码等级"
