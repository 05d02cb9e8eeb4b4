"""The wire shapes of a zone's end and of the report that proves its deletion."""

from typing import Final

from qe_ban.web import fields
from qe_ban.web.schema import Schema
from qe_ban.web.shapes import COUNTS, TEXTS

SLUG: Final = 40
DELETION_STATES: Final = ("planned", "deleting", "done")


class ZoneEndSchema(Schema):
    """When a zone ends (at once where nothing is said), and whether its data go; `confirm` repeats its slug."""

    at = fields.Moment(load_default=None, allow_none=True)
    delete = fields.Flag(required=True)
    confirm = fields.Text(1, SLUG, load_default=None, allow_none=True)


class DeletedBeforeSchema(Schema):
    """What there was before the first demand went."""

    demands = fields.Whole(required=True)
    by_state = fields.RawShape(COUNTS, required=True)
    demand_steps = fields.Whole(required=True)


class DeletionDigestSchema(Schema):
    """A digest of the ids that were deleted, and how it is computed."""

    algorithm = fields.Text(required=True)
    of = fields.Text(required=True)
    value = fields.Text(required=True)


class DeletionReportSchema(Schema):
    """The proof of a deletion: what there was, what went, what is left and what is kept."""

    zone = fields.Text(1, SLUG, required=True)
    requested_by = fields.Id(required=True)
    requested_at = fields.Moment()
    due_at = fields.Moment()
    begun_at = fields.Moment(required=True)
    done_at = fields.Moment()
    tables = fields.RawShape(TEXTS, required=True)
    before = fields.Nested(DeletedBeforeSchema, required=True)
    deleted = fields.Whole(required=True)
    data_keys_destroyed = fields.Whole()
    backups_until = fields.Moment()
    digest = fields.Nested(DeletionDigestSchema, required=True)
    after = fields.RawShape(COUNTS, required=True)
    kept = fields.Many(fields.Text(max=1000), required=True)


class ZoneDeletionSchema(Schema):
    """A deletion that was asked for; `report` once it is done: the proof."""

    state = fields.Choice(DELETION_STATES, name="DeletionState", required=True)
    requested_at = fields.Moment(required=True)
    requested_by = fields.Id(required=True)
    due_at = fields.Moment(required=True)
    done_at = fields.Moment(required=True, allow_none=True)
    report = fields.RawShape(DeletionReportSchema, required=True, allow_none=True)


class ZoneStandingSchema(Schema):
    """How a zone stands with its end; its ETag serves an end or a reopening."""

    slug = fields.Text(1, SLUG, required=True)
    name = fields.Text(1, SLUG, required=True)
    ends_at = fields.Moment(required=True, allow_none=True)
    ended = fields.Flag(required=True)
    deletion = fields.Nested(ZoneDeletionSchema, required=True, allow_none=True)
