"""The wire shapes of what halls show: the list, a screen, one block."""

from typing import Final

from qe_ban.halls.schemas.apps import AppCardSchema
from qe_ban.kernel import patterns
from qe_ban.publishing.rules.blocks.words import AGE_MODES, AUDIENCES
from qe_ban.publishing.rules.states import PageKind
from qe_ban.publishing.schemas.screens import OfferedItemSchema, PageScreenSchema, PictureSchema, ThemeSchema
from qe_ban.web import fields
from qe_ban.web.schema import Schema

NAME: Final = 40


class HallViewQuery(Schema):
    """How a client looks: it chooses what is shown and protects nothing. `district` counts in the city's hall."""

    district = fields.Text(
        6, 6, patterns.DISTRICT, load_default=None, metadata={"description": "区划代码（GB/T 2260）"}
    )
    real_name = fields.Flag(load_default=False)
    age_mode = fields.Choice(AGE_MODES, load_default="standard")
    audience = fields.Choice(AUDIENCES, load_default="person")


class HallOverviewSchema(Schema):
    """A hall of the list; `version` is null where it has published nothing of its own."""

    slug = fields.Text(1, NAME, patterns.SLUG, required=True)
    name = fields.Text(1, NAME, required=True)
    title = fields.Text(1, NAME, required=True)
    summary = fields.Text(1, 200, required=True, allow_none=True)
    district = fields.Text(6, 6, required=True, allow_none=True)
    district_name = fields.Text(1, NAME, required=True, allow_none=True)
    theme = fields.Nested(ThemeSchema, required=True)
    banner = fields.Nested(PictureSchema, required=True, allow_none=True)
    version = fields.Whole(1, required=True, allow_none=True)


class HallOverviewsSchema(Schema):
    """All halls of the city: its own, then the districts'; there is no further page."""

    items = fields.Many(fields.Nested(HallOverviewSchema), required=True)
    next = fields.Text(max=1024, required=True, allow_none=True)


class HallScreenSchema(PageScreenSchema):
    """A hall's screen in one call; `version` is null where the hall shows nothing but what the city does."""

    kind = fields.Choice([PageKind.HALL.value], required=True)
    city_version = fields.Whole(1, required=True, allow_none=True)
    district = fields.Text(6, 6, patterns.DISTRICT, required=True, allow_none=True)
    apps = fields.Many(fields.Nested(AppCardSchema), required=True)
    hot = fields.Many(fields.Nested(OfferedItemSchema), required=True)
