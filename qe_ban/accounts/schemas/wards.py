"""The wire shapes of acting for others: the guardian's side, the ward's, and the window's."""

from qe_ban.accounts.rules import ConfirmedBy, GuardianshipState, Relation, WardBasis
from qe_ban.accounts.schemas import A_CASE, NAME
from qe_ban.kernel.identifiers import IdType
from qe_ban.web import fields, typed_fields
from qe_ban.web.paging import PageQuery, page_schema
from qe_ban.web.schema import Schema

STANDING = [state.value for state in GuardianshipState if state is not GuardianshipState.ENDED]
REMARK = 200


class WardsQuery(PageQuery):
    """A page of those whom the caller acts for."""


class GuardiansQuery(PageQuery):
    """A page of those who act for the caller."""


class NewWardSchema(Schema):
    """For whom the caller wants to act; `relation`: what the caller is to that person; `until`: at most so long."""

    name = typed_fields.PersonName(1, NAME, required=True)
    id_type = fields.Choice(IdType, load_default=IdType.RESIDENT_ID)
    id_number = typed_fields.Number(required=True)
    relation = fields.Choice(Relation, required=True)
    basis = fields.Choice(WardBasis, required=True)
    until = fields.Moment(load_default=None, allow_none=True)


class GuardianshipSchema(Schema):
    """What stands between two people. `ends_at`: when it ends by itself, at the latest when a child comes of age."""

    id = fields.Id(required=True)
    relation = fields.Choice(Relation, required=True)
    basis = fields.Choice(WardBasis, required=True)
    state = fields.Choice(STANDING, name="GuardianshipState", required=True)
    requested_at = fields.Moment(required=True)
    confirmed_at = fields.Moment(required=True, allow_none=True)
    confirmed_by = fields.Choice(ConfirmedBy, required=True, allow_none=True)
    ends_at = fields.Moment(required=True, allow_none=True)


class WardSchema(GuardianshipSchema):
    """Somebody whom the caller acts for, masked; `id` is what `?for=` takes while `state` is `active`."""

    name = fields.Text(required=True, allow_none=True)
    id_number = fields.Text(required=True, allow_none=True)


class GuardianSchema(GuardianshipSchema):
    """Somebody who acts for the caller, or asks to, masked."""

    name = fields.Text(required=True, allow_none=True)
    phone = fields.Text(required=True, allow_none=True)


class PersonSchema(Schema):
    """One side as staff see it: masked."""

    name = fields.Text(required=True, allow_none=True)
    id_number = fields.Text(allow_none=True)
    phone = fields.Text(allow_none=True)


class AtWindowSchema(GuardianshipSchema):
    """A guardianship as staff see it: both sides masked."""

    ward = fields.Nested(PersonSchema, required=True)
    guardian = fields.Nested(PersonSchema, required=True)


class FoundGuardianshipsSchema(Schema):
    """At most 100 guardianships of one person, those in force first; `more`: there are further ones, and no page."""

    items = fields.Many(fields.Nested(AtWindowSchema), required=True)
    next = fields.Text(max=1024, required=True, allow_none=True)
    more = fields.Flag(required=True)


class LookUpGuardianshipsSchema(Schema):
    """Whose guardianships staff look for, as ward or guardian, and the case that it is for."""

    id_type = fields.Choice(IdType, required=True)
    id_number = typed_fields.Number(required=True)
    case_number = typed_fields.HyphenatedNumber(6, 64, required=True, **A_CASE)


class ConfirmAtWindowSchema(Schema):
    """Which papers were seen (their kind and court's reference; never a number that names a person), for a case."""

    basis_seen = fields.Text(2, REMARK, required=True)
    case_number = typed_fields.HyphenatedNumber(6, 64, required=True, **A_CASE)


class EndAtWindowSchema(Schema):
    """Why it ends (never a number that names a person), for a case."""

    reason = fields.Text(2, REMARK, required=True)
    case_number = typed_fields.HyphenatedNumber(6, 64, required=True, **A_CASE)


WardPage = page_schema(WardSchema)
GuardianPage = page_schema(GuardianSchema)
