"""What can be refused about venues and scanners."""

from qe_ban.kernel.errors import Conflict, Forbidden, Invalid, NotFound


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


class LabelRefused(Invalid):
    """A scanner's own label sounds like an authority's, and nobody who answers for the venue gave it."""

    code = "venues.label_refused"
    detail = "设备名称涉及国家机关，须由管理员在登记时写明并经另一人批准"


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


class VenueUnderReview(Conflict):
    """The venue's name sounds like an authority's, and nobody of the city has confirmed it yet."""

    code = "venues.under_review"
    detail = "场所名称涉及国家机关，须经市级另一名工作人员确认后，才能登记核验设备"


class NothingToConfirm(Conflict):
    """The venue's name needs no confirmation, or has it."""

    code = "venues.nothing_to_confirm"
    detail = "该场所没有待确认的名称"


class VenueInvolved(Forbidden):
    """Who made or named a venue does not confirm it."""

    code = "venues.involved"
    detail = "您设立或变更过该场所，须由市级另一名工作人员确认"


class CityOnly(Forbidden):
    """A name like an authority's is confirmed by the city's staff."""

    code = "venues.city_only"
    detail = "涉及国家机关的场所名称须由市级工作人员确认"


class VenueInUse(Conflict):
    """Scanners stand in the venue: they were let in under another name or scene."""

    code = "venues.in_use"
    detail = "场所仍有在用的核验设备，请先停用全部设备再变更"


class InvitationNotFound(NotFound):
    """No such invitation, or it is for a venue outside what the caller answers for."""

    code = "venues.invitation_not_found"
    detail = "没有这份设备登记申请"


class InvitationSettled(Conflict):
    """The invitation needs no approval, has it, or is over."""

    code = "venues.invitation_settled"
    detail = "这份设备登记申请无须批准、已经批准或已过期"


class OwnInvitation(Forbidden):
    """Whoever invites a scanner does not approve it."""

    code = "venues.own_invitation"
    detail = "须由提出人以外的另一人批准"
