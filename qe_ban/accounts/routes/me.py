"""The caller's own account."""

from typing import Any

from flask import Response

from qe_ban.accounts import errors, schemas, service
from qe_ban.accounts.routes.outcomes import settled
from qe_ban.accounts.rules import Assurance
from qe_ban.accounts.service import Accounts
from qe_ban.db.engine import Database
from qe_ban.kernel.principal import PrincipalKind
from qe_ban.web import conditional, guard
from qe_ban.web.api import Blueprint
from qe_ban.web.parts import now, part

blp = Blueprint("me", url_prefix="/me", description="我的账号")

STAFF_FIELDS = ("kind", "id", "scopes", "username", "roles", "place")
RESIDENT_FIELDS = ("kind", "id", "scopes", "phone", "name", "assurance")


@blp.route("", methods=["GET"], summary_zh="当前登录的是谁")
@guard.requires("me.read", is_anonymous=True)
@blp.response(200, schemas.MeSchema)
@blp.with_etag
def get_me() -> Response:
    """Who the caller is."""
    with part(Database).transaction() as session:
        me = service.me(part(Accounts), session, guard.principal())
    names = STAFF_FIELDS if me.kind is PrincipalKind.STAFF else RESIDENT_FIELDS
    return conditional.respond(schemas.MeSchema(only=names).dump(me))


@blp.route("/real-name", methods=["PUT"], summary_zh="绑定实名；须与登记库中的姓名、证件和手机号一致")
@guard.requires("me.real_name", is_anonymous=True)
@blp.arguments(schemas.RealNameSchema)
@blp.response(200, schemas.AssuranceSchema)
@blp.problems(409, 429)
def put_real_name(body: dict[str, Any]) -> dict[str, Any]:
    """Bind a real name to the account, once the register confirms it together with the account's phone."""
    accounts, database, principal = part(Accounts), part(Database), guard.principal()
    number = service.id_number_from(body["id_type"], body["id_number"], now())
    real_name = service.real_name_of(body["name"], body["id_type"], number)
    with database.transaction() as session:
        begun = service.begin_claim(accounts, session, resident_id=principal.id, said=real_name, now=now())
    claim = settled(begun)
    if claim is None:
        return {"assurance": Assurance.VERIFIED}
    try:
        service.confirm_claim(accounts, claim)
    except errors.OutsideUnavailable:
        with database.transaction() as session:
            service.regret_claim(accounts, session, resident_id=principal.id)
        raise
    with database.transaction() as session:
        outcome = service.finish_claim(accounts, session, principal=principal, said=real_name, now=now())
    if isinstance(outcome, errors.AccountJoined):
        accounts.revocations.refresh()
    return {"assurance": settled(outcome)}
