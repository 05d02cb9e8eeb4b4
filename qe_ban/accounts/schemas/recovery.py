"""The wire shapes of recovery cases and of closing an account."""

from qe_ban.accounts.rules import CaseKind, CaseState
from qe_ban.accounts.rules.recovery import Decision
from qe_ban.accounts.schemas import A_CASE, A_PHONE, NAME
from qe_ban.kernel.identifiers import IdType
from qe_ban.web import fields, typed_fields
from qe_ban.web.paging import PageQuery, page_schema
from qe_ban.web.schema import Schema

BASIS = 500
AT_WINDOW = (CaseKind.NEW_PHONE.value, CaseKind.LOST_PHONE.value, CaseKind.CLOSING.value)
A_BASIS = {"description": "Which papers were seen, what was asked of whom; without personal numbers."}


class OpenRecoverySchema(Schema):
    """Whose account, and which phone it shall have (needed for `new_phone`); a `name` must be the holder's."""

    kind = fields.Choice(AT_WINDOW, name="NewCaseKind", required=True)
    id_type = fields.Choice(IdType, required=True)
    id_number = typed_fields.Number(required=True)
    name = typed_fields.PersonName(1, NAME, load_default=None)
    new_phone = typed_fields.Number(load_default=None, metadata=A_PHONE)
    basis = fields.Lines(2, BASIS, required=True, metadata=A_BASIS)
    case_number = typed_fields.HyphenatedNumber(6, 64, required=True, **A_CASE)


class ProposeSchema(Schema):
    """How a case shall end; another person approves it."""

    decision = fields.Choice(Decision, required=True)
    basis = fields.Lines(2, BASIS, required=True, metadata=A_BASIS)


class ProposalSchema(Schema):
    """The proposal that the caller has read."""

    proposal_id = fields.Id(required=True)


class RecoveryQuery(PageQuery):
    """A page of cases of one state."""

    state = fields.Choice(CaseState, load_default=CaseState.OPEN)


class SideSchema(Schema):
    """Who holds the account, or claims it; masked; `id` is the reader's own."""

    id = fields.Id(required=True)
    phone = fields.Text(required=True, allow_none=True)
    name = fields.Text(required=True, allow_none=True)
    id_type = fields.Choice(IdType, required=True, allow_none=True)
    id_number = fields.Text(required=True, allow_none=True)
    created_at = fields.Moment(required=True)


class WaitingSchema(Schema):
    """What waits for a second person; `own`: the caller proposed it and cannot approve it."""

    id = fields.Id(required=True)
    decision = fields.Choice(Decision, required=True)
    basis = fields.Text(required=True, allow_none=True)
    proposed_by = fields.Id(required=True)
    proposed_at = fields.Moment(required=True)
    expires_at = fields.Moment(required=True)
    own = fields.Flag(required=True)


class CaseSchema(Schema):
    """A recovery case: `phone` (masked) is what it is about, `claimant` the account that claims another's number.

    `earliest_settlement_at`: before this an approval is refused, as things stand; null of one that is closed. `proof`
    is what `GET /closings/{id}` takes, in the answer to the approval that closed the account, else null.
    """

    id = fields.Id(required=True)
    kind = fields.Choice(CaseKind, required=True)
    state = fields.Choice(CaseState, required=True)
    opened_at = fields.Moment(required=True)
    closed_at = fields.Moment(required=True, allow_none=True)
    earliest_settlement_at = fields.Moment(required=True, allow_none=True)
    holder = fields.Nested(SideSchema, required=True)
    claimant = fields.Nested(SideSchema, required=True, allow_none=True)
    phone = fields.Text(required=True, allow_none=True)
    basis = fields.Text(required=True, allow_none=True)
    proposal = fields.Nested(WaitingSchema, required=True, allow_none=True)
    proof = fields.Id(required=True, allow_none=True)


class ReportedSchema(Schema):
    """The case that was opened, or was open."""

    id = fields.Id(required=True)
    state = fields.Choice(CaseState, required=True)
    opened_at = fields.Moment(required=True)


class HolderCaseSchema(Schema):
    """A case about the caller's account; `earliest_settlement_at` ends the time to object, null once it is closed."""

    id = fields.Id(required=True)
    kind = fields.Choice(CaseKind, required=True)
    state = fields.Choice(CaseState, required=True)
    opened_at = fields.Moment(required=True)
    closed_at = fields.Moment(required=True, allow_none=True)
    earliest_settlement_at = fields.Moment(required=True, allow_none=True)


class HolderCasesQuery(PageQuery):
    """A page of the caller's own."""


CasePage = page_schema(CaseSchema)
HolderCasePage = page_schema(HolderCaseSchema)
