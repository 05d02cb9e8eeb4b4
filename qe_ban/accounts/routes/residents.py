"""What staff may ask about residents."""

from typing import Any

from qe_ban.accounts import errors, schemas, service
from qe_ban.accounts.routes.outcomes import settled
from qe_ban.accounts.service import Accounts, Wanted
from qe_ban.db.engine import Database
from qe_ban.web import guard, requests
from qe_ban.web.api import Blueprint
from qe_ban.web.parts import now, part

blp = Blueprint("residents", url_prefix="/residents", description="居民账号查询")


@blp.route("/look-up", methods=["POST"], summary_zh="窗口按手机号或证件查询居民，须填办件编号；每次查询均留痕")
@guard.requires("residents.look_up")
@blp.arguments(schemas.LookUpSchema)
@blp.response(200, schemas.FoundSchema)
@blp.problems(404, 429)
def look_up_resident(body: dict[str, Any]) -> dict[str, Any]:
    """A resident by phone or document, for a case; the look-up is recorded, found or not."""
    accounts, query = part(Accounts), _wanted(body)
    service.limit_look_ups(accounts, staff=guard.principal())
    with part(Database).transaction() as session:
        outcome = service.look_up(
            accounts,
            session,
            staff=guard.principal(),
            wanted=query,
            case_number=body["case_number"],
            now=now(),
            request_id=requests.request_id(),
        )
    return _shown(settled(outcome))


def _wanted(body: dict[str, Any]) -> Wanted:
    names = {"phone", "id_type", "id_number"} & set(body)
    if names == {"phone"}:
        return Wanted(phone=service.phone_from(body["phone"]))
    if names == {"id_type", "id_number"}:
        number = service.id_number_from(body["id_type"], body["id_number"], now())
        return Wanted(id_type=body["id_type"], id_number=number)
    raise errors.IdentifierRefused(fields={"phone": "须提供手机号码，或证件类型与证件号码，二者择一"})


def _shown(found: service.Found) -> dict[str, Any]:
    cases = [
        {
            "id": case.id,
            "kind": case.kind,
            "state": case.state,
            "part": "holder" if case.holder_id == found.id else "claimant",
            "opened_at": case.opened_at,
        }
        for case in found.recovery_cases
    ]
    return {
        "id": found.look_up_id,
        "phone": found.phone,
        "name": found.name,
        "id_type": found.id_type,
        "id_number": found.id_number,
        "assurance": found.assurance,
        "verified_at": found.verified_at,
        "created_at": found.created_at,
        "recovery_cases": cases,
    }
