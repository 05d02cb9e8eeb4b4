"""The wire shapes of signing in, of the caller's own account, and of looking a resident up."""

import marshmallow

from qe_ban.accounts.rules import Assurance, CaseKind, CaseState
from qe_ban.kernel.identifiers import IdType
from qe_ban.kernel.principal import PrincipalKind
from qe_ban.web import fields, typed_fields
from qe_ban.web.schema import OpenSchema, Schema

# What phones look like is decided by kernel.identifiers, which says in words what is wrong.
A_PHONE = {"examples": ["13800000001", "+86 138 0000 0001"]}
NAME, SLUG, SCOPE = 60, 64, 40
JWT = 4096
A_CASE = fields.CASE_NUMBER
"""A case number: no phone, and no document's number, is written so; the audit keeps it."""


class OtpRequestSchema(Schema):
    """A phone that a one-time password shall be sent to."""

    phone = typed_fields.Number(required=True, metadata=A_PHONE)


class OtpSentSchema(Schema):
    """What redeems the one-time password; `otp` itself in the sandbox only. Times in seconds."""

    challenge = fields.Id(required=True)
    expires_in = fields.Whole(1, 3600, required=True)
    retry_after = fields.Whole(0, 3600, required=True)
    otp = fields.Text(6, 6)


class TokenRequestSchema(OpenSchema):
    """A token request as it is read, whatever its grant; `grants.TOKEN_REQUEST` describes the grants one by one."""

    grant_type = fields.Text(
        1, 64, required=True, metadata={"description": "otp | password | client_credentials | refresh_token"}
    )
    phone = typed_fields.Number()
    challenge = fields.Text(1, 64)
    otp = typed_fields.Number(1, 16)
    username = fields.Text(1, 64)
    password = fields.Text(1, 128)
    totp = typed_fields.Number(1, 16)
    client_assertion_type = fields.Text(1, 128)
    client_assertion = fields.Text(1, JWT)
    # any text: one that is not the assertion's client is `invalid_client` and not a bad field (RFC 7521, 4.2)
    client_id = marshmallow.fields.String(error_messages={**fields.COMMON_MESSAGES, "invalid": "须为文本"})
    refresh_token = fields.Text(1, 128)


class TokenSchema(Schema):
    """Tokens (RFC 6749, 5.1); `scope` is a list with spaces between. Scanners get no refresh token."""

    access_token = fields.Text(1, JWT, required=True)
    token_type = fields.Choice(["Bearer"], required=True)
    expires_in = fields.Whole(1, 3600, required=True)
    refresh_token = fields.Text(43, 43)
    scope = fields.Text(1, 1000, required=True)


class StepUpSchema(Schema):
    """The proof of a face check, as its kit on the phone gave it."""

    method = fields.Choice(["face"], required=True)
    proof = fields.Text(1, JWT, required=True)


class SteppedUpSchema(Schema):
    """A new access token that has the step-up, and no refresh token: the one that the client has goes on to serve.

    `method` says which check it was.
    """

    access_token = fields.Text(1, JWT, required=True)
    token_type = fields.Choice(["Bearer"], required=True)
    expires_in = fields.Whole(1, 3600, required=True)
    scope = fields.Text(1, 1000, required=True)
    method = fields.Choice(["face", "sandbox"], required=True)


class RevokeSchema(OpenSchema):
    """A refresh or access token whose sign-in shall end (RFC 7009)."""

    token = fields.Text(1, JWT, required=True)


class NonceSchema(Schema):
    """A nonce for one proof of possession; seconds until it ends."""

    nonce = fields.Text(1, 64, required=True)
    expires_in = fields.Whole(1, 3600, required=True)


class MetadataSchema(Schema):
    """What OAuth clients need to know (RFC 8414); `issuer` is the only `aud` that assertions and proofs may have."""

    issuer = fields.Text(max=500, required=True)
    token_endpoint = fields.Text(max=500, required=True)
    revocation_endpoint = fields.Text(max=500, required=True)
    response_types_supported = fields.Many(fields.Text(), required=True)
    grant_types_supported = fields.Many(fields.Text(), required=True)
    token_endpoint_auth_methods_supported = fields.Many(fields.Text(), required=True)
    token_endpoint_auth_signing_alg_values_supported = fields.Many(fields.Text(), required=True)


class PlaceSchema(Schema):
    """What a member of staff answers for; all empty: the whole city."""

    district = fields.Text(required=True, allow_none=True)
    hall = fields.Text(required=True, allow_none=True)
    zone = fields.Text(required=True, allow_none=True)
    department = fields.Text(required=True, allow_none=True)


class MeSchema(Schema):
    """The caller's own account; what is personal is masked. The last three are staff's, those before residents'."""

    kind = fields.Choice(PrincipalKind, required=True)
    id = fields.Id(required=True)
    scopes = fields.Many(fields.Text(1, SCOPE), required=True)
    phone = fields.Text()
    name = fields.Text(allow_none=True)
    assurance = fields.Choice(Assurance, name="AssuranceLevel")
    username = fields.Text()
    roles = fields.Many(fields.Text(1, SCOPE))
    place = fields.Nested(PlaceSchema)


class RealNameSchema(Schema):
    """A real name; the register must know it together with the account's phone."""

    name = typed_fields.PersonName(1, NAME, required=True)
    id_type = fields.Choice(IdType, required=True)
    id_number = typed_fields.Number(required=True)


class AssuranceSchema(Schema):
    """How sure it is who holds the account."""

    assurance = fields.Choice(Assurance, name="AssuranceLevel", required=True)


class LookUpSchema(Schema):
    """Whom staff look for, by `phone` or by `id_type` and `id_number`, and the case that it is for."""

    phone = typed_fields.Number(metadata=A_PHONE)
    id_type = fields.Choice(IdType)
    id_number = typed_fields.Number()
    case_number = typed_fields.HyphenatedNumber(6, 64, required=True, **A_CASE)


class RecoveryCaseSchema(Schema):
    """A case of an account and its phone; `part`: whether the resident looked up holds the account or claims it."""

    id = fields.Id(required=True)
    kind = fields.Choice(CaseKind, required=True)
    state = fields.Choice(CaseState, required=True)
    part = fields.Choice(["holder", "claimant"], required=True)
    opened_at = fields.Moment(required=True)


class FoundSchema(Schema):
    """A resident as staff see one: masked; `id` is the caller's own, for this case and for a day at most."""

    id = fields.Id(required=True)
    phone = fields.Text(required=True, allow_none=True)
    name = fields.Text(required=True, allow_none=True)
    id_type = fields.Choice(IdType, required=True, allow_none=True)
    id_number = fields.Text(required=True, allow_none=True)
    assurance = fields.Choice(Assurance, name="AssuranceLevel", required=True)
    verified_at = fields.Moment(required=True, allow_none=True)
    created_at = fields.Moment(required=True)
    recovery_cases = fields.Many(fields.Nested(RecoveryCaseSchema), required=True)
