"""The wire shapes of the audit log and of alarms."""

from qe_ban.audit.rules.alarms import AlarmKind, AlarmState
from qe_ban.kernel.principal import PrincipalKind
from qe_ban.web import fields
from qe_ban.web.paging import PageQuery, page_schema
from qe_ban.web.schema import Schema


class AuditQuery(PageQuery):
    """What an auditor may ask for."""

    actor = fields.Id(metadata={"description": "谁做的；居民用本人在审计记录中读到的编号，12 至 24 小时内有效"})
    action = fields.Text(1, 80, metadata={"description": "做了什么，如 venues.create"})
    subject = fields.Text(1, 200, metadata={"description": "对什么做的；居民同上"})
    since = fields.Moment(metadata={"description": "不早于"})
    until = fields.Moment(metadata={"description": "早于"})


class AuditEventSchema(Schema):
    """One event."""

    id = fields.Text(1, 20, required=True)
    at = fields.Moment(required=True)
    actor_kind = fields.Choice(PrincipalKind, required=True, allow_none=True)
    actor_id = fields.Id(required=True, allow_none=True)
    action = fields.Text(1, 200, required=True)
    subject = fields.Text(1, 200, required=True)
    details = fields.Anything(required=True, metadata={"type": "object"})
    case_number = fields.Text(required=True, allow_none=True)
    request_id = fields.Text(required=True, allow_none=True)


AuditPage = page_schema(AuditEventSchema)


class AlarmsQuery(PageQuery):
    """Which alarms to list."""

    state = fields.Choice(AlarmState, load_default=AlarmState.OPEN)
    kind = fields.Choice(AlarmKind, load_default=None)


class AlarmSchema(Schema):
    """One alarm. `title` and `advice` are for people on duty; `facts` are figures of the newest look."""

    id = fields.Id(required=True)
    kind = fields.Choice(AlarmKind, required=True)
    title = fields.Text(required=True)
    advice = fields.Text(required=True)
    subject = fields.Text(required=True)
    state = fields.Choice(AlarmState, required=True)
    opened_at = fields.Moment(required=True)
    last_at = fields.Moment(required=True)
    count = fields.Whole(required=True)
    facts = fields.Anything(required=True, metadata={"type": "object"})
    closed_at = fields.Moment(required=True, allow_none=True)
    closed_by = fields.Id(required=True, allow_none=True)
    closing_note = fields.Lines(max=500, required=True, allow_none=True)


class ClosingNoteSchema(Schema):
    """What was found and what was done, without anybody's number."""

    note = fields.Lines(2, 500, required=True)


AlarmPage = page_schema(AlarmSchema)
