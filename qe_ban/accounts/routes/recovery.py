"""Accounts and phones that no longer belong together: reported by whoever signs in, settled by two persons of staff."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from flask import Response

from qe_ban.accounts import service
from qe_ban.accounts.routes.outcomes import settled
from qe_ban.accounts.rules import CaseKind
from qe_ban.accounts.schemas import recovery as schemas
from qe_ban.accounts.service import Accounts
from qe_ban.accounts.service import recovery as cases
from qe_ban.accounts.service.look_ups import LookUpIds
from qe_ban.audit import service as audit
from qe_ban.db.engine import Database
from qe_ban.web import conditional, guard, paging
from qe_ban.web.api import Blueprint
from qe_ban.web.parts import now, part

blp = Blueprint("recovery", url_prefix="/recovery/cases", description="账号找回")
mine = Blueprint("my-recovery", url_prefix="/me", description="号码换人申报，本人账号的找回案件")

FRESH_STEP_UP = timedelta(minutes=10)

log = structlog.get_logger(__name__)


@mine.route("/not-mine", methods=["POST"], summary_zh="申报“此号码下的账号不是我的”：本次登录结束，由工作人员核实")
@guard.requires("me.recovery")
@mine.response(202, schemas.ReportedSchema)
@mine.problems(409)
def report_not_mine() -> dict[str, Any]:
    """Say that the account behind my number is another person's: this sign-in ends, and staff look into it."""
    accounts = part(Accounts)
    with part(Database).transaction() as session:
        case = cases.report_not_mine(accounts, session, change=guard.change())
    accounts.revocations.refresh()
    return {"id": case.id, "state": case.state, "opened_at": case.opened_at}


@mine.route("/recovery", methods=["GET"], summary_zh="针对本人账号的找回案件，新的在前：将如何处理、何时前可提出异议")
@guard.requires("me.recovery", is_anonymous=True)
@mine.query(schemas.HolderCasesQuery)
@mine.response(200, schemas.HolderCasePage)
@mine.with_etag
def list_my_recovery(query: dict[str, Any]) -> Response:
    """Cases about the caller's account, newest first: what is to happen, and until when one may object."""
    before = paging.last_id(query["cursor"])
    with part(Database).transaction() as session:
        rows = cases.list_holder_cases(
            part(Accounts), session, holder_id=guard.principal().id, before=before, limit=query["limit"] + 1
        )
    page = paging.page(rows, query["limit"], lambda case: [str(case.id)])
    return conditional.respond(schemas.HolderCasePage().dump(page))


@mine.route(
    "/recovery/<id:case_id>/object",
    methods=["POST"],
    summary_zh="对非本人申请的找回案件提出异议：案件驳回并告警，须重新人脸核验",
)
@guard.requires("me.recovery", step_up=FRESH_STEP_UP)
@mine.response(200, schemas.HolderCaseSchema)
@mine.problems(404, 409)
def object_to_recovery(case_id: UUID) -> cases.HolderCase:
    """Stop a case about the caller's account, which the caller did not ask for: it is rejected, and an alarm raised."""
    with part(Database).transaction() as session:
        objection = cases.object_to_recovery(part(Accounts), session, case_id=case_id, change=guard.change())
    if objection.alarm_id is not None:
        kind = audit.AlarmKind.RECOVERY_OBJECTION.value
        log.error("audit.alarm", kind=kind, alarm=str(objection.alarm_id), about=objection.alarm_subject)
    return objection.case


@blp.route("", methods=["POST"], summary_zh="为到窗口的居民受理账号找回：换号，或手机丢失（立即结束所有登录）")
@guard.requires("recovery.open")
@blp.arguments(schemas.OpenRecoverySchema)
@blp.response(201, schemas.CaseSchema)
@blp.problems(404, 409, 429)
def open_recovery(body: dict[str, Any]) -> dict[str, Any]:
    """Open a case for who stands at the window: a new phone, or a lost one, which ends all sign-ins at once."""
    accounts, change = part(Accounts), guard.change()
    new_case = cases.NewCase(
        kind=CaseKind(body["kind"]),
        id_type=body["id_type"],
        id_number=service.id_number_from(body["id_type"], body["id_number"], change.at),
        name=body["name"].strip() if body["name"] is not None else None,
        new_phone=service.phone_from(body["new_phone"], "new_phone") if body["new_phone"] is not None else None,
        basis=body["basis"],
        case_number=body["case_number"],
    )
    service.limit_look_ups(accounts, staff=guard.principal())
    with part(Database).transaction() as session:
        outcome = cases.open_recovery(accounts, session, wanted=new_case, change=change)
    accounts.revocations.refresh()
    return _shown(settled(outcome))


