"""Why something about a resident's account is refused."""

from qe_ban.kernel.errors import Conflict, Invalid, NotFound, Unavailable


class RealNameRequired(Conflict):
    """The face check compares with the register, and this account has no real name yet."""

    code = "accounts.real_name_required"
    detail = "请先完成实名认证"


class IdentifierRefused(Invalid):
    """A phone or document number that cannot be one."""

    code = "accounts.identifier_invalid"
    detail = "号码格式有误"


class RealNameUnconfirmed(Invalid):
    """The register does not confirm that name, number and phone belong together; which does not fit is not told."""

    code = "accounts.real_name_unconfirmed"
    detail = "姓名、证件号码与本人手机号码未能核验一致，请核对后重试"


class RealNameFixed(Conflict):
    """The account is bound to another identity already."""

    code = "accounts.real_name_fixed"
    detail = "本账号已完成实名认证，不能更换为其他身份"


class RecoveryOpened(Conflict):
    """Another account holds this number; a recovery case is open and the holder was told."""

    code = "accounts.recovery_opened"
    detail = "该证件号码已被其他账号认证，已登记账号找回并通知原账号，请携带证件到政务服务窗口办理"


class ResidentNotFound(NotFound):
    """No resident's account has this phone or number."""

    code = "accounts.resident_not_found"
    detail = "没有找到该居民的账号"


class PurposeNotFound(NotFound):
    """The city has no such purpose."""

    code = "accounts.purpose_not_found"
    detail = "没有这个核验用途"


class ConsentNotNeeded(Conflict):
    """The purpose does not rest on consent: there is nothing to grant."""

    code = "accounts.consent_not_needed"
    detail = "该用途不以个人同意为依据，无需授权"


class OutsideUnavailable(Unavailable):
    """The register, the face check or the message gateway does not answer, or not as agreed."""

    code = "accounts.outside_unavailable"
    detail = "核验服务暂时不可用，请稍后重试"
