"""What can be refused about halls, local apps and places."""

from qe_ban.kernel.errors import Conflict, Forbidden, Invalid, NotFound


class HallNotFound(NotFound):
    """The city has no such hall."""

    code = "halls.not_found"
    detail = "没有这个分厅"


class HallUnknown(Invalid):
    """What was asked for names a hall that the city does not have."""

    code = "halls.hall_unknown"
    detail = "没有这个区市分厅"

    def __init__(self) -> None:
        super().__init__(fields={"hall": self.detail})


class OtherPlace(Forbidden):
    """The app or place belongs to a district that the caller does not answer for."""

    code = "halls.other_place"
    detail = "只能管理本区市的应用和网点"


class AppNotFound(NotFound):
    """No such local app."""

    code = "halls.app_not_found"
    detail = "没有这个应用"


class AppInvalid(Invalid):
    """Something that is said of a local app cannot be; `fields` names the places."""

    code = "halls.app_invalid"
    detail = "应用信息有误"


class PlaceNotFound(NotFound):
    """No such place."""

    code = "halls.place_not_found"
    detail = "没有这个网点"


class PlaceInvalid(Invalid):
    """Something that is said of a place cannot be; `fields` names the places of the faults."""

    code = "halls.place_invalid"
    detail = "网点信息有误"


class NearInvalid(Invalid):
    """A point that is none on the earth, or that programs tell where they know of none."""

    code = "halls.near_invalid"
    detail = "位置须为“纬度,经度”，最多六位小数"

    def __init__(self, detail: str | None = None) -> None:
        super().__init__(detail, fields={"near": detail or self.detail})


class BlockNotFound(NotFound):
    """The hall shows no such block to this view."""

    code = "halls.block_not_found"
    detail = "没有这个内容"


class ViewInvalid(Invalid):
    """The client says of itself what cannot be."""

    code = "halls.view_invalid"
    detail = "请求的参数有误"


class ItemNotFound(NotFound):
    """No office does such an item now."""

    code = "halls.item_not_found"
    detail = "没有这个事项，或者已经终止"


class TooManyFollowed(Conflict):
    """So many halls are followed already."""

    code = "halls.too_many_followed"
    detail = "关注的分厅已满，请先取消一些"


class TooManyFavourites(Conflict):
    """So many items are kept already."""

    code = "halls.too_many_favourites"
    detail = "收藏的事项已满，请先取消一些"
