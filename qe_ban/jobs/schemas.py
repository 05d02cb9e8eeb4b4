"""The wire shapes of long jobs."""

from qe_ban.jobs.rules import MOST_FAULTS, JobState, Severity
from qe_ban.web import fields
from qe_ban.web.paging import PageQuery, page_schema
from qe_ban.web.schema import Schema

LONGEST = 4000


class JobsQuery(PageQuery):
    """A page of jobs."""


class FaultSchema(Schema):
    """Something wrong with what a job was given, by its place in the file."""

    severity = fields.Choice(Severity, required=True, metadata={"description": "error：未导入；warning：请核对"})
    sheet = fields.Text(0, LONGEST, required=True, allow_none=True, metadata={"description": "工作表"})
    row = fields.Whole(required=True, allow_none=True, metadata={"description": "文件中的行号"})
    column = fields.Text(0, LONGEST, required=True, allow_none=True, metadata={"description": "列名"})
    message = fields.Text(0, LONGEST, required=True)


class FaultCountsSchema(Schema):
    """How many faults there are, by severity."""

    error = fields.Whole(required=True)
    warning = fields.Whole(required=True)


class JobResultSchema(Schema):
    """What a job has done so far; which counts there are depends on its kind and phase, more may come.

    Of an import: items by outcome, `skipped` rows' items, `ending`: those that will end. `refusals`: why the import
    that a dry run tried would fail.
    """

    created = fields.Whole()
    changed = fields.Whole()
    unchanged = fields.Whole()
    reopened = fields.Whole()
    ended = fields.Whole()
    ending = fields.Whole()
    skipped = fields.Whole()
    refusals = fields.Many(fields.Text(max=LONGEST))
    faults = fields.Nested(FaultCountsSchema)


class JobSummarySchema(Schema):
    """A job as it stands; `percent` of its phase is null where nobody knows."""

    id = fields.Id(required=True)
    kind = fields.Text(1, 80, required=True)
    state = fields.Choice(JobState, required=True)
    phase = fields.Text(0, 80, required=True)
    done = fields.Whole(required=True)
    total = fields.Whole(required=True, allow_none=True)
    percent = fields.Whole(0, 100, required=True, allow_none=True)
    result = fields.RawShape(JobResultSchema, required=True)
    error = fields.Text(0, LONGEST, required=True, allow_none=True, metadata={"description": "未能完成的原因"})
    created_at = fields.Moment(required=True)
    started_at = fields.Moment(required=True, allow_none=True)
    finished_at = fields.Moment(required=True, allow_none=True)


class JobSchema(JobSummarySchema):
    """A job with its first faults; `result.faults` counts them all."""

    faults = fields.Many(fields.Nested(FaultSchema), MOST_FAULTS, required=True)


JobPage = page_schema(JobSummarySchema)
