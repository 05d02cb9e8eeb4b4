"""What can be refused about venues and scanners."""

from qe_ban.kernel.errors import Forbidden, Invalid, NotFound


class VenueNotFound(NotFound):
    """No such venue, or it lies outside what the caller answers for."""

    code = "venues.not_found"
    detail = "没有这个场所"


class ScannerNotFound(NotFound):
    """No such scanner, or it stands outside what the caller answers for."""

    code = "venues.scanner_not_found"
    detail = "没有这台核验设备"


class OtherDistrict(Forbidden):
    """A venue may be made in the caller's own district only."""

    code = "forbidden"
    detail = "只能管理本区的场所"


class VenueInvalid(Invalid):
    """The district or the scene is none of this city's."""

    code = "venues.invalid"
    detail = "场所信息有误"


class PurposesInvalid(Invalid):
    """A purpose that the city or the venue's scene does not have, or none at all, or one named twice."""

    code = "venues.purposes_invalid"
    detail = "核验用途有误"


class EnrolmentCodeInvalid(Invalid):
    """The code never was, was used or is over: which of them is not told to those who guess."""

    code = "venues.enrolment_code_invalid"
    detail = "登记码无效：可能有误、已使用或已过期，请向区管理员索取新的登记码"
