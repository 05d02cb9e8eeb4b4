"""The interface of the audit log, read only, for auditors; and of alarms, for whoever is on duty."""

from typing import Any
from uuid import UUID

from qe_ban.audit import schemas, service
from qe_ban.audit.models import Alarm
from qe_ban.audit.rules.alarms import WORDS, AlarmKind, AlarmState
from qe_ban.db.engine import Database
from qe_ban.keys import words
from qe_ban.keys.rings import KeyRings
from qe_ban.web import guard, paging, requests
from qe_ban.web.api import Blueprint
from qe_ban.web.parts import now, part

blp = Blueprint("audit", url_prefix="/audit", description="审计")
alarms = Blueprint("alarms", url_prefix="/alarms", description="告警")


@blp.route("", methods=["GET"], summary_zh="审计记录：谁做了什么，新的在前；查询本身也留痕")
@guard.requires("audit.read")
@blp.query(schemas.AuditQuery)
@blp.response(200, schemas.AuditPage)
def read_events(query: dict[str, Any]) -> dict[str, Any]:
    """Who did what, newest first; the reading is recorded too."""
    limit, cursor = query.pop("limit"), query.pop("cursor")
    before = paging.decode(cursor, int)[0] if cursor is not None else None
    with part(Database).transaction() as session:
        events = service.read(
            session,
            part(KeyRings),
            reader=guard.principal(),
            residents=part(service.IdsOfResidents).of(guard.principal().id, now()),
            criteria=service.Criteria(**query),
            before=before,
            limit=limit + 1,
            now=now(),
            request_id=requests.request_id(),
        )
    return paging.page(events, limit, lambda event: [event.id])


@alarms.route("", methods=["GET"], summary_zh="异常告警及处置建议，新的在前；查询留痕")
@guard.requires("alarms.read")
@alarms.query(schemas.AlarmsQuery)
@alarms.response(200, schemas.AlarmPage)
def list_alarms(query: dict[str, Any]) -> dict[str, Any]:
    """What looks wrong and what to do about it, newest first; the reading is recorded."""
    alarm_filter = service.AlarmFilter(query["state"], query["kind"], paging.last_id(query["cursor"]))
    limit = query["limit"]
    with part(Database).transaction() as session:
        rows = service.read_alarms(session, alarm_filter=alarm_filter, limit=limit + 1, change=guard.change())
    page = paging.page(rows, limit, lambda alarm: [str(alarm.id)])
    return page | {"items": [_to_alarm_body(part(KeyRings), alarm) for alarm in page["items"]]}


@alarms.route(
    "/<id:alarm_id>/close", methods=["POST"], summary_zh="关闭告警，一次为限，须说明查明的情况；不得关闭涉及本人的告警"
)
@guard.requires("alarms.close")
@alarms.arguments(schemas.ClosingNoteSchema)
@alarms.response(200, schemas.AlarmSchema)
@alarms.problems(409)
def close_alarm(body: dict[str, Any], alarm_id: UUID) -> dict[str, Any]:
    """Close an alarm, once, saying what was found and done; nobody closes one about themselves."""
    with part(Database).transaction() as session:
        rings = part(KeyRings)
        alarm = service.close_alarm(session, rings, alarm_id=alarm_id, note=body["note"], change=guard.change())
        return _to_alarm_body(rings, alarm)


def _to_alarm_body(rings: KeyRings, alarm: Alarm) -> dict[str, Any]:
    texts = WORDS[AlarmKind(alarm.kind)]
    return {
        "id": alarm.id,
        "kind": alarm.kind,
        "title": texts.title,
        "advice": texts.advice,
        "subject": alarm.subject,
        "state": AlarmState.OPEN if alarm.closed_at is None else AlarmState.CLOSED,
        "opened_at": alarm.opened_at,
        "last_at": alarm.last_at,
        "count": alarm.count,
        "facts": alarm.facts,
        "closed_at": alarm.closed_at,
        "closed_by": alarm.closed_by,
        "closing_note": words.read(rings, words.CLOSING_NOTE, alarm.id, alarm.closing_note_sealed, alarm.closing_note),
    }
