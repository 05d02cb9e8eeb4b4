"""The wire shapes of what zones show: the list, a screen, and searchable lists of a page's rows."""

from typing import Any, Final

from qe_ban.publishing.rules.blocks.words import AGE_MODES, AUDIENCES, EVENT_STATES, INDUSTRIES, SIZES
from qe_ban.web import fields
from qe_ban.web.paging import PageQuery
from qe_ban.web.schema import Schema
from qe_ban.web.shapes import COLOUR_PATTERN, DISTRICT_PATTERN
from qe_ban.zones.rules.showing import ZoneState

QUERY: Final = 100
SLUG: Final = 40


class ViewQuery(Schema):
    """How a client looks: it chooses what is shown and protects nothing."""

    district = fields.Text(6, 6, DISTRICT_PATTERN, load_default=None, metadata={"description": "区划代码（GB/T 2260）"})
    real_name = fields.Flag(load_default=False)
    age_mode = fields.Choice(AGE_MODES, load_default="standard")
    audience = fields.Choice(AUDIENCES, load_default="person")


class ListQuery(PageQuery, ViewQuery):
    """What is searched for: every word must occur."""

    q = fields.Text(0, QUERY, load_default=None)


class SolutionsQuery(ListQuery):
    """Solutions, or cases, of an industry."""

    industry = fields.Choice(INDUSTRIES, load_default=None)


class PoliciesQuery(SolutionsQuery):
    """Policies for an industry and a size of firm."""

    size = fields.Choice(SIZES, load_default=None)


class EventsQuery(PageQuery, ViewQuery):
    """Events in a state."""

    state = fields.Choice(EVENT_STATES, load_default=None)


class ZoneThemeSchema(Schema):
    """Colours; `on_primary` is what letters on the primary colour have."""

    primary = fields.Text(7, 7, COLOUR_PATTERN, required=True)
    background = fields.Text(7, 7, COLOUR_PATTERN, required=True)
    on_primary = fields.Text(7, 7, COLOUR_PATTERN, required=True)


class ZoneOverviewSchema(Schema):
    """A zone of the list; `opens_at` of one that is coming, `ended_at` of one that has ended."""

    slug = fields.Text(1, SLUG, required=True)
    name = fields.Text(1, SLUG, required=True)
    title = fields.Text(1, SLUG, required=True)
    summary = fields.Text(1, 200, required=True, allow_none=True)
    theme = fields.Nested(ZoneThemeSchema, required=True)
    banner = fields.Anything(required=True, allow_none=True)
    audiences = fields.Many(fields.Choice(AUDIENCES), required=True)
    state = fields.Choice(ZoneState, required=True)
    state_name = fields.Text(1, SLUG, required=True)
    opens_at = fields.Moment(required=True, allow_none=True)
    ended_at = fields.Moment(required=True, allow_none=True)


class ZoneOverviewsSchema(Schema):
    """All zones of the city, in its order."""

    items = fields.Many(fields.Nested(ZoneOverviewSchema), required=True)
    next = fields.Text(max=1024, allow_none=True, required=True)


_ROW: Final[dict[str, Any]] = {"type": "object", "required": ["block"], "properties": {"block": {"type": "string"}}}
_CHOICE: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["value", "name", "count"],
    "properties": {"value": {"type": "string"}, "name": {"type": "string"}, "count": {"type": "integer"}},
}
BLOCK: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["id", "type", "heading"],
    "properties": {"id": {"type": "string"}, "type": {"type": "string"}, "heading": {"type": ["string", "null"]}},
}
"""A block: besides these the fields of its type."""

_SCREEN: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "kind": {"const": "zone"},
        "slug": {"type": "string"},
        "name": {"type": "string"},
        "title": {"type": "string"},
        "summary": {"type": ["string", "null"]},
        "theme": {"type": "object"},
        "banner": {"type": ["object", "null"]},
        "audiences": {"type": "array", "items": {"enum": list(AUDIENCES)}},
        "version": {"type": "integer"},
        "updated_at": {"type": "string", "format": "date-time"},
        "blocks": {"type": "array", "items": BLOCK},
        "notices": {"type": "array", "items": {"type": "object"}},
    },
}
SCREEN: Final = _SCREEN | {"required": list(_SCREEN["properties"])}
"""One call is one screen."""


def page_of_rows(*facets: str) -> dict[str, Any]:
    """Describe a page of rows; `facets`: by which filters there are counts."""
    shape: dict[str, Any] = {
        "type": "object",
        "required": ["items", "next", "total"],
        "properties": {
            "items": {"type": "array", "items": _ROW},
            "next": {"type": ["string", "null"]},
            "total": {"type": "integer"},
        },
    }
    if facets:
        counted = {name: {"type": "array", "items": _CHOICE} for name in facets}
        shape["required"].append("facets")
        shape["properties"]["facets"] = {"type": "object", "required": list(facets), "properties": counted}
    return shape
