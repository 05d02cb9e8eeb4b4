"""Wire shapes of health levels. A level is a name and never a number."""

from qe_ban.health.rules import ChangeState, CorrectionState, LevelState, SetBy
from qe_ban.kernel.city import Level
from qe_ban.web import fields, paging, typed_fields
from qe_ban.web.schema import Schema

LEVELS = tuple(level.value for level in Level)
REASON, WORDS = 1000, 1000
MOST_RESIDENTS = 1000
CASE = 64


class NewHealthChangeSchema(Schema):
    """Which level for whom, until when, on which basis. `expected_count` is the number of `residents`."""

    residents = fields.Many(fields.Id(), min=1, max=MOST_RESIDENTS, required=True)
    expected_count = fields.Whole(1, MOST_RESIDENTS, required=True)
    level = fields.Choice(LEVELS, required=True)
    basis = fields.Text(1, 64, pattern="[a-z0-9-]+", required=True)
    reason = fields.Lines(2, REASON, required=True)
    ends_at = fields.Moment(required=True)
    case_number = typed_fields.HyphenatedNumber(6, CASE, required=True, **fields.CASE_NUMBER)


class HealthApprovalSchema(Schema):
    """The number of residents that the approver has read."""

    expected_count = fields.Whole(1, MOST_RESIDENTS, required=True)


class HealthChangesQuery(paging.PageQuery):
    """A page of changes of one state."""

    state = fields.Choice(ChangeState, load_default=ChangeState.PROPOSED)


class ListedHealthChangeSchema(Schema):
    """A change without those whom it concerns; `number` as proposed, `applied` as carried out."""

    id = fields.Id(required=True)
    level = fields.Choice(LEVELS, required=True)
    level_name = fields.Text(required=True)
    basis = fields.Text(required=True)
    basis_name = fields.Text(required=True)
    reason = fields.Lines(max=REASON, allow_none=True, required=True)
    ends_at = fields.Moment(required=True)
    number = fields.Whole(required=True)
    applied = fields.Whole(allow_none=True, required=True)
    digest = fields.Text(max=64, required=True)
    state = fields.Choice(ChangeState, required=True)
    state_name = fields.Text(required=True)
    proposed_by = fields.Id(required=True)
    proposed_at = fields.Moment(required=True)
    decided_by = fields.Id(allow_none=True, required=True)
    decided_at = fields.Moment(allow_none=True, required=True)
    own = fields.Flag(required=True)


class ConcernedSchema(Schema):
    """A resident of a change, masked; `id` is the reader's own for the resident, as a look-up gives one.

    `before` is the level that was shown when the change came into force.
    """

    id = fields.Id(required=True)
    name = fields.Text(allow_none=True, required=True)
    state = fields.Choice(LevelState, required=True)
    before = fields.Choice(LEVELS, allow_none=True, required=True)


class HealthChangeSchema(ListedHealthChangeSchema):
    """A change whole."""

    residents = fields.Many(fields.Nested(ConcernedSchema), max=MOST_RESIDENTS, required=True)


class ForQuery(Schema):
    """`?for=`: the ward whom the caller acts for; without it the caller's own."""

    for_ = fields.Id(data_key="for", load_default=None)


class HealthBasisSchema(Schema):
    """A legal basis of the city's list."""

    code = fields.Text(required=True)
    name = fields.Text(required=True)


class CorrectingSchema(Schema):
    """How to have the level corrected: in words, within how many days it is answered, whether a request is open."""

    how = fields.Text(required=True)
    answered_within_days = fields.Whole(required=True)
    open = fields.Flag(required=True)


class MyHealthSchema(Schema):
    """A level, who says it and why. `rule`: its name and version; `as_of`: the moment that it is of."""

    level = fields.Choice(LEVELS, allow_none=True, required=True)
    level_name = fields.Text(allow_none=True, required=True)
    set_by = fields.Choice(SetBy, required=True)
    rule = fields.Text(allow_none=True, required=True)
    basis = fields.Nested(HealthBasisSchema, allow_none=True, required=True)
    reason = fields.Lines(max=REASON, allow_none=True, required=True)
    since = fields.Moment(allow_none=True, required=True)
    until = fields.Moment(allow_none=True, required=True)
    as_of = fields.Moment(allow_none=True, required=True)
    correction = fields.Nested(CorrectingSchema, required=True)


class NewCorrectionSchema(Schema):
    """What is wrong with the level."""

    text = fields.Lines(2, WORDS, required=True)


class CorrectionsQuery(paging.PageQuery):
    """Which requests staff look for."""

    state = fields.Choice(CorrectionState, load_default=None)
    overdue = fields.Flag(load_default=None)


class MyCorrectionsQuery(paging.PageQuery, ForQuery):
    """A page of one's own requests, or of a ward's."""


class CorrectionAnswerSchema(Schema):
    """What is said to a request; `corrected`: the level was wrong, else it stands."""

    text = fields.Lines(2, WORDS, required=True)
    corrected = fields.Flag(required=True)


class ListedCorrectionSchema(Schema):
    """A request without what people wrote. `level` and `set_by` are as they stood when it was made."""

    id = fields.Id(required=True)
    level = fields.Choice(LEVELS, required=True)
    level_name = fields.Text(required=True)
    set_by = fields.Choice(SetBy, required=True)
    by_guardian = fields.Flag(required=True)
    state = fields.Choice(CorrectionState, required=True)
    state_name = fields.Text(required=True)
    opened_at = fields.Moment(required=True)
    due_at = fields.Moment(required=True)
    overdue = fields.Flag(required=True)
    answered_at = fields.Moment(allow_none=True, required=True)


class MyCorrectionSchema(ListedCorrectionSchema):
    """A request whole; a guardian reads no words of the ward's own."""

    text = fields.Lines(max=WORDS, allow_none=True, required=True)
    answer = fields.Lines(max=WORDS, allow_none=True, required=True)


class CorrectionSchema(MyCorrectionSchema):
    """A request as staff answer it; `resident` is an id of the reader's own, as a look-up gives one."""

    resident = fields.Id(required=True)


ChangePage = paging.page_schema(ListedHealthChangeSchema)
ListedCorrectionPage = paging.page_schema(ListedCorrectionSchema)
MyCorrectionPage = paging.page_schema(MyCorrectionSchema)
