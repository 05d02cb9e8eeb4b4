"""Why somebody does not act for another."""

from qe_ban.kernel.errors import Conflict, Invalid, NotFound


class WardNotFound(NotFound):
    """The caller acts for nobody by this id: never did, not yet, or no longer."""

    code = "accounts.ward_not_found"
    detail = "没有这个被监护人，或监护关系尚未生效、已经终止"


class GuardianshipNotFound(NotFound):
    """There is no guardianship by this id, or it is not the caller's."""

    code = "accounts.guardianship_not_found"
    detail = "没有这个监护或代办关系"


class WardInvalid(Invalid):
    """One cannot act for this person so; `fields` names what is at fault."""

    code = "accounts.ward_invalid"
    detail = "监护或代办信息有误"


class WardExists(Conflict):
    """The caller acts for this person already, or has asked to."""

    code = "accounts.ward_exists"
    detail = "您已是此人的监护人或代办人，或已提出申请"


class WardDeclined(Conflict):
    """The person declined the same wish of the caller's within the last thirty days."""

    code = "accounts.ward_declined"
    detail = "此前的同样申请未被同意，30天内不能再次提出"


class TooManyWards(Conflict):
    """Nobody acts for more people than `most`, those asked for counted."""

    code = "accounts.too_many_wards"
    detail = "监护和代办的人数已达上限"


class GuardianTooYoung(Conflict):
    """Whoever is not of age acts for nobody."""

    code = "accounts.guardian_too_young"
    detail = "未满18周岁不能担任监护人或代办人"


class GuardianshipSettled(Conflict):
    """It does not wait to be confirmed: it is in force, ended, or nobody confirmed it in time; or it has ended."""

    code = "accounts.guardianship_settled"
    detail = "该关系已确认、已终止或已过期"


class WindowNeeded(Conflict):
    """It rests on custody or a court's order, not on the ward's word: a window confirms and ends it."""

    code = "accounts.window_needed"
    detail = "该关系依据法定监护或法院文书，请携带材料到政务服务窗口办理"


class ClosingNotYours(Conflict):
    """Whoever acts on the ward's own word does not close the ward's account."""

    code = "accounts.closing_not_yours"
    detail = "受委托的代办人不能申请注销他人账号，请由本人办理，或到政务服务窗口办理"


class ClosingNotAsked(NotFound):
    """Nobody asked for this account to be closed, or it was stopped or done."""

    code = "accounts.closing_not_asked"
    detail = "没有待生效的注销申请"


class WardDecided(Conflict):
    """The ward, who has a phone of the own, decided this; no guardian undoes it."""

    code = "accounts.ward_decided"
    detail = "此项已由本人决定，本人有自己的手机，监护人或代办人不能更改"


class AccountJoined(Conflict):
    """The caller had an account without a phone: it has the phone now, and the one of the phone is closed."""

    code = "accounts.account_joined"
    detail = "您的账号此前已由监护人或窗口建立，现已绑定本手机号，请重新登录"
