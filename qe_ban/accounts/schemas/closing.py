"""The wire shapes of closing an account."""

from qe_ban.web import fields
from qe_ban.web.schema import Schema

MOST_TABLES = 40


class RowsSchema(Schema):
    """How many rows of a sort."""

    what = fields.Text(required=True)
    name = fields.Text(required=True)
    rows = fields.Whole(required=True)


class KeptSchema(Schema):
    """What outlives an account, why and until when; `until` null: without an end."""

    what = fields.Text(required=True)
    name = fields.Text(required=True)
    why = fields.Text(required=True)
    until = fields.Text(required=True, allow_none=True, metadata={"format": "date-time"})


class ClosingPlanSchema(Schema):
    """What closing the account now would delete and end, and what would be kept."""

    deletes = fields.Many(fields.Nested(RowsSchema), MOST_TABLES, required=True)
    ends = fields.Many(fields.Nested(RowsSchema), MOST_TABLES, required=True)
    keeps = fields.Many(fields.Nested(KeptSchema), MOST_TABLES, required=True)


class WardClosingPlanSchema(ClosingPlanSchema):
    """The same of a ward's account; `due_at`: a guardian asked for it, and it is closed then; null where nobody did."""

    due_at = fields.Moment(required=True, allow_none=True)


class WardClosingSchema(Schema):
    """When the ward's account is closed, unless somebody stops it before."""

    due_at = fields.Moment(required=True)


class CloseSchema(Schema):
    """The express word: `true`."""

    confirm = fields.Flag(required=True)


class ClosedSchema(Schema):
    """The proof: what was deleted and ended, what is kept, and how many rows a count afterwards has found."""

    id = fields.Id(required=True)
    closed_at = fields.Moment(required=True)
    deleted = fields.Many(fields.Nested(RowsSchema), MOST_TABLES, required=True)
    ended = fields.Many(fields.Nested(RowsSchema), MOST_TABLES, required=True)
    kept = fields.Many(fields.Nested(KeptSchema), MOST_TABLES, required=True)
    remaining = fields.Whole(required=True)