@blp.route("", methods=["GET"], summary_zh="按状态列出账号找回件，先到的在前，信息已脱敏；查询留痕")
@guard.requires("recovery.read")
@blp.query(schemas.RecoveryQuery)
@blp.response(200, schemas.CasePage)
def list_recovery(query: dict[str, Any]) -> dict[str, Any]:
    """Cases of a state, oldest first, masked; the reading is recorded."""
    with part(Database).transaction() as session:
        rows = cases.list_recovery(
            part(Accounts),
            session,
            state=query["state"],
            after=paging.last_id(query["cursor"]),
            limit=query["limit"] + 1,
            change=guard.change(),
        )
    page = paging.page(rows, query["limit"], lambda row: [str(row.case.id)])
    return {"items": [_shown(row) for row in page["items"]], "next": page["next"]}


@blp.route("/<id:case_id>/propose", methods=["POST"], summary_zh="提出处理意见，须由另一人在一天内批准")
@guard.requires("recovery.propose")
@blp.arguments(schemas.ProposeSchema)
@blp.response(200, schemas.CaseSchema)
@blp.problems(404, 409)
def propose_decision(body: dict[str, Any], case_id: UUID) -> dict[str, Any]:
    """Propose how a case ends; another person approves it within a day."""
    with part(Database).transaction() as session:
        case = cases.propose_decision(part(Accounts), session, case_id=case_id, change=guard.change(), **body)
    return _shown(case)


@blp.route("/<id:case_id>/withdraw", methods=["POST"], summary_zh="撤回处理意见，以便另提")
@guard.requires("recovery.propose")
@blp.arguments(schemas.ProposalSchema)
@blp.response(200, schemas.CaseSchema)
@blp.problems(404, 409)
def withdraw_decision(body: dict[str, Any], case_id: UUID) -> dict[str, Any]:
    """Take a proposal back, so that another can be made."""
    with part(Database).transaction() as session:
        case = cases.withdraw_decision(part(Accounts), session, case_id=case_id, change=guard.change(), **body)
    return _shown(case)


@blp.route("/<id:case_id>/approve", methods=["POST"], summary_zh="批准他人提出的处理意见，立即执行并通知双方")
@guard.requires("recovery.settle")
@blp.arguments(schemas.ProposalSchema)
@blp.response(200, schemas.CaseSchema)
@blp.problems(404, 409)
def approve_decision(body: dict[str, Any], case_id: UUID) -> dict[str, Any]:
    """Approve what another person proposed: it is done at once, and both places are told."""
    accounts = part(Accounts)
    with part(Database).transaction() as session:
        case = cases.approve_decision(accounts, session, case_id=case_id, change=guard.change(), **body)
    accounts.revocations.refresh()
    return _shown(case)


def _shown(shown: cases.ShownCase) -> dict[str, Any]:
    case = shown.case
    proposal = None
    if shown.proposal is not None:
        proposal = {
            "id": shown.proposal.id,
            "decision": shown.proposal.details["decision"],
            "basis": shown.decision_basis,
            "proposed_by": shown.proposal.proposed_by,
            "proposed_at": shown.proposal.proposed_at,
            "expires_at": shown.proposal.expires_at,
            "own": shown.proposal.proposed_by == guard.principal().id,
        }
    return {
        "id": case.id,
        "kind": case.kind,
        "state": case.state,
        "opened_at": case.opened_at,
        "closed_at": case.closed_at,
        "earliest_settlement_at": shown.earliest_settlement_at,
        "holder": _side(shown.holder),
        "claimant": _side(shown.claimant) if shown.claimant is not None else None,
        "phone": shown.phone,
        "basis": shown.basis,
        "proposal": proposal,
        "proof": shown.proof,
    }


def _side(side: cases.Side) -> cases.Side:
    """Return a side under an id that is the reader's own for it."""
    return replace(side, id=LookUpIds(part(Accounts).rings, guard.principal().id, now()).id_of(side.id))
