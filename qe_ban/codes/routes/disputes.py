"""The interface of disputes: residents say what is wrong with a scan, the venue's district answers."""

from typing import Any
from uuid import UUID

from qe_ban.accounts import service as accounts
from qe_ban.codes import service
from qe_ban.codes.routes import presenters
from qe_ban.codes.routes.subjects import find_subject
from qe_ban.codes.schemas import ForQuery
from qe_ban.codes.schemas import disputes as schemas
from qe_ban.db.engine import Database
from qe_ban.keys.rings import KeyRings
from qe_ban.web import guard, paging
from qe_ban.web.api import Blueprint
from qe_ban.web.parts import now, part

raising = Blueprint("disputing", url_prefix="/codes/ledger", description="对用码记录提出异议")
mine = Blueprint("my_disputes", url_prefix="/me/disputes", description="我的异议")
handling = Blueprint("disputes", url_prefix="/disputes", description="答复异议")

PRIVATE = {"Cache-Control": "no-store"}


@raising.route("/<id:scan>/dispute", methods=["POST"], summary_zh="对一次核验提出异议，每次核验一次；十五日内答复")
@guard.requires("me.disputes", step_up=guard.SESSION, is_anonymous=True)
@raising.query(ForQuery)
@raising.arguments(schemas.NewDisputeSchema)
@raising.response(201, schemas.DisputeSchema)
@raising.problems(404, 409)
def dispute(query: dict[str, Any], body: dict[str, Any], scan: UUID) -> dict[str, Any]:
    """Dispute a scan of the ledger, once; it is answered within fifteen days, and the caller is told."""
    change = guard.change()
    # a transaction of its own: the one that writes the dispute touches nothing that names anybody. What a guardian does
    # is sealed in the dispute's row, and the audit has it when the day is over
    subject = find_subject(query, change.at)
    with part(Database).transaction() as session:
        content = service.open_dispute(
            session,
            part(KeyRings),
            resident=subject.resident,
            ward=subject.ward,
            scan=scan,
            text=body["text"],
            change=change,
        )
    return presenters.render_for_owner(content, change.at)


@mine.route("", methods=["GET"], summary_zh="本人的异议及答复，新的在前")
@guard.requires("me.disputes", step_up=guard.SESSION, is_anonymous=True)
@mine.query(schemas.MyDisputesQuery)
@mine.response(200, schemas.DisputePage)
@mine.problems(404)
def list_mine(query: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """The disputes of one's scans with their answers, newest first; a guardian reads the words of the own ones."""
    before, limit, change = paging.last_id(query["cursor"]), query["limit"], guard.change()
    with part(Database).transaction() as session:
        subject = accounts.resolve_subject(session, caller=change.by.id, ward=query["for_"], now=change.at)
        rows = service.list_own_disputes(
            session,
            part(KeyRings),
            resident=subject.resident,
            guardian=change.by.id if subject.is_ward else None,
            before=before,
            limit=limit + 1,
        )
        accounts.record_for_ward(part(KeyRings), session, subject, change, "disputes.list")
    page = paging.page(rows, limit, lambda row: [str(row.dispute.id)])
    return page | {"items": [presenters.render_for_owner(row, change.at) for row in page["items"]]}, PRIVATE


@mine.route(
    "/<id:dispute_id>/appeal", methods=["POST"], summary_zh="对不成立的异议向市级申诉一次，须在答复后30日内提出"
)
@guard.requires("me.disputes", step_up=guard.SESSION, is_anonymous=True)
@mine.query(ForQuery)
@mine.arguments(schemas.NewDisputeSchema)
@mine.response(201, schemas.DisputeSchema)
@mine.problems(404, 409)
def appeal(query: dict[str, Any], body: dict[str, Any], dispute_id: UUID) -> tuple[dict[str, Any], dict[str, str]]:
    """Appeal of a dismissal to the city, once, within thirty days; it is answered within fifteen."""
    change = guard.change()
    subject = find_subject(query, change.at)
    with part(Database).transaction() as session:
        content = service.open_appeal(
            session,
            part(KeyRings),
            resident=subject.resident,
            guardian=change.by.id if subject.is_ward else None,
            ward=subject.ward,
            dispute_id=dispute_id,
            text=body["text"],
            change=change,
        )
    return presenters.render_for_owner(content, change.at), PRIVATE


@handling.route("", methods=["GET"], summary_zh="本人负责场所的异议，新的在前，不含当事人原文")
@guard.requires("disputes.answer")
@handling.query(schemas.DisputesQuery)
@handling.response(200, schemas.ListedDisputePage)
def list_disputes(query: dict[str, Any]) -> dict[str, Any]:
    """The disputes of scans at venues that the caller answers for, newest first, without anybody's text."""
    filters = service.DisputeFilter(query["state"], query["overdue"], paging.last_id(query["cursor"]))
    limit, moment = query["limit"], now()
    with part(Database).transaction() as session:
        rows = service.list_disputes(
            session, part(KeyRings), reader=guard.principal(), filters=filters, limit=limit + 1, now=moment
        )
    page = paging.page(rows, limit, lambda row: [str(row.dispute.id)])
    return page | {"items": [presenters.render_listed(row, moment) for row in page["items"]]}


@handling.route("/<id:dispute_id>", methods=["GET"], summary_zh="查看一件异议的原文；查看留痕，不显示提出人")
@guard.requires("disputes.answer")
@handling.response(200, schemas.HandledDisputeSchema)
def get_dispute(dispute_id: UUID) -> tuple[dict[str, Any], dict[str, str]]:
    """A dispute with its text; that it was read is audited. Who disputes is not told."""
    change = guard.change()
    with part(Database).transaction() as session:
        return presenters.render_for_staff(
            service.read_dispute(session, part(KeyRings), dispute_id=dispute_id, change=change), change.at
        ), PRIVATE


@handling.route("/<id:dispute_id>/answer", methods=["POST"], summary_zh="答复异议，一次为限；提出人会收到通知")
@guard.requires("disputes.answer")
@handling.arguments(schemas.DisputeAnswerSchema)
@handling.response(200, schemas.HandledDisputeSchema)
@handling.problems(409)
def answer_dispute(body: dict[str, Any], dispute_id: UUID) -> dict[str, Any]:
    """Answer a dispute, once; whoever disputes is told that there is an answer."""
    change = guard.change()
    with part(Database).transaction() as session:
        content = service.answer_dispute(session, part(KeyRings), dispute_id=dispute_id, change=change, **body)
    return presenters.render_for_staff(content, change.at)


@handling.route("/<id:dispute_id>/appeal/answer", methods=["POST"], summary_zh="市级另一名工作人员答复申诉")
@guard.requires("disputes.answer")
@handling.arguments(schemas.DisputeAnswerSchema)
@handling.response(200, schemas.HandledDisputeSchema)
@handling.problems(409)
def answer_appeal(body: dict[str, Any], dispute_id: UUID) -> dict[str, Any]:
    """Answer an appeal for the city, once and finally; the resident is told."""
    change = guard.change()
    with part(Database).transaction() as session:
        content = service.answer_appeal(session, part(KeyRings), dispute_id=dispute_id, change=change, **body)
    return presenters.render_for_staff(content, change.at)
