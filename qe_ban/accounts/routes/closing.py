"""Closing the caller's own account, for good, and that of a ward, after some days."""

from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

from qe_ban.accounts import errors, service
from qe_ban.accounts.models import Closing
from qe_ban.accounts.routes.wards import mine as wards
from qe_ban.accounts.routes.wards import window
from qe_ban.accounts.rules.closing import DELETED, ENDED, named
from qe_ban.accounts.schemas import closing as schemas
from qe_ban.accounts.schemas.wards import EndAtWindowSchema
from qe_ban.accounts.service import Accounts
from qe_ban.db.engine import Database, DatabaseUnavailable
from qe_ban.web import guard, requests
from qe_ban.web.api import Blueprint
from qe_ban.web.parts import now, part

blp = Blueprint("closing", url_prefix="/me/closing", description="注销账号")
proofs = Blueprint("closings", url_prefix="/closings", description="注销证明")

ASKED = "/wards/<id:guardianship_id>/closing"
FRESH_STEP_UP = timedelta(minutes=10)


@blp.route("", methods=["GET"], summary_zh="注销前查看：将删除什么，依法须保留什么、为何、到何时")
@guard.requires("me.close", step_up=guard.SESSION, is_anonymous=True)
@blp.response(200, schemas.ClosingPlanSchema)
@blp.problems(409)
def get_closing() -> dict[str, Any]:
    """What closing the account would delete, and what must be kept, why and until when."""
    with part(Database).transaction() as session:
        return _plan(service.plan_closing(part(Accounts), session, resident_id=guard.principal().id, now=now()))


@blp.route("", methods=["POST"], summary_zh="立即注销账号，不可恢复；回答中有删除证明")
@guard.requires("me.close", step_up=FRESH_STEP_UP)
@blp.arguments(schemas.CloseSchema)
@blp.response(200, schemas.ClosedSchema)
@blp.problems(409)
def close_account(body: dict[str, Any]) -> dict[str, Any]:
    """Close the account now, for good; the answer proves what was deleted."""
    if not body["confirm"]:
        raise errors.ClosingInvalid(fields={"confirm": "须为 true"})
    accounts = part(Accounts)
    with part(Database).transaction() as session:
        answer = _proof(service.close_account(accounts, session, change=guard.change()))
    # it is closed: other workers find out by themselves, and so does this one
    with suppress(DatabaseUnavailable):
        accounts.revocations.refresh()
    return answer


@blp.route("", methods=["DELETE"], summary_zh="制止监护人为本人申请的注销")
@guard.requires("me.close", step_up=guard.SESSION)
@blp.response(204)
@blp.problems(404)
def stop_own_closing() -> None:
    """Stop the closing of the caller's account that a guardian asked for."""
    with part(Database).transaction() as session:
        service.stop_own_closing(part(Accounts), session, change=guard.change())


@wards.route(ASKED, methods=["GET"], summary_zh="注销被监护人账号前查看：将删除什么、须保留什么；有申请的，何时生效")
@guard.requires("me.wards", step_up=guard.SESSION, is_anonymous=True)
@wards.response(200, schemas.WardClosingPlanSchema)
@wards.problems(404)
def get_ward_closing(guardianship_id: UUID) -> dict[str, Any]:
    """What closing the ward's account would delete and keep, and when it is closed where a guardian asked for it."""
    with part(Database).transaction() as session:
        plan = service.plan_ward_closing(
            part(Accounts), session, guardian=guard.principal().id, guardianship_id=guardianship_id, now=now()
        )
    return _plan(plan.plan) | {"due_at": plan.due_at}


@wards.route(ASKED, methods=["POST"], summary_zh="申请注销被监护人账号：通知各方，满七日生效，其间可制止")
@guard.requires("me.wards", step_up=FRESH_STEP_UP)
@wards.arguments(schemas.CloseSchema)
@wards.response(202, schemas.WardClosingSchema)
@wards.problems(404, 409)
def ask_ward_closing(body: dict[str, Any], guardianship_id: UUID) -> dict[str, Any]:
    """Have the ward's account closed after seven days; the ward and all other guardians are told, and may stop it."""
    if not body["confirm"]:
        raise errors.ClosingInvalid(fields={"confirm": "须为 true"})
    with part(Database).transaction() as session:
        due = service.ask_ward_closing(part(Accounts), session, guardianship_id=guardianship_id, change=guard.change())
    return {"due_at": due}


@wards.route(ASKED, methods=["DELETE"], summary_zh="制止被监护人账号的注销，任一监护人均可")
@guard.requires("me.wards", step_up=guard.SESSION)
@wards.response(204)
@wards.problems(404)
def stop_ward_closing(guardianship_id: UUID) -> None:
    """Stop the closing of the ward's account, whichever guardian asked for it."""
    with part(Database).transaction() as session:
        service.stop_ward_closing(part(Accounts), session, guardianship_id=guardianship_id, change=guard.change())


@window.route("/<id:guardianship_id>/stop-closing", methods=["POST"], summary_zh="窗口制止被监护人账号的注销；通知各方")
@guard.requires("wards.confirm")
@window.arguments(EndAtWindowSchema)
@window.response(204)
@window.problems(404)
def stop_closing_at_window(body: dict[str, Any], guardianship_id: UUID) -> None:
    """Stop the closing of the ward of this guardianship, whichever guardian asked for it, for a case."""
    with part(Database).transaction() as session:
        service.stop_closing_at_window(
            part(Accounts), session, guardianship_id=guardianship_id, **body, change=guard.change()
        )


@proofs.route("/<id:closing_id>", methods=["GET"], summary_zh="凭编号再次查看注销证明")
@guard.anyone
@proofs.response(200, schemas.ClosedSchema)
@proofs.problems(404, 429)
def get_proof(closing_id: UUID) -> tuple[dict[str, Any], dict[str, str]]:
    """The proof of a closing once more, for whoever has its id: that was answered, and sent to the phone."""
    service.limit_tries(part(Accounts), address=requests.network())
    with part(Database).transaction() as session:
        return _proof(service.closing_report(session, closing_id)), {"Cache-Control": "no-store"}


def _plan(plan: service.Plan) -> dict[str, Any]:
    return {"deletes": named(plan.deletes, DELETED), "ends": named(plan.ends, ENDED), "keeps": plan.keeps}


def _proof(closing: Closing) -> dict[str, Any]:
    report = closing.report
    return {
        "id": closing.id,
        "closed_at": closing.closed_at,
        "deleted": named(report["deleted"], DELETED),
        "ended": named(report["ended"], ENDED),
        "kept": report["kept"],
        "remaining": report["remaining"],
    }
