"""The caller's own account."""

from typing import Any

from flask import Response

from qe_ban.accounts import schemas, service
from qe_ban.accounts.models import Consent
from qe_ban.accounts.routes.outcomes import settled
from qe_ban.accounts.rules import Assurance
from qe_ban.accounts.service import Accounts
from qe_ban.db.engine import Database
from qe_ban.kernel.city import City
from qe_ban.kernel.principal import PrincipalKind
from qe_ban.web import conditional, guard, paging
from qe_ban.web.api import Blueprint
from qe_ban.web.parts import now, part

blp = Blueprint("me", url_prefix="/me", description="我的账号")

STAFF_FIELDS = ("kind", "id", "scopes", "username", "roles", "place")
RESIDENT_FIELDS = ("kind", "id", "scopes", "phone", "name", "assurance")


@blp.route("", methods=["GET"])
@guard.requires("me.read")
@blp.response(200, schemas.MeSchema)
@blp.etagged
def get_me() -> Response:
    """Who the caller is."""
    with part(Database).transaction() as session:
        me = service.me(part(Accounts), session, guard.principal())
    shown = STAFF_FIELDS if me.kind is PrincipalKind.STAFF else RESIDENT_FIELDS
    return conditional.etagged(schemas.MeSchema(only=shown).dump(me))


@blp.route("/real-name", methods=["PUT"])
@guard.requires("me.real_name")
@blp.arguments(schemas.RealNameSchema)
@blp.response(200, schemas.AssuranceSchema)
@blp.problems(409, 429)
def put_real_name(body: dict[str, Any]) -> dict[str, Any]:
    """Bind a real name to the account, once the register confirms it together with the account's phone."""
    accounts, database, principal = part(Accounts), part(Database), guard.principal()
    number = service.id_number_from(body["id_type"], body["id_number"], now())
    said = service.RealName(body["name"].strip(), body["id_type"], number)
    with database.transaction() as session:
        begun = service.begin_claim(accounts, session, resident_id=principal.id, said=said, now=now())
    claim = settled(begun)
    if claim is None:
        return {"assurance": Assurance.VERIFIED}
    service.confirm_claim(accounts, claim)
    with database.transaction() as session:
        outcome = service.finish_claim(accounts, session, principal=principal, said=said, now=now())
    return {"assurance": settled(outcome)}


@blp.route("/consents", methods=["GET"])
@guard.requires("me.consents", step_up=guard.SESSION)
@blp.query(schemas.ConsentsQuery)
@blp.response(200, schemas.ConsentPage)
@blp.etagged
def list_consents(query: dict[str, Any]) -> Response:
    """The purposes that the caller was asked to agree to, or agreed to."""
    after = paging.decode(query["cursor"], str)[0] if query["cursor"] is not None else None
    with part(Database).transaction() as session:
        found = service.list_consents(session, resident_id=guard.principal().id, after=after, limit=query["limit"] + 1)
    page = paging.page(found, query["limit"], lambda consent: [consent.purpose])
    return conditional.etagged(
        schemas.ConsentPage().dump({"items": [_shown(consent) for consent in page["items"]], "next": page["next"]})
    )


@blp.route("/consents/<purpose>", methods=["PUT"])
@guard.requires("me.consents", step_up=guard.SESSION)
@blp.response(200, schemas.ConsentSchema)
@blp.problems(409)
def put_consent(purpose: str) -> dict[str, Any]:
    """Agree to a purpose, whether or not somebody asked for it yet."""
    with part(Database).transaction() as session:
        granted = service.grant_consent(
            session, part(City), resident_id=guard.principal().id, purpose=purpose, now=now()
        )
    return _shown(granted)


def _shown(consent: Consent) -> dict[str, Any]:
    known = part(City).purposes.get(consent.purpose)
    return {
        "purpose": consent.purpose,
        "name": known.name if known else consent.purpose,
        "scene": known.scene if known else None,
        "state": consent.state,
        "requested_at": consent.requested_at,
        "granted_at": consent.granted_at,
    }
