"""Acting for others: the guardian's side, the ward's side, and the window's."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from flask import Response

from qe_ban.accounts import errors, service
from qe_ban.accounts.schemas import wards as schemas
from qe_ban.accounts.service import Accounts, Shown, Wish
from qe_ban.db.engine import Database
from qe_ban.web import conditional, guard, paging
from qe_ban.web.api import Blueprint
from qe_ban.web.parts import now, part

mine = Blueprint("wards", url_prefix="/me", description="监护与代办")
window = Blueprint("guardianships", url_prefix="/guardianships", description="窗口：监护与代办核验")

RECENT = timedelta(minutes=10)


@mine.route("/wards", methods=["GET"], summary_zh="本人代办（或申请代办）的人")
@guard.requires("me.wards", step_up=guard.SESSION, is_anonymous=True)
@mine.query(schemas.WardsQuery)
@mine.response(200, schemas.WardPage)
@mine.with_etag
def list_wards(query: dict[str, Any]) -> Response:
    """Those whom the caller acts for, or has asked to; what has ended is not among them."""
    after, limit = paging.last_id(query["cursor"]), query["limit"]
    with part(Database).transaction() as session:
        rows = service.wards_of(
            part(Accounts).rings,
            session,
            guardian=guard.principal().id,
            now=now(),
            after=after,
            limit=limit + 1,
        )
    page = paging.page(rows, limit, lambda one: [str(one.row.id)])
    return conditional.respond(schemas.WardPage().dump(page | {"items": [_ward(one) for one in page["items"]]}))


@mine.route("/wards", methods=["POST"], summary_zh="申请代办；经登记库确认监护关系的未成年人立即生效，其余待确认")
@guard.requires("me.wards", step_up=RECENT)
@mine.arguments(schemas.NewWardSchema)
@mine.response(201, schemas.WardSchema)
@mine.problems(409, 429)
def add_ward(body: dict[str, Any]) -> dict[str, Any]:
    """Ask to act for somebody. A child in the caller's custody is a ward at once; all else waits to be confirmed.

    The answer is the same whether or not that person has an account.
    """
    accounts, database, caller = part(Accounts), part(Database), guard.principal()
    number = service.id_number_from(body["id_type"], body["id_number"], now())
    real_name = service.real_name_of(body["name"], body["id_type"], number)
    wish = Wish(real_name, body["relation"], body["basis"], body["until"])
    with database.transaction() as session:
        question = service.begin_ward(accounts, session, guardian_id=caller.id, wish=wish, now=now())
    try:
        custody = service.ask_register(accounts, question)
    except errors.OutsideUnavailable:
        _regret(caller.id)
        raise
    # by itself: what the register confirmed was no failure, whatever stands in the way of it
    _regret(caller.id)
    with database.transaction() as session:
        service.require_running(part(Accounts), session, caller)
        return _ward(service.finish_ward(accounts, session, wish=wish, custody=custody, change=guard.change()))


@mine.route("/wards/<id:guardianship_id>", methods=["DELETE"], summary_zh="停止代办，或撤回申请，立即生效")
@guard.requires("me.wards", step_up=guard.SESSION)
@mine.response(204)
@mine.problems(404)
def delete_ward(guardianship_id: UUID) -> None:
    """Act for somebody no more, from this moment; or take the wish back."""
    with part(Database).transaction() as session:
        service.end_ward(part(Accounts), session, guardianship_id=guardianship_id, change=guard.change())


@mine.route("/guardians", methods=["GET"], summary_zh="代办（或申请代办）本人事务的人")
@guard.requires("me.wards", step_up=guard.SESSION, is_anonymous=True)
@mine.query(schemas.GuardiansQuery)
@mine.response(200, schemas.GuardianPage)
@mine.with_etag
def list_guardians(query: dict[str, Any]) -> Response:
    """Those who act for the caller, or ask to; what has ended is not among them."""
    after, limit = paging.last_id(query["cursor"]), query["limit"]
    with part(Database).transaction() as session:
        rows = service.guardians_of(
            part(Accounts).rings,
            session,
            ward=guard.principal().id,
            now=now(),
            after=after,
            limit=limit + 1,
        )
    page = paging.page(rows, limit, lambda one: [str(one.row.id)])
    return conditional.respond(schemas.GuardianPage().dump(page | {"items": [_guardian(one) for one in page["items"]]}))


@mine.route("/guardians/<id:guardianship_id>/confirm", methods=["POST"], summary_zh="同意由他人代办本人事务，立即生效")
@guard.requires("me.wards", step_up=RECENT)
@mine.response(200, schemas.GuardianSchema)
@mine.problems(404, 409)
def confirm_guardian(guardianship_id: UUID) -> dict[str, Any]:
    """Let somebody act for the caller, from this moment."""
    with part(Database).transaction() as session:
        service.require_running(part(Accounts), session, guard.principal())
        return _guardian(
            service.confirm_guardian(part(Accounts), session, guardianship_id=guardianship_id, change=guard.change())
        )


@mine.route("/guardians/<id:guardianship_id>", methods=["DELETE"], summary_zh="停止由他人代办，或拒绝其申请，立即生效")
@guard.requires("me.wards", step_up=guard.SESSION)
@mine.response(204)
@mine.problems(404, 409)
def delete_guardian(guardianship_id: UUID) -> None:
    """Let somebody act for the caller no more, from this moment; or decline."""
    with part(Database).transaction() as session:
        service.end_guardian(part(Accounts), session, guardianship_id=guardianship_id, change=guard.change())


@window.route("/look-up", methods=["POST"], summary_zh="窗口查询某人的监护与代办关系，须填办件编号；每次查询均留痕")
@guard.requires("wards.confirm")
@window.arguments(schemas.LookUpGuardianshipsSchema)
@window.response(200, schemas.FoundGuardianshipsSchema)
@window.problems(429)
def look_up_guardianships(body: dict[str, Any]) -> dict[str, Any]:
    """The guardianships of a person, in force or waiting, for a case; the look-up is recorded, found or not."""
    accounts, change = part(Accounts), guard.change()
    service.limit_look_ups(accounts, staff=change.by)
    number = service.id_number_from(body["id_type"], body["id_number"], change.at)
    with part(Database).transaction() as session:
        rows = service.look_up_guardianships(
            accounts,
            session,
            id_type=body["id_type"],
            number=number,
            case_number=body["case_number"],
            change=change,
        )
    return {"items": [_at_window(one) for one in rows.shown], "next": None, "more": rows.more}


@window.route("/<id:guardianship_id>/confirm", methods=["POST"], summary_zh="窗口核验材料后确认关系生效")
@guard.requires("wards.confirm")
@window.arguments(schemas.ConfirmAtWindowSchema)
@window.response(200, schemas.AtWindowSchema)
@window.problems(404, 409)
def confirm_guardianship(body: dict[str, Any], guardianship_id: UUID) -> dict[str, Any]:
    """Bring what waits into force, the papers in hand; a ward without an account gets one without a phone."""
    with part(Database).transaction() as session:
        return _at_window(
            service.confirm_at_window(
                part(Accounts), session, guardianship_id=guardianship_id, **body, change=guard.change()
            )
        )


@window.route(
    "/<id:guardianship_id>/end", methods=["POST"], summary_zh="窗口终止生效中的关系，或拒绝待确认的申请；通知双方"
)
@guard.requires("wards.confirm")
@window.arguments(schemas.EndAtWindowSchema)
@window.response(204)
@window.problems(404, 409)
def end_guardianship(body: dict[str, Any], guardianship_id: UUID) -> None:
    """End what is in force, from this moment, or refuse what waits; both sides are told."""
    with part(Database).transaction() as session:
        service.end_at_window(part(Accounts), session, guardianship_id=guardianship_id, **body, change=guard.change())


def _regret(guardian_id: UUID) -> None:
    with part(Database).transaction() as session:
        service.regret_ward(part(Accounts), session, guardian_id=guardian_id)


def _between(one: Shown) -> dict[str, Any]:
    names = ("id", "relation", "basis", "state", "requested_at", "confirmed_at", "confirmed_by", "ends_at")
    return {name: getattr(one.row, name) for name in names}


def _ward(one: Shown) -> dict[str, Any]:
    return _between(one) | {"name": one.ward.name, "id_number": one.ward.id_number}


def _guardian(one: Shown) -> dict[str, Any]:
    return _between(one) | {"name": one.guardian.name, "phone": one.guardian.phone}


def _at_window(one: Shown) -> dict[str, Any]:
    ward = {"name": one.ward.name, "id_number": one.ward.id_number}
    return _between(one) | {"ward": ward, "guardian": {"name": one.guardian.name, "phone": one.guardian.phone}}
