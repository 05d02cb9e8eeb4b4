"""What can be refused about zones and the demands sent to them."""

from qe_ban.kernel.errors import Conflict, Forbidden, Invalid, NotFound, TooMany


class ZoneNotFound(NotFound):
    """No such zone, or it shows nothing now."""

    code = "zones.not_found"
    detail = "没有这个专区，或专区暂未开放"


class BlockNotFound(NotFound):
    """The page in force has no such block."""

    code = "zones.block_not_found"
    detail = "没有这个内容"


class ViewInvalid(Invalid):
    """The client says of itself what cannot be."""

    code = "zones.view_invalid"
    detail = "请求的参数有误"


class OtherZone(Forbidden):
    """The caller answers for another zone, or for none."""

    code = "zones.other_zone"
    detail = "不属于您负责的专区"


class DemandNotFound(NotFound):
    """No such demand, or it is not the caller's, or it was deleted with its zone."""

    code = "zones.demand_not_found"
    detail = "没有这条需求"


class DemandInvalid(Invalid):
    """What a firm sends cannot be; the fields say why."""

    code = "zones.demand_invalid"
    detail = "填写的内容有误，请核对"


class FormClosed(Conflict):
    """The form is not shown now: it was taken away, its time is over, or the zone has ended."""

    code = "zones.form_closed"
    detail = "没有这个需求表单，或者征集已结束、暂未开放"


class ConsentChanged(Conflict):
    """Since the form was opened, the text that the firm agrees to was changed."""

    code = "zones.consent_changed"
    detail = "授权说明已更新，请重新阅读并同意后提交"


class TooManyDemands(TooMany):
    """As many demands as a day allows were sent already."""

    code = "zones.too_many_demands"
    detail = "今日提交的需求已达上限，请明天再试"


class StepNotAllowed(Conflict):
    """The demand's state does not allow this step."""

    code = "zones.step_not_allowed"
    detail = "需求当前状态不能进行此操作"


class EndInvalid(Invalid):
    """An end that is past or far off, or a deletion that was not confirmed."""

    code = "zones.end_invalid"
    detail = "结束专区的内容有误"


class ZoneEnded(Conflict):
    """The zone has ended already."""

    code = "zones.ended"
    detail = "专区已结束"


class ZoneNotEnded(Conflict):
    """There is no end to take back."""

    code = "zones.not_ended"
    detail = "专区没有结束，也没有计划结束"


class DataDeleted(Conflict):
    """The deletion of the zone's data is due or done: it cannot be taken back."""

    code = "zones.data_deleted"
    detail = "专区数据已到期删除，不能恢复"
