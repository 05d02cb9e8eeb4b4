"""The wire shapes of what halls show: the list, a screen, one block."""

from typing import Any, Final

from qe_ban.publishing.rules.blocks.words import AGE_MODES, AUDIENCES
from qe_ban.web import fields
from qe_ban.web.schema import Schema
from qe_ban.web.shapes import COLOUR_PATTERN, DISTRICT_PATTERN, SLUG_PATTERN

NAME: Final = 40


class HallViewQuery(Schema):
    """How a client looks: it chooses what is shown and protects nothing. `district` counts in the city's hall."""

    district = fields.Text(6, 6, DISTRICT_PATTERN, load_default=None, metadata={"description": "区划代码（GB/T 2260）"})
    real_name = fields.Flag(load_default=False)
    age_mode = fields.Choice(AGE_MODES, load_default="standard")
    audience = fields.Choice(AUDIENCES, load_default="person")


class HallThemeSchema(Schema):
    """Colours; `on_primary` is what letters on the primary colour have."""

    primary = fields.Text(7, 7, COLOUR_PATTERN, required=True)
    background = fields.Text(7, 7, COLOUR_PATTERN, required=True)
    on_primary = fields.Text(7, 7, COLOUR_PATTERN, required=True)


class HallOverviewSchema(Schema):
    """A hall of the list; `version` is null where it has published nothing of its own."""

    slug = fields.Text(1, NAME, SLUG_PATTERN, required=True)
    name = fields.Text(1, NAME, required=True)
    title = fields.Text(1, NAME, required=True)
    summary = fields.Text(1, 200, required=True, allow_none=True)
    district = fields.Text(6, 6, required=True, allow_none=True)
    district_name = fields.Text(1, NAME, required=True, allow_none=True)
    theme = fields.Nested(HallThemeSchema, required=True)
    banner = fields.Anything(required=True, allow_none=True)
    version = fields.Whole(1, required=True, allow_none=True)


class HallOverviewsSchema(Schema):
    """All halls of the city: its own, then the districts'; there is no further page."""

    items = fields.Many(fields.Nested(HallOverviewSchema), required=True)
    next = fields.Text(max=1024, required=True, allow_none=True)


BLOCK: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["id", "type", "heading"],
    "properties": {"id": {"type": "string"}, "type": {"type": "string"}, "heading": {"type": ["string", "null"]}},
}
"""A block: besides these the fields of its type."""

ITEM: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["entry", "name", "code", "department", "district", "online", "link", "districts"],
    "properties": {
        "entry": {"type": "string"},
        "name": {"type": "string"},
        "code": {"type": ["string", "null"], "description": "事项在此分厅由谁办；为 null 时请居民在 districts 中选择"},
        "department": {"type": ["string", "null"]},
        "district": {"type": ["string", "null"]},
        "online": {"type": "boolean"},
        "link": {"type": ["string", "null"]},
        "districts": {"type": "array", "items": {"type": "string"}},
    },
}

_SCREEN: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "kind": {"const": "hall"},
        "slug": {"type": "string"},
        "name": {"type": "string"},
        "title": {"type": "string"},
        "summary": {"type": ["string", "null"]},
        "theme": {"type": "object"},
        "banner": {"type": ["object", "null"]},
        "version": {"type": ["integer", "null"]},
        "city_version": {"type": ["integer", "null"]},
        "updated_at": {"type": ["string", "null"], "format": "date-time"},
        "district": {"type": ["string", "null"]},
        "apps": {"type": "array", "items": {"type": "object"}},
        "hot": {"type": "array", "items": ITEM},
        "blocks": {"type": "array", "items": BLOCK},
        "notices": {"type": "array", "items": {"type": "object"}},
    },
}
SCREEN: Final = _SCREEN | {"required": list(_SCREEN["properties"])}
"""One call is one screen."""
