"""The wire shapes of one item, of its versions and of its changes."""

from qe_ban.items.rules.planning import Outcome
from qe_ban.items.rules.schedule import State, VersionSource
from qe_ban.items.schemas.content import ContentSchema, LabelsSchema, SentContentSchema
from qe_ban.web import fields
from qe_ban.web.schema import Schema

CODE, HEADING = 33, 400
BODY = 1024 * 1024


class ItemQuery(Schema):
    """Which version; without it the one in force."""

    version = fields.Whole(1, 2**31 - 1, load_default=None)


class PutItemSchema(SentContentSchema):
    """The whole of what an item shall say, and from when; what is left out is not told any more.

    Without `ends_at` a planned end stays; null takes it away. With `starts_at` the new version waits for its time.
    """

    starts_at = fields.Moment(allow_none=True, load_default=None)
    ends_at = fields.Moment(allow_none=True)


class EndSchema(Schema):
    """When an item shall end; without `at` now."""

    at = fields.Moment(allow_none=True, load_default=None)


class UpcomingSchema(Schema):
    """The version that takes over next."""

    version = fields.Whole(1, required=True, attribute="number")
    starts_at = fields.Moment(required=True)


class ChangeSchema(Schema):
    """One difference from the version before, as people read it; null: there was or is nothing.

    A row of a table that was added or removed is told whole, a changed one by what differs.
    """

    field = fields.Text(required=True)
    heading = fields.Text(max=HEADING, required=True)
    before = fields.Lines(max=100_000, required=True, allow_none=True)
    after = fields.Lines(max=100_000, required=True, allow_none=True)


class OfficeSchema(Schema):
    """The same item at another office; no `district` is the city itself."""

    code = fields.Text(max=CODE, required=True)
    department = fields.Text(18, 18, required=True)
    department_name = fields.Text(required=True)
    district = fields.Text(6, 6, required=True, allow_none=True)


class ItemSchema(ContentSchema):
    """An item in one version: all that it says, and in `labels` what its words and codes are called in Chinese.

    `starts_at` is the version's, `ends_at` the item's; `since` is the version that `changes` compare with, null for
    the first; `offices` are at most 50 other offices that do the same.
    """

    code = fields.Text(max=CODE, required=True)
    version = fields.Whole(1, required=True)
    state = fields.Choice(State, name="ItemState", required=True)
    starts_at = fields.Moment(required=True)
    ends_at = fields.Moment(required=True, allow_none=True)
    upcoming = fields.Nested(UpcomingSchema, required=True, allow_none=True)
    labels = fields.Nested(LabelsSchema, required=True)
    since = fields.Whole(1, required=True, allow_none=True)
    changes = fields.Many(fields.Nested(ChangeSchema), 1000, required=True)
    offices = fields.Many(fields.Nested(OfficeSchema), 50, required=True)


class WarningSchema(Schema):
    """Something that hinders nothing but should be looked at, by the place of the field."""

    place = fields.Text(required=True)
    message = fields.Text(required=True)


class SavedItemSchema(ItemSchema):
    """The item as it now stands, what became of the request, and what should be looked at."""

    outcome = fields.Choice(Outcome, required=True)
    warnings = fields.Many(fields.Nested(WarningSchema), 1000, required=True)


class VersionSchema(Schema):
    """One version of an item; `replaced`: a newer one took its place before its time came."""

    number = fields.Whole(1, required=True)
    starts_at = fields.Moment(required=True)
    created_at = fields.Moment(required=True)
    created_by = fields.Id(required=True, allow_none=True)
    source = fields.Choice(VersionSource, required=True)
    in_force = fields.Flag(required=True)
    replaced = fields.Flag(required=True)


class VersionsSchema(Schema):
    """All versions of an item, newest first; there is no further page."""

    items = fields.Many(fields.Nested(VersionSchema), 100_000, required=True)
    next = fields.Text(required=True, allow_none=True)
