"""What the caller agrees to and takes back, for oneself or for a ward."""

from datetime import datetime
from typing import Any

from flask import Response

from qe_ban.accounts import service
from qe_ban.accounts.schemas import consents as schemas
from qe_ban.accounts.service import Accounts, ConsentAct, ConsentDecision, ConsentStatus, Subject
from qe_ban.db.engine import Database
from qe_ban.kernel.city import City
from qe_ban.web import conditional, guard, paging
from qe_ban.web.api import Blueprint
from qe_ban.web.parts import now, part

blp = Blueprint("consents", url_prefix="/me/consents", description="我的授权")


@blp.route("", methods=["GET"], summary_zh="本人的授权：待同意、已同意和已撤回的用途")
@guard.requires("me.consents", step_up=guard.SESSION, is_anonymous=True)
@blp.query(schemas.ConsentsQuery)
@blp.response(200, schemas.ConsentPage)
@blp.problems(404)
@blp.with_etag
def list_consents(query: dict[str, Any]) -> Response:
    """The purposes that the caller was asked to agree to, agreed to, or took back."""
    after = paging.decode(query["cursor"], str)[0] if query["cursor"] is not None else None
    moment = now()
    with part(Database).transaction() as session:
        resident = service.resolve_subject(
            session, caller=guard.principal().id, ward=query["for_"], now=moment
        ).resident
        rows = service.list_consents(
            part(Accounts), session, resident_id=resident, now=moment, after=after, limit=query["limit"] + 1
        )
    page = paging.page(rows, query["limit"], lambda consent: [consent.purpose])
    return conditional.respond(
        schemas.ConsentPage().dump({"items": [_shown(consent) for consent in page["items"]], "next": page["next"]})
    )


@blp.route("/history", methods=["GET"], summary_zh="本人同意与撤回授权的历史，新的在前")
@guard.requires("me.consents", step_up=guard.SESSION, is_anonymous=True)
@blp.query(schemas.ConsentsQuery)
@blp.response(200, schemas.ConsentEventPage)
@blp.problems(404)
@blp.with_etag
def list_consent_history(query: dict[str, Any]) -> Response:
    """When the caller agreed to what, and took it back, newest first."""
    before = paging.decode(query["cursor"], int)[0] if query["cursor"] is not None else None
    moment = now()
    with part(Database).transaction() as session:
        resident = service.resolve_subject(
            session, caller=guard.principal().id, ward=query["for_"], now=moment
        ).resident
        rows = service.consent_history(
            part(Accounts), session, resident_id=resident, now=moment, before=before, limit=query["limit"] + 1
        )
    page = paging.page(rows, query["limit"], lambda event: [event.id])
    return conditional.respond(
        schemas.ConsentEventPage().dump({"items": [_told(event) for event in page["items"]], "next": page["next"]})
    )


@blp.route("/<purpose>", methods=["PUT"], summary_zh="同意一个用途")
@guard.requires("me.consents", step_up=guard.SESSION, is_anonymous=True)
@blp.query(schemas.WhoseQuery)
@blp.response(200, schemas.ConsentSchema)
@blp.problems(409)
def put_consent(query: dict[str, Any], purpose: str) -> dict[str, Any]:
    """Agree to a purpose, whether or not somebody asked for it yet; what a guardian does is recorded."""
    change = guard.change()
    with part(Database).transaction() as session:
        subject = service.resolve_subject(session, caller=change.by.id, ward=query["for_"], now=change.at)
        consent = service.grant_consent(part(Accounts), session, part(City), _decision(subject, purpose, change.at))
        service.record_for_ward(part(Accounts).rings, session, subject, change, "consents.grant", purpose=purpose)
    return _shown(consent)


@blp.route("/<purpose>", methods=["DELETE"], summary_zh="撤回授权，或拒绝授权请求；下一次核验起即不再放行")
@guard.requires("me.consents", step_up=guard.SESSION, is_anonymous=True)
@blp.query(schemas.WhoseQuery)
@blp.response(200, schemas.ConsentSchema)
@blp.problems(409)
def delete_consent(query: dict[str, Any], purpose: str) -> dict[str, Any]:
    """Take a consent back, or decline one that was asked for; the next scan, wherever it is, is refused."""
    change = guard.change()
    with part(Database).transaction() as session:
        subject = service.resolve_subject(session, caller=change.by.id, ward=query["for_"], now=change.at)
        withdrawn = service.withdraw_consent(
            part(Accounts), session, part(City), _decision(subject, purpose, change.at)
        )
        service.record_for_ward(part(Accounts).rings, session, subject, change, "consents.withdraw", purpose=purpose)
    return _shown(withdrawn)


def _decision(subject: Subject, purpose: str, moment: datetime) -> ConsentDecision:
    return ConsentDecision(subject.resident, purpose, moment, subject.ward)


def _shown(consent: ConsentStatus) -> dict[str, Any]:
    known_purpose = part(City).purposes.get(consent.purpose)
    return {
        "purpose": consent.purpose,
        "name": _name(consent.purpose),
        "scene": known_purpose.scene if known_purpose else None,
        "state": consent.state,
        "requested_at": consent.requested_at,
        "granted_at": consent.granted_at,
        "withdrawn_at": consent.withdrawn_at,
        "guardian": consent.guardian,
    }


def _told(event: ConsentAct) -> dict[str, Any]:
    return {
        "purpose": event.purpose,
        "name": _name(event.purpose),
        "state": event.state,
        "at": event.at,
        "guardian": event.guardian,
    }


def _name(purpose: str) -> str:
    known_purpose = part(City).purposes.get(purpose)
    return known_purpose.name if known_purpose else purpose
