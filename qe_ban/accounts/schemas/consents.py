"""The wire shapes of consents and of their history."""

from qe_ban.accounts.rules import ConsentState
from qe_ban.web import fields
from qe_ban.web.paging import PageQuery, page_schema
from qe_ban.web.schema import Schema

SLUG = 64


class WhoseQuery(Schema):
    """`?for=`: the ward whom the caller acts for; without it the caller's own."""

    for_ = fields.Id(data_key="for", load_default=None)


class ConsentsQuery(PageQuery, WhoseQuery):
    """A page of consents, or of their history, one's own or a ward's."""


class ConsentSchema(Schema):
    """A purpose that was asked for, agreed to or taken back; `name` and `scene` as the city has them.

    `guardian`: a guardian gave it or took it back, or it ended with the guardianship.
    """

    purpose = fields.Text(1, SLUG, required=True)
    name = fields.Text(required=True)
    scene = fields.Text(required=True, allow_none=True)
    state = fields.Choice(ConsentState, required=True)
    requested_at = fields.Moment(required=True, allow_none=True)
    granted_at = fields.Moment(required=True, allow_none=True)
    withdrawn_at = fields.Moment(required=True, allow_none=True)
    guardian = fields.Flag(required=True)


class ConsentEventSchema(Schema):
    """That the caller agreed to a purpose, or took it back; `guardian`: a guardian did so, or a guardianship's end."""

    purpose = fields.Text(1, SLUG, required=True)
    name = fields.Text(required=True)
    state = fields.Choice(ConsentState, required=True)
    at = fields.Moment(required=True)
    guardian = fields.Flag(required=True)


ConsentPage = page_schema(ConsentSchema)
ConsentEventPage = page_schema(ConsentEventSchema)
