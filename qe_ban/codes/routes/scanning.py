"""The scanners' door: one call judges a code, or the short number that stands for one."""

from typing import Any

from qe_ban.codes import schemas, service
from qe_ban.codes.service import Wallet
from qe_ban.db.engine import Database
from qe_ban.db.limits import Limiter
from qe_ban.web import guard
from qe_ban.web.api import Blueprint
from qe_ban.web.parts import now, part
from qe_ban.web.requests import request_id

blp = Blueprint("scanning", url_prefix="/codes", description="核验")


@blp.route("/verify", methods=["POST"], summary_zh="按用途核验一个码或短号；不通过也是结果，同样留痕")
@guard.requires("codes.verify")
@blp.arguments(schemas.VerifyRequest, shape=schemas.VERIFY)
@blp.response(200, schemas.VerdictSchema)
@blp.problems(409, 429)
def verify(body: dict[str, Any]) -> service.VerdictResponse:
    """Judge a code, or a short number, for a purpose; a refusal is a result, kept like an acceptance."""
    text = body.get("code", "")
    code = {"code": service.undo_keyboard(text)} if text else {}
    request = service.VerifyRequest(scanner=guard.principal().id, request_id=request_id(), **body | code)
    with part(Database).statements() as connection:
        if request.short_number is not None:
            return service.explain(service.verify_number(part(Wallet), part(Limiter), connection, request, now()))
        return service.explain(service.verify(part(Wallet), connection, request, now()), text)
