"""A resident's own level, or a ward's: who says it, on which basis, until when; and requests to have it corrected."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from qe_ban.accounts import service as accounts
from qe_ban.db.engine import Database
from qe_ban.health import schemas, service
from qe_ban.health.routes.presenters import render_level, render_whole_correction
from qe_ban.health.service import Health
from qe_ban.kernel.principal import Change
from qe_ban.web import guard, paging
from qe_ban.web.api import Blueprint
from qe_ban.web.parts import part

blp = Blueprint("my_health", url_prefix="/me/health", description="我的健康码等级与纠错")


@blp.route(
    "", methods=["GET"], summary_zh="本人健康码的等级（与核验终端所见一致）：谁认定、依据、起止时间及如何申请更正"
)
@guard.requires("me.health", step_up=guard.SESSION, is_anonymous=True)
@blp.query(schemas.ForQuery)
@blp.response(200, schemas.MyHealthSchema)
@blp.problems(404)
def get_my_health(query: dict[str, Any]) -> dict[str, Any]:
    """The level as scanners read it, who says it, on which basis, since and until when, and how to correct it."""
    change = guard.change()
    with part(Database).transaction() as session:
        subject = _subject_of_reading(session, query, "health.read_level", change)
        level = service.my_level(part(Health), session, subject.resident, change.at)
        has_open = service.has_open_request(session, subject.resident)
    return render_level(level, has_open_request=has_open)


@blp.route("/corrections", methods=["POST"], summary_zh="申请更正等级；由未经手的人员限期答复")
@guard.requires("me.health", step_up=guard.SESSION)
@blp.query(schemas.ForQuery)
@blp.arguments(schemas.NewCorrectionSchema)
@blp.response(201, schemas.MyCorrectionSchema)
@blp.problems(404, 409)
def request_correction(query: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    """Ask to have the level corrected; it is answered by a deadline, by somebody who had no part in it."""
    change = guard.change()
    with part(Database).transaction() as session:
        subject = accounts.resolve_subject(session, caller=change.by.id, ward=query["for_"], now=change.at)
        content = service.request_correction(
            part(Health),
            session,
            resident=subject.resident,
            by_guardian=subject.is_ward,
            wording=body["text"],
            change=change,
        )
    return render_whole_correction(content, change.at)


@blp.route("/corrections", methods=["GET"], summary_zh="本人的更正申请及答复，新的在前")
@guard.requires("me.health", step_up=guard.SESSION, is_anonymous=True)
@blp.query(schemas.MyCorrectionsQuery)
@blp.response(200, schemas.MyCorrectionPage)
@blp.problems(404)
def list_my_corrections(query: dict[str, Any]) -> dict[str, Any]:
    """The requests for correction with their answers, newest first."""
    before, limit, change = paging.last_id(query["cursor"]), query["limit"], guard.change()
    with part(Database).transaction() as session:
        subject = _subject_of_reading(session, query, "health.list_corrections", change)
        rows = service.my_corrections(
            part(Health),
            session,
            resident=subject.resident,
            guardian=subject.is_ward,
            before=before,
            limit=limit + 1,
        )
    page = paging.page(rows, limit, lambda content: [str(content.correction.id)])
    return page | {"items": [render_whole_correction(content, change.at) for content in page["items"]]}


def _subject_of_reading(session: Session, query: Mapping[str, Any], action: str, change: Change) -> accounts.Subject:
    """Return whom a call is about; what a guardian reads is recorded. Raises WardNotFound."""
    subject = accounts.resolve_subject(session, caller=change.by.id, ward=query["for_"], now=change.at)
    accounts.record_for_ward(part(Health).rings, session, subject, change, action)
    return subject
