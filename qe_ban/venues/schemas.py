"""The wire shapes of venues and scanners."""

from qe_ban.web import fields, typed_fields
from qe_ban.web.jwk import PublicJwk
from qe_ban.web.paging import PageQuery, page_schema
from qe_ban.web.schema import Schema

NAME = 100
ADDRESS = 200
LABEL = 60
SLUG = 40


class VenuesQuery(PageQuery):
    """A page of venues, or of a venue's scanners."""


class NewVenueSchema(Schema):
    """A venue to be made."""

    name = fields.Text(1, NAME, required=True)
    district = fields.Text(6, 6, pattern="[0-9]{6}", required=True, metadata={"description": "区划代码（GB/T 2260）"})
    address = fields.Text(1, ADDRESS, required=True)
    scene = fields.Text(1, SLUG, required=True)


class VenueSchema(NewVenueSchema):
    """A venue as it stands."""

    id = fields.Id(required=True)
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


class TicketSchema(Schema):
    """An enrolment code, shown once."""

    enrolment_code = fields.Text(19, 19, required=True)
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
