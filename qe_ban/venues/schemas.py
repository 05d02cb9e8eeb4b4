"""The wire shapes of venues and scanners."""

from typing import Any

import marshmallow

from qe_ban.kernel import patterns
from qe_ban.venues.rules import InvitationState, Review
from qe_ban.web import fields, typed_fields
from qe_ban.web.jwk import PublicJwk
from qe_ban.web.paging import PageQuery, page_schema
from qe_ban.web.schema import Schema

NAME = 100
ADDRESS = 200
LABEL = 60
SLUG = 40


class PlacesQuery(PageQuery):
    """A page of venues; `review`: those whose name waits for the city, or the others."""

    review = fields.Choice(["pending", "settled"], load_default=None)


class VenuesQuery(PageQuery):
    """A page of a venue's scanners or invitations."""


class NewVenueSchema(Schema):
    """A venue to be made."""

    name = fields.Text(1, NAME, required=True)
    district = fields.Text(
        6, 6, pattern=patterns.DISTRICT, required=True, metadata={"description": "区划代码（GB/T 2260）"}
    )
    address = fields.Text(1, ADDRESS, required=True)
    scene = fields.Text(1, SLUG, required=True)


class VenueChangeSchema(Schema):
    """What is to be changed of a venue; what is left out stays."""

    name = fields.Text(1, NAME)
    address = fields.Text(1, ADDRESS)
    scene = fields.Text(1, SLUG)

    @marshmallow.validates_schema
    def something(self, data: dict[str, Any], **_options: Any) -> None:
        """Want at least one of them. Raises ValidationError."""
        if not data:
            raise marshmallow.ValidationError({"name": ["至少填写一项要变更的内容"]})


class VenueSchema(NewVenueSchema):
    """A venue as it stands; while `review` is pending no scanner can be invited."""

    id = fields.Id(required=True)
    review = fields.Choice(Review, required=True)
    created_at = fields.Moment(required=True)


class ScannerSchema(Schema):
    """A scanner of a venue."""

    id = fields.Id(required=True)
    label = fields.Text(1, LABEL, required=True)
    purposes = fields.Many(fields.Text(1, SLUG), 32, required=True)
    enrolled_at = fields.Moment(required=True)
    revoked_at = fields.Moment(required=True, allow_none=True)


class InviteSchema(Schema):
    """What a new scanner may scan for; `label`, where given, is what it will be called."""

    purposes = fields.Many(fields.Text(1, SLUG), 32, 1, required=True)
    label = fields.Text(1, LABEL)


class InvitationSchema(InviteSchema):
    """An invitation as staff see it, without its code."""

    id = fields.Id(required=True)
    label = fields.Text(1, LABEL, required=True, allow_none=True)
    state = fields.Choice(InvitationState, required=True)
    approval_required = fields.Flag(required=True)
    created_at = fields.Moment(required=True)
    expires_at = fields.Moment(required=True, allow_none=True)


class TicketSchema(Schema):
    """An invitation with its enrolment code, shown once; null while another person must approve."""

    id = fields.Id(required=True)
    state = fields.Choice(InvitationState, required=True)
    enrolment_code = fields.Text(19, 19, required=True, allow_none=True)
    expires_at = fields.Moment(required=True)


class EnrolSchema(Schema):
    """A scanner that enrols; `proof` is a JWT by its key over the nonce and the issuer."""

    enrolment_code = typed_fields.Number(required=True)
    jwk = PublicJwk(required=True)
    label = fields.Text(1, LABEL, required=True)
    proof = fields.Text(1, 2048, required=True)


class VenueNameSchema(Schema):
    """The venue as a scanner learns it."""

    id = fields.Id(required=True)
    name = fields.Text(1, NAME, required=True)


class EnrolledSchema(Schema):
    """A scanner as it learns about itself; `trust_roots` are the two root keys."""

    scanner_id = fields.Id(required=True)
    venue = fields.Nested(VenueNameSchema, required=True)
    scene = fields.Text(1, SLUG, required=True)
    purposes = fields.Many(fields.Text(1, SLUG), 32, required=True)
    trust_roots = fields.Many(PublicJwk(), 2, required=True)


VenuePage = page_schema(VenueSchema)
ScannerPage = page_schema(ScannerSchema)
InvitationPage = page_schema(InvitationSchema)
