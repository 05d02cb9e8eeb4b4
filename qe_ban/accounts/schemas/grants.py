"""The wire shapes of the token endpoint's grants (RFC 6749, 4 and 6; RFC 7523, 2.2), as the API document shows them."""

from collections.abc import Mapping
from typing import Any, Final

from qe_ban.accounts.schemas import A_PHONE, JWT
from qe_ban.web import fields, typed_fields
from qe_ban.web.schema import OpenSchema, Schema

JWT_BEARER: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class OtpGrantSchema(OpenSchema):
    """A resident signs in by the one-time password that the phone got."""

    grant_type = fields.Choice(["otp"], required=True)
    phone = typed_fields.Number(required=True, metadata={"examples": A_PHONE["examples"]})
    challenge = fields.Text(1, 64, required=True)
    otp = typed_fields.Number(1, 16, required=True, metadata={"examples": ["123456"]})


class PasswordGrantSchema(OpenSchema):
    """A member of staff signs in by user name, password and a TOTP code."""

    grant_type = fields.Choice(["password"], required=True)
    username = fields.Text(1, 64, required=True)
    password = fields.Text(1, 128, required=True)
    totp = typed_fields.Number(1, 16, required=True)


class ClientCredentialsGrantSchema(OpenSchema):
    """A scanner signs in by an assertion that its enrolled key has signed."""

    grant_type = fields.Choice(["client_credentials"], required=True)
    client_assertion_type = fields.Choice([JWT_BEARER], required=True)
    client_assertion = fields.Text(1, JWT, required=True)
    client_id = fields.Text(1, JWT, metadata={"description": "Not needed; where it is sent, the assertion's client."})


class RefreshTokenGrantSchema(OpenSchema):
    """A sign-in goes on; the answer has the next refresh token."""

    grant_type = fields.Choice(["refresh_token"], required=True)
    refresh_token = fields.Text(1, 128, required=True)


GRANTS: Final[Mapping[str, type[Schema]]] = {
    "otp": OtpGrantSchema,
    "password": PasswordGrantSchema,
    "client_credentials": ClientCredentialsGrantSchema,
    "refresh_token": RefreshTokenGrantSchema,
}
"""By `grant_type`."""


def _reference(shape: type[Schema]) -> str:
    return f"#/components/schemas/{shape.__name__.removesuffix('Schema')}"


TOKEN_REQUEST: Final[dict[str, Any]] = {
    "title": "TokenRequest",
    "oneOf": list(GRANTS.values()),
    "discriminator": {
        "propertyName": "grant_type",
        "mapping": {word: _reference(shape) for word, shape in GRANTS.items()},
    },
}
"""The body of `POST /auth/token`."""
