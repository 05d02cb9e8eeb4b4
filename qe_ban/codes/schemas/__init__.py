"""Wire shapes of the wallet and of scanning."""

from typing import Any

import marshmallow

from qe_ban.codes.rules import Profile, Reason, State
from qe_ban.kernel.city import CodeKind, Level
from qe_ban.web import fields, paging, typed_fields
from qe_ban.web.schema import Schema

MESSAGES = fields.COMMON_MESSAGES | {"invalid": "须为文本"}
OPTIONAL = frozenset({"health", "as_of", "guardian"})
KINDS = tuple(kind.slug for kind in CodeKind)


class ForQuery(Schema):
    """`?for=`: the ward whom the caller acts for; without it the caller's own."""

    for_ = fields.Id(data_key="for", load_default=None)


class DisplaySchema(Schema):
    """How a kind is shown on the phone."""

    title = fields.Text(required=True)
    colour = fields.Text(allow_none=True, required=True)
    masked_name = fields.Text(allow_none=True, required=True)


class KindSchema(Schema):
    """One kind in the wallet; `detail` says in Chinese who suspended it, if anybody did."""

    kind = fields.Choice(KINDS, name="CodeKind", required=True)
    name = fields.Text(required=True)
    state = fields.Choice(State, name="EntitlementState", required=True)
    reason = fields.Text(allow_none=True)
    detail = fields.Text(allow_none=True, required=True)
    as_of = fields.Moment(required=True)
    display = fields.Nested(DisplaySchema, required=True)


class WalletSchema(Schema):
    """The five kinds. `next` is always null: a wallet is one page."""

    items = fields.Many(fields.Nested(KindSchema), required=True)
    next = fields.Text(allow_none=True, required=True)


class IssueRequest(Schema):
    """Which kinds to issue."""

    kinds = fields.Many(fields.Choice(KINDS, name="CodeKind"), max=10, min=1, required=True)


class CodeSchema(Schema):
    """An issued code; `ttl` and `refresh_after` in seconds."""

    kind = fields.Choice(KINDS, name="CodeKind", required=True)
    code = fields.Text(max=700, required=True)
    issued_at = fields.Moment(required=True)
    expires_at = fields.Moment(required=True)
    ttl = fields.Whole(required=True)
    refresh_after = fields.Whole(required=True)


class ShortNumberSchema(Schema):
    """Ten digits that stand for a code until `expires_at`, once."""

    number = fields.Text(10, 10, pattern="[0-9]{10}", required=True)
    expires_at = fields.Moment(required=True)


class RefusedSchema(Schema):
    """A kind that was not issued, and why."""

    kind = fields.Choice(KINDS, name="CodeKind", required=True)
    reason = fields.Text(required=True)


class IssuedSchema(Schema):
    """Codes, and kinds that were refused."""

    codes = fields.Many(fields.Nested(CodeSchema), required=True)
    refused = fields.Many(fields.Nested(RefusedSchema), required=True)


class _ScanRequest(Schema):
    """One scan. `scan_id` is the scanner's own UUID; `document` the last six characters of an identity document."""

    scan_id = fields.Id(required=True, metadata={"examples": ["0196f3a8-1c5e-7d4b-9a51-3f0b6f0c2d11"]})
    purpose = fields.Text(max=64, pattern="[a-z0-9-]+", required=True, metadata={"examples": ["identity-check"]})
    document = typed_fields.Number(min=6, max=6, pattern="[0-9A-Za-z]+")


class VerifyCode(_ScanRequest):
    """A scan of a code."""

    # any text: what cannot be read is a verdict, not a bad field
    code = marshmallow.fields.String(required=True, error_messages={**MESSAGES})


class VerifyShortNumber(_ScanRequest):
    """A scan by the ten digits that stand for a code."""

    short_number = typed_fields.Number(10, 10, pattern="[0-9]{10}", required=True)


class VerifyRequest(_ScanRequest):
    """One scan, of a `code` or of a `short_number`, as it is read; VERIFY describes it."""

    code = marshmallow.fields.String(error_messages={**MESSAGES})
    short_number = typed_fields.Number(10, 10, pattern="[0-9]{10}")

    @marshmallow.validates_schema
    def one_of_two(self, data: dict[str, Any], **_options: Any) -> None:
        """Want one of code and short number. Raises ValidationError."""
        if "code" not in data and "short_number" not in data:
            raise marshmallow.ValidationError({"code": [MESSAGES["required"]]})
        if "code" in data and "short_number" in data:
            raise marshmallow.ValidationError({"short_number": ["code 与 short_number 只能填一个"]})


