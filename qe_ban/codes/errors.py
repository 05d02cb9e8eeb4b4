"""What the wallet refuses with; a refused code is a verdict and never one of these."""

from qe_ban.kernel.errors import AuthenticationRequired, Conflict, Forbidden, NotFound, Unavailable


class KindNotFound(NotFound):
    """The city has no kind of this name."""

    code = "codes.unknown_kind"
    detail = "没有这个码种"


class EntitlementNotFound(NotFound):
    """The resident does not hold this kind: the real name is not verified yet."""

    code = "codes.no_entitlement"
    detail = "您尚未开通此码，请先完成实名认证"


class CodeRefused(Conflict):
    """This one kind cannot be issued; `reason` is the state's."""

    code = "codes.not_issued"
    detail = "此码当前不可用"


class ScanIdReused(Conflict):
    """The scanner used this scan_id before, with another code, purpose or document."""

    code = "codes.scan_id_reused"
    detail = "核验编号已用于另一次核验，请更换编号后重试"


class ScanNotFound(NotFound):
    """No scan of the resident has this id: it never was, is forgotten by now, or is another's."""

    code = "codes.scan_not_found"
    detail = "没有这条用码记录"


class DisputeExists(Conflict):
    """This scan was disputed before."""

    code = "codes.dispute_exists"
    detail = "这条用码记录已提出过异议"


class DisputeNotFound(NotFound):
    """No such dispute, or one of a district that the caller does not answer for."""

    code = "codes.dispute_not_found"
    detail = "没有这条异议"


class DisputeAnswered(Conflict):
    """The dispute was answered before."""

    code = "codes.dispute_answered"
    detail = "此异议已经答复"


class DisputeInvolved(Forbidden):
    """Who had a part in the venue or its scanners, or answered before, does not judge the complaint."""

    code = "codes.dispute_involved"
    detail = "您设立或变更过该场所、登记或批准过其核验设备，或已答复过此异议，须由他人答复"


class AppealForCity(Forbidden):
    """An appeal is answered by the city's staff."""

    code = "codes.appeal_for_city"
    detail = "申诉须由市级工作人员答复"


class NothingToAppeal(Conflict):
    """The dispute is not answered yet, or was upheld."""

    code = "codes.nothing_to_appeal"
    detail = "只有答复为不成立的异议可以申诉"


class AppealExists(Conflict):
    """The dispute was appealed before."""

    code = "codes.appeal_exists"
    detail = "此异议已申诉过一次，不能再次申诉"


class AppealLate(Conflict):
    """The time for an appeal is over."""

    code = "codes.appeal_late"
    detail = "申诉须在收到答复后30日内提出，现已逾期"


class AppealAnswered(Conflict):
    """There is no appeal that waits for an answer."""

    code = "codes.appeal_answered"
    detail = "此异议没有待答复的申诉"


class ScannerUnknown(AuthenticationRequired):
    """The scanner was revoked while its token still ran."""

    code = "codes.scanner_revoked"
    detail = "核验终端已停用"


class UseContention(Unavailable):
    """So many scans want the same use at this instant that this one found no turn."""

    code = "codes.contended"
    detail = "同一码正在被多处核验，请重试"
