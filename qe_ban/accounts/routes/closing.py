"""Closing the caller's own account, for good."""

from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

from qe_ban.accounts import errors, service
from qe_ban.accounts.models import Closing
from qe_ban.accounts.rules.closing import DELETED, ENDED, named
from qe_ban.accounts.schemas import closing as schemas
from qe_ban.accounts.service import Accounts
from qe_ban.audit import service as audit
from qe_ban.db.engine import Database, DatabaseUnavailable
from qe_ban.web import guard, requests
from qe_ban.web.api import Blueprint
from qe_ban.web.parts import now, part

blp = Blueprint("closing", url_prefix="/me/closing", description="注销账号")
proofs = Blueprint("closings", url_prefix="/closings", description="注销证明")

FRESH_STEP_UP = timedelta(minutes=10)


@blp.route("", methods=["GET"], summary_zh="注销前查看：将删除什么，依法须保留什么、为何、到何时")
@guard.requires("me.close", step_up=guard.SESSION, unnamed=True)
@blp.response(200, schemas.ClosingPlanSchema)
@blp.problems(409)
def get_closing() -> dict[str, Any]:
    """What closing the account would delete, and what must be kept, why and until when."""
    with part(Database).transaction() as session:
        plan = service.plan_closing(part(Accounts), session, resident_id=guard.principal().id, now=now())
    return {"deletes": named(plan.deletes, DELETED), "ends": named(plan.ends, ENDED), "keeps": plan.keeps}


@blp.route("", methods=["POST"], summary_zh="立即注销账号，不可恢复；回答中有删除证明")
@guard.requires("me.close", step_up=FRESH_STEP_UP)
@blp.arguments(schemas.CloseSchema)
@blp.response(200, schemas.ClosedSchema)
@blp.problems(409)
def close_account(body: dict[str, Any]) -> dict[str, Any]:
    """Close the account now, for good; the answer proves what was deleted."""
    if not body["confirm"]:
        raise errors.ClosingInvalid(fields={"confirm": "须为 true"})
    accounts, caller = part(Accounts), guard.principal()
    with part(Database).transaction() as session:
        change = audit.Change(caller, now(), requests.request_id())
        answer = _proof(service.close_account(accounts, session, change=change))
    # it is closed: other workers find out by themselves, and so does this one
    with suppress(DatabaseUnavailable):
        accounts.revocations.refresh()
    return answer


@proofs.route("/<id:closing_id>", methods=["GET"], summary_zh="凭编号再次查看注销证明")
@guard.anyone
@proofs.response(200, schemas.ClosedSchema)
@proofs.problems(404, 429)
def get_proof(closing_id: UUID) -> tuple[dict[str, Any], dict[str, str]]:
    """The proof of a closing once more, for whoever has its id: that was answered, and sent to the phone."""
    service.limit_tries(part(Accounts), address=requests.network())
    with part(Database).transaction() as session:
        return _proof(service.closing_report(session, closing_id)), {"Cache-Control": "no-store"}


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