VERIFY = {"title": "VerifyRequest", "oneOf": [VerifyCode, VerifyShortNumber]}
"""The body of a scan: the two are exclusive."""


class HealthSchema(Schema):
    """A health level, and as of when."""

    level = fields.Choice(Level, name="HealthLevel", required=True)
    as_of = fields.Moment(required=True)


class HolderSchema(Schema):
    """The fields that a purpose allows: those that it does not allow are not there."""

    masked_name = fields.Text()
    name = fields.Text()
    id_type = fields.Text()
    id_number = fields.Text()
    phone = fields.Text(allow_none=True)
    social_number = fields.Text()
    masked_phone = fields.Text(allow_none=True)
    age_60_or_over = fields.Flag(
        allow_none=True, metadata={"description": "null where the document does not say when its holder was born."}
    )
    card_state = fields.Text(allow_none=True)
    insured_type = fields.Text(allow_none=True)
    insured_place = fields.Text(allow_none=True)


class MealSchema(Schema):
    """The meal that a scan takes, or would have taken."""

    period = fields.Text(required=True)
    name = fields.Text(required=True)
    date = fields.Text(10, 10, required=True)


class ScanDetailSchema(Schema):
    """What belongs to a scan besides: `meal` where the purpose takes a meal."""

    meal = fields.Nested(MealSchema)
    consent = fields.Text(
        metadata={"description": "That the request reaches the resident's phone within a minute, in Chinese: show it."}
    )
    keyboard = fields.Text(metadata={"description": "Why a scanner's keyboard spoilt the code, in Chinese: show it."})


class VerdictSchema(Schema):
    """The verdict. `holder` holds the fields that the purpose allows, and only where `accepted`.

    `guardian`: a guardian shows the code; left out otherwise.
    """

    scan_id = fields.Id(required=True)
    accepted = fields.Flag(required=True)
    reason = fields.Choice(Reason, required=True)
    kind = fields.Choice(KINDS, name="CodeKind", allow_none=True, required=True)
    profile = fields.Choice(Profile, name="CodeProfile", allow_none=True, required=True)
    holder = fields.RawShape(HolderSchema, required=True)
    health = fields.Nested(HealthSchema)
    detail = fields.RawShape(ScanDetailSchema, required=True)
    as_of = fields.Moment()
    guardian = fields.Flag()
    repeat = fields.Flag(required=True)
    server_time = fields.Moment(required=True)

    @marshmallow.post_dump
    def leave_out(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Leave out what a verdict does not have."""
        return {name: value for name, value in data.items() if value is not None or name not in OPTIONAL}


class ScanVenueSchema(Schema):
    """Where a scan was made."""

    name = fields.Text(required=True)
    district = fields.Text(required=True)
    address = fields.Text(required=True)
    scanner = fields.Text(required=True)


class ScanSchema(Schema):
    """A scan, without what names it."""

    at = fields.Moment(required=True)
    venue = fields.Nested(ScanVenueSchema, required=True)
    scene = fields.Text(required=True)
    scene_name = fields.Text(required=True)
    purpose = fields.Text(required=True)
    purpose_name = fields.Text(required=True)
    kind = fields.Choice(KINDS, name="CodeKind", allow_none=True, required=True)
    profile = fields.Choice(Profile, name="CodeProfile", allow_none=True, required=True)
    accepted = fields.Flag(required=True)
    reason = fields.Choice(Reason, required=True)
    fields_disclosed = fields.Many(fields.Text(), data_key="fields", required=True)
    detail = fields.RawShape(ScanDetailSchema, required=True)
    guardian = fields.Flag(required=True)


class EntrySchema(ScanSchema):
    """One scan in the resident's ledger. `id` is ours, by which it is disputed; `scan_id` is the scanner's."""

    id = fields.Id(required=True)
    scan_id = fields.Id(required=True)


class LedgerQuery(paging.PageQuery, ForQuery):
    """A page of one's own ledger, or of a ward's."""


class ExportQuery(ForQuery):
    """As what the ledger is wanted."""

    format = fields.Choice(("csv", "json"), name="LedgerFormat", load_default="csv")


class ExportedSchema(Schema):
    """The whole ledger, newest first."""

    exported_at = fields.Moment(required=True)
    items = fields.Many(fields.Nested(EntrySchema), max=2**31 - 1, required=True)


LedgerSchema = paging.page_schema(EntrySchema)
