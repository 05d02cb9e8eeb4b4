"""The wire shapes of places, their hours and coordinates."""

from collections.abc import Mapping
from typing import Any, Final

from marshmallow import fields as base

from qe_ban.halls.rules import hours
from qe_ban.halls.rules.distances import GCJ02, NEAR_PATTERN, WGS84
from qe_ban.halls.rules.places import DEGREES, FIELDS
from qe_ban.halls.rules.words import PLACE_KINDS, WEEKDAYS
from qe_ban.kernel import patterns
from qe_ban.web import fields
from qe_ban.web.paging import PageQuery, page_schema
from qe_ban.web.schema import messages
from qe_ban.web.shapes import input_field, output_field, shape

WORDS: Final = 40
"""The most characters of what is looked for."""

_SPANS: Final[dict[str, Any]] = {
    "title": "OpeningSpans",
    "type": "array",
    "maxItems": hours.MOST_SPANS,
    "items": {
        "type": "array",
        "minItems": 2,
        "maxItems": 2,
        "items": {"type": "string", "pattern": f"^(?:{hours.SPAN_PATTERN})$"},
    },
}
_DATE: Final = {"type": "string", "pattern": f"^(?:{hours.DATE_PATTERN})$"}
_HOURS: Final[dict[str, Any]] = {
    "title": "OpeningHours",
    "type": "object",
    "description": "开放时间，按青岛时间：mon 至 sun 各为时段列表，结束不晚于开始的时段延续至次日；"
    "closed 为不开放的日期，open 为另有时段的日期，always 为全天开放",
    "properties": dict.fromkeys(WEEKDAYS, _SPANS)
    | {
        "closed": {"type": "array", "maxItems": hours.MOST_DATES, "items": _DATE},
        "open": {"type": "object", "maxProperties": hours.MOST_DATES, "additionalProperties": _SPANS},
        "always": {"type": "boolean"},
    },
    "additionalProperties": False,
}


class Degrees(base.Float):
    """A coordinate: a JSON number; the rules of places say which ones there are."""

    default_error_messages = messages(invalid="须为数字")

    def __init__(self, greatest: int, **options: Any) -> None:
        super().__init__(**options, metadata={"minimum": -greatest, "maximum": greatest, "description": "WGS 84，度"})

    def _deserialize(self, value: Any, *_place: Any, **_options: Any) -> float:
        if type(value) not in (int, float):
            raise self.make_error("invalid")
        return float(value)


class Hours(base.Field[Any]):
    """Opening hours as JSON; the rules of hours say what they may be."""

    default_error_messages = messages(type="须为 JSON 对象")

    def __init__(self, **options: Any) -> None:
        super().__init__(**options, metadata=_HOURS)

    def _deserialize(self, value: Any, *_place: Any, **_options: Any) -> Mapping[str, Any]:
        if type(value) is not dict:
            raise self.make_error("type")
        return value


class HallPlacesQuery(PageQuery):
    """A page of a hall's places; with `near` (latitude, longitude) by distance.

    `near` is in WGS 84, as satellites give it; phones and maps in China often give GCJ-02: then say `near_crs=gcj02`.
    """

    kind = fields.Choice(list(PLACE_KINDS), name="PlaceKind", load_default=None)
    near = fields.Text(
        3, 24, NEAR_PATTERN, load_default=None, metadata={"description": "纬度,经度；坐标系见 near_crs，不填为 WGS 84"}
    )
    near_crs = fields.Choice(
        (WGS84, GCJ02),
        name="CoordinateSystem",
        load_default=WGS84,
        metadata={"description": "near 的坐标系：wgs84（卫星定位）或 gcj02（国内手机与地图常用）"},
    )
    q = fields.Text(1, WORDS, load_default=None)


class PlacesQuery(HallPlacesQuery):
    """A page of places: all, or those of a hall's district (`city`: the city's own)."""

    hall = fields.Text(1, 40, patterns.SLUG, load_default=None)


PutPlaceSchema = shape(
    "PutPlaceSchema",
    "The whole of what is said of a place.",
    {one.name: input_field(one) for one in FIELDS}
    | {name: Degrees(greatest, required=True) for name, greatest in DEGREES.items()}
    | {"hours": Hours(required=True)},
)


class PlaceCardSchema(
    shape(  # type: ignore[misc]
        "HallPlaceFieldsSchema",
        "What is said of a place.",
        {one.name: output_field(one) for one in FIELDS}
        | {name: Degrees(greatest, required=True) for name, greatest in DEGREES.items()}
        | {"hours": Hours(required=True)},
    )
):
    """A place as pages show it. `opens_at` or `closes_at`: when it opens or closes next."""

    slug = fields.Text(1, 40, patterns.SLUG, required=True)
    kind_name = fields.Text(1, 20, required=True)
    state_name = fields.Text(1, 20, required=True)
    district_name = fields.Text(1, 40, required=True, allow_none=True)
    open_now = fields.Flag(required=True)
    opens_at = fields.Moment(required=True, allow_none=True)
    closes_at = fields.Moment(required=True, allow_none=True)


class HallPlaceSchema(PlaceCardSchema):
    """A place. `opens_at` or `closes_at`: when it opens or closes next; `distance` in metres, only with `near`."""

    distance = fields.Whole(0, required=True, allow_none=True)
    updated_at = fields.Moment(required=True)


PlacePage = page_schema(HallPlaceSchema)
