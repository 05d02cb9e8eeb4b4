"""Wire shapes of disputes and of appeals."""

from qe_ban.codes.rules.disputes import DisputeState
from qe_ban.codes.schemas import EntrySchema, ForQuery, ScanSchema
from qe_ban.web import fields, paging
from qe_ban.web.schema import Schema


class NewDisputeSchema(Schema):
    """What is wrong with a scan."""

    text = fields.Lines(max=1000, required=True)


class DisputeAnswerSchema(Schema):
    """What the venue's district says to it; `upheld`: the resident is right."""

    text = fields.Lines(max=1000, required=True)
    upheld = fields.Flag(required=True)


class ListedAppealSchema(Schema):
    """The appeal of a dismissal, without what people wrote."""

    opened_at = fields.Moment(required=True)
    due_at = fields.Moment(required=True)
    answered_at = fields.Moment(allow_none=True, required=True)


class AppealSchema(ListedAppealSchema):
    """An appeal whole."""

    text = fields.Lines(max=1000, allow_none=True, required=True)
    answer = fields.Lines(max=1000, allow_none=True, required=True)


class DisputedScanSchema(ScanSchema):
    """A disputed scan as staff read it: where, for what and with which outcome. Of its moment `at` has the hour.

    Nothing names it among the scans of that hour.
    """


class ListedDisputeSchema(Schema):
    """A dispute without what people wrote. `scan` is as it stood when it was disputed, `opened_at` begins the day."""

    id = fields.Id(required=True)
    scan = fields.Nested(DisputedScanSchema, required=True)
    state = fields.Choice(DisputeState, required=True)
    state_name = fields.Text(required=True)
    opened_at = fields.Moment(required=True)
    due_at = fields.Moment(required=True)
    overdue = fields.Flag(required=True)
    answered_at = fields.Moment(allow_none=True, required=True)
    appeal_until = fields.Moment(allow_none=True, required=True)
    appeal = fields.Nested(ListedAppealSchema, allow_none=True, required=True)


class HandledDisputeSchema(ListedDisputeSchema):
    """A dispute whole, as staff read it."""

    text = fields.Lines(max=1000, allow_none=True, required=True)
    answer = fields.Lines(max=1000, allow_none=True, required=True)
    appeal = fields.Nested(AppealSchema, allow_none=True, required=True)


class DisputeSchema(HandledDisputeSchema):
    """A dispute whole, as whom it concerns reads it; a guardian reads no words of another's."""

    scan = fields.Nested(EntrySchema, required=True)


class MyDisputesQuery(paging.PageQuery, ForQuery):
    """A page of one's own disputes, or of a ward's."""


class DisputesQuery(paging.PageQuery):
    """Which disputes staff look for."""

    state = fields.Choice(DisputeState, load_default=None)
    overdue = fields.Flag(load_default=None)


DisputePage = paging.page_schema(DisputeSchema)
ListedDisputePage = paging.page_schema(ListedDisputeSchema)
