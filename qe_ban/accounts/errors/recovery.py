"""Why an account cannot be recovered or closed, or a consent not taken back."""

from qe_ban.kernel.errors import Conflict, Invalid, NotFound, Unavailable


class ConsentNotFound(NotFound):
    """The resident was never asked for this consent and never gave it."""

    code = "accounts.consent_not_found"
    detail = "没有这项授权"


class RecoveryCaseNotFound(NotFound):
    """No recovery case has this id."""

    code = "accounts.recovery_case_not_found"
    detail = "没有这个账号找回案件"


class RecoveryCaseExists(Conflict):
    """A case of this kind is open for the resident; `case` is its id."""

    code = "accounts.recovery_case_exists"
    detail = "该居民已有同类账号找回案件在办，请办理原案件"


class RecoveryCaseOver(Conflict):
    """The case was settled or rejected before."""

    code = "accounts.recovery_case_over"
    detail = "该账号找回案件已办结"


class RecoveryCaseStale(Conflict):
    """What the case rests on is no longer so: it can only be rejected."""

    code = "accounts.recovery_case_stale"
    detail = "账号情况在立案后已变化，本案不能再按此办结，请驳回后重新立案"


class RecoveryTooEarly(Conflict):
    """The account is signed in to, so its holder has time to object; until `earliest_settlement_at`."""

    code = "accounts.recovery_too_early"
    detail = "该账号的手机仍在登录使用，须等待本人提出反对的期限届满后才能办结"


class RecoveryInvalid(Invalid):
    """A recovery case cannot be opened or decided so; `fields` say why."""

    code = "accounts.recovery_invalid"
    detail = "账号找回信息有误"


class PhoneTaken(Conflict):
    """The new phone is that of another person whose name is confirmed."""

    code = "accounts.phone_taken"
    detail = "新手机号码已被其他实名账号使用，请先核实"


class PhoneUnsettled(Unavailable):
    """The phone moves from account to account at this moment."""

    code = "accounts.phone_unsettled"
    detail = "该手机号码的账号正在变更，请稍后重试"


class AccountIsYours(Conflict):
    """Nobody else's name is bound to this account, or the caller has shown to be its holder."""

    code = "accounts.account_is_yours"
    detail = "本账号没有他人的实名信息，或您已通过人脸核验，无需申报"


class ClosingUnsettled(Unavailable):
    """Something of the account is written again and again at this moment; nothing is deleted."""

    code = "accounts.closing_unsettled"
    detail = "账号仍有业务在办理中，未注销，请稍后重试"


class ClosingNotFound(NotFound):
    """No closing has this id."""

    code = "accounts.closing_not_found"
    detail = "没有这份注销证明，请核对编号"


class ClosingInvalid(Invalid):
    """An account is closed only by an express word."""

    code = "accounts.closing_invalid"
    detail = "请确认注销账号"
