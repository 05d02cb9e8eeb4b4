"""The wire shapes of what residents keep for themselves."""

from typing import Final

from qe_ban.halls.rules.words import AGE_MODES, ITEM_STATES
from qe_ban.halls.schemas.halls import HallScreenSchema
from qe_ban.kernel import patterns
from qe_ban.publishing.rules.blocks.words import AUDIENCES
from qe_ban.publishing.schemas.screens import OfferedItemSchema
from qe_ban.web import fields
from qe_ban.web.paging import page_schema
from qe_ban.web.schema import Schema

NAME: Final = 40


class PutMyHallSchema(Schema):
    """The hall that the home shall show (`city`: the city's own), and how large it is written."""

    hall = fields.Text(1, NAME, patterns.SLUG, required=True)
    age_mode = fields.Choice(AGE_MODES, required=True)


class MyHallSchema(Schema):
    """The hall that the home shows, and how large it is written."""

    hall = fields.Text(1, NAME, patterns.SLUG, required=True)
    name = fields.Text(1, NAME, required=True)
    district = fields.Text(6, 6, patterns.DISTRICT, required=True, allow_none=True)
    age_mode = fields.Choice(AGE_MODES, required=True)


class FollowedHallSchema(Schema):
    """A hall that the caller follows, since when."""

    slug = fields.Text(1, NAME, patterns.SLUG, required=True)
    name = fields.Text(1, NAME, required=True)
    district = fields.Text(6, 6, patterns.DISTRICT, required=True, allow_none=True)
    at = fields.Moment(required=True)


class FollowedHallsSchema(Schema):
    """All halls that the caller follows, the latest first; there is no further page."""

    items = fields.Many(fields.Nested(FollowedHallSchema), required=True)
    next = fields.Text(max=1024, required=True, allow_none=True)


class KeptItemSchema(Schema):
    """An item that the caller likes, or opened at a moment, and who does it for the hall that the caller chose.

    `code` is null where a district must be chosen first (`districts` have their own), and where the item has `ended`.
    """

    entry = fields.Text(12, 14, required=True)
    name = fields.Text(1, 200, required=True)
    state = fields.Choice(ITEM_STATES, name="KeptItemState", required=True)
    code = fields.Text(1, 33, required=True, allow_none=True)
    department = fields.Text(1, 200, required=True, allow_none=True)
    district = fields.Text(6, 6, required=True, allow_none=True)
    online = fields.Flag(required=True)
    link = fields.Text(1, 1000, required=True, allow_none=True)
    districts = fields.Many(fields.Text(6, 6), required=True)
    at = fields.Moment(required=True)


KeptItemPage = page_schema(KeptItemSchema)


class HomeQuery(Schema):
    """On whose behalf the caller looks."""

    audience = fields.Choice(AUDIENCES, load_default="person")


class HomeItemSchema(OfferedItemSchema):
    """An item that the caller likes or has opened, as the home shows it."""

    state = fields.Choice(ITEM_STATES, name="KeptItemState", required=True)


class HomeHallSchema(Schema):
    """A hall that the caller follows."""

    slug = fields.Text(1, NAME, patterns.SLUG, required=True)
    name = fields.Text(1, NAME, required=True)


class HomeSchema(Schema):
    """The screen of the chosen hall as the resident sees it, and the first of what the resident keeps."""

    screen = fields.Nested(HallScreenSchema, required=True)
    hall = fields.Text(1, NAME, patterns.SLUG, required=True)
    age_mode = fields.Choice(AGE_MODES, required=True)
    real_name = fields.Flag(required=True)
    followed = fields.Many(fields.Nested(HomeHallSchema), required=True)
    favourites = fields.Many(fields.Nested(HomeItemSchema), required=True)
    recent = fields.Many(fields.Nested(HomeItemSchema), required=True)
