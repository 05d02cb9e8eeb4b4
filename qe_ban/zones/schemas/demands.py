"""The wire shapes of firms' demands, as residents and as editors see them."""

from typing import Final

from qe_ban.kernel import patterns
from qe_ban.kernel.principal import PrincipalKind
from qe_ban.publishing.rules.blocks.words import INDUSTRIES
from qe_ban.web import fields, typed_fields
from qe_ban.web.paging import PageQuery, page_schema
from qe_ban.web.schema import Schema
from qe_ban.zones.rules.demands import SIZES, DemandState, Step

SLUG: Final = 40
NAME: Final = 60
TITLE: Final = 60
TEXT: Final = 2000
PHONE: Final = 32
USCC: Final = 18
ANSWER: Final = 2000
REASON: Final = 500
WORD: Final = 20


class NewDemandSchema(Schema):
    """What a firm sends. `version`: the page's, when the form was opened; the text of consent must still be that."""

    block = fields.Text(1, SLUG, patterns.SLUG, required=True)
    version = fields.Whole(1, 2**31 - 1)
    firm = fields.Text(2, NAME, required=True)
    uscc = typed_fields.Number(USCC, USCC, required=True, metadata={"description": "统一社会信用代码（GB 32100）"})
    industry = fields.Choice(INDUSTRIES, required=True)
    size = fields.Choice(SIZES, load_default=None, allow_none=True)
    solution = fields.Text(1, NAME, load_default=None, allow_none=True)
    title = fields.Text(2, TITLE, required=True)
    text = fields.Lines(5, TEXT, required=True)
    contact = fields.Text(1, 30, required=True)
    phone = typed_fields.HyphenatedNumber(7, PHONE, required=True)
    consent = fields.Flag(required=True)


class DemandReceivedSchema(Schema):
    """That a demand was taken; it repeats nothing of what was sent, for this answer is kept a day."""

    id = fields.Id(required=True)
    zone = fields.Text(1, SLUG, required=True)
    state = fields.Choice(DemandState, required=True)
    state_name = fields.Text(1, WORD, required=True)
    created_at = fields.Moment(required=True)


class DemandReplySchema(Schema):
    """Whether the answer has helped."""

    solved = fields.Flag(required=True)
    text = fields.Lines(1, REASON, load_default=None, allow_none=True)


class DemandAnswerSchema(Schema):
    """What the firm is answered."""

    text = fields.Lines(1, ANSWER, required=True)


class DemandReasonSchema(Schema):
    """Why a demand is not taken on."""

    reason = fields.Lines(1, REASON, required=True)


class DemandsQuery(PageQuery):
    """Which demands are looked for."""

    state = fields.Choice(DemandState, load_default=None)
    industry = fields.Choice(INDUSTRIES, load_default=None)


class ListedDemandSchema(Schema):
    """A demand of a list: nobody's name, phone or free text."""

    id = fields.Id(required=True)
    zone = fields.Text(1, SLUG, required=True)
    zone_name = fields.Text(1, SLUG, required=True)
    state = fields.Choice(DemandState, required=True)
    state_name = fields.Text(1, WORD, required=True)
    firm = fields.Text(1, NAME, required=True)
    uscc = fields.Text(USCC, USCC, required=True)
    industry = fields.Choice(INDUSTRIES, required=True)
    industry_name = fields.Text(1, WORD, required=True)
    size = fields.Choice(SIZES, required=True, allow_none=True)
    size_name = fields.Text(1, WORD, required=True, allow_none=True)
    solution = fields.Text(1, NAME, required=True, allow_none=True)
    title = fields.Text(1, TITLE, required=True)
    steps_allowed = fields.Many(fields.Choice(Step), required=True)
    created_at = fields.Moment(required=True)
    updated_at = fields.Moment(required=True)


class DemandStepSchema(Schema):
    """A step of a demand's course; `note` is an answer, a reason or a reply. No member of staff is named."""

    at = fields.Moment(required=True)
    by_kind = fields.Choice(
        [PrincipalKind.RESIDENT.value, PrincipalKind.STAFF.value], name="DemandParty", required=True
    )
    state = fields.Choice(DemandState, required=True)
    state_name = fields.Text(1, WORD, required=True)
    note = fields.Lines(1, ANSWER, required=True, allow_none=True)


class DemandSchema(ListedDemandSchema):
    """A demand whole, for the firm and for those who handle it; the consent is what `version` says in `block`.

    Of one that was withdrawn text, contact, phone, answer and notes are null.
    """

    text = fields.Lines(1, TEXT, required=True, allow_none=True)
    contact = fields.Text(1, 30, required=True, allow_none=True)
    phone = fields.Text(1, PHONE, required=True, allow_none=True)
    answer = fields.Lines(1, ANSWER, required=True, allow_none=True)
    block = fields.Text(1, SLUG, required=True)
    version = fields.Whole(required=True)
    consented_at = fields.Moment(required=True)
    steps = fields.Many(fields.Nested(DemandStepSchema), max=1000, required=True)


class DemandCountSchema(Schema):
    """How many demands stand in a state."""

    state = fields.Choice(DemandState, required=True)
    state_name = fields.Text(1, WORD, required=True)
    count = fields.Whole(required=True)


class DemandCountsSchema(Schema):
    """How many demands stand in each state; `waiting`: of those how many wait for the editors."""

    items = fields.Many(fields.Nested(DemandCountSchema), required=True)
    waiting = fields.Whole(required=True)


DemandPage = page_schema(ListedDemandSchema)
