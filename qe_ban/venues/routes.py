"""The interface of venues and scanners: for staff, and for a scanner that enrols."""

from typing import Any
from uuid import UUID

from flask import Response

from qe_ban.accounts import service as accounts
from qe_ban.config import Settings
from qe_ban.db.engine import Database
from qe_ban.db.limits import Limiter
from qe_ban.kernel.city import City
from qe_ban.keys.rings import KeyRings
from qe_ban.venues import schemas, service
from qe_ban.venues.models import Enrolment, Scanner, Venue
from qe_ban.web import guard, idempotency, paging, requests
from qe_ban.web.api import Blueprint
from qe_ban.web.parts import now, part

blp = Blueprint("venues", url_prefix="/venues", description="场所与核验设备")


@blp.route("", methods=["GET"], summary_zh="本人负责的场所，新的在前")
@guard.requires("venues.read")
@blp.query(schemas.PlacesQuery)
@blp.response(200, schemas.VenuePage)
def list_venues(query: dict[str, Any]) -> dict[str, Any]:
    """The venues that the caller answers for, newest first: a district's staff see their own district's."""
    with part(Database).transaction() as session:
        rows = service.venues(
            session,
            reader=guard.principal(),
            before=paging.last_id(query["cursor"]),
            limit=query["limit"] + 1,
            under_review=None if query["review"] is None else query["review"] == "pending",
        )
    page = paging.page(rows, query["limit"], _cursor)
    return page | {"items": [_venue(row) for row in page["items"]]}


@blp.route("", methods=["POST"], summary_zh="在本人所在区市登记场所")
@guard.requires("venues.write")
@blp.arguments(schemas.NewVenueSchema)
@blp.response(201, schemas.VenueSchema)
@blp.idempotent
def create_venue(body: dict[str, Any]) -> Response:
    """Make a venue in the caller's district."""
    change = guard.change()
    with part(Database).transaction() as session:

        def produce() -> tuple[int, Any]:
            venue = service.create(session, part(City), service.NewVenue(**body), change)
            return 201, schemas.VenueSchema().dump(_venue(venue))

        return idempotency.once(session, change.by, "venues.create", body, produce)


@blp.route("/<id:venue_id>", methods=["GET"], summary_zh="查看一个场所")
@guard.requires("venues.read")
@blp.response(200, schemas.VenueSchema)
def get_venue(venue_id: UUID) -> dict[str, Any]:
    """One venue that the caller answers for."""
    with part(Database).transaction() as session:
        return _venue(service.venue(session, reader=guard.principal(), venue_id=venue_id))


@blp.route("/<id:venue_id>", methods=["PATCH"], summary_zh="变更场所的名称、地址或场景，名称重新审核")
@guard.requires("venues.write")
@blp.arguments(schemas.VenueChangeSchema)
@blp.response(200, schemas.VenueSchema)
@blp.problems(409)
def change_venue(body: dict[str, Any], venue_id: UUID) -> dict[str, Any]:
    """Change a venue's name, address or scene; a new name is reviewed anew, and codes not yet used are over."""
    with part(Database).transaction() as session:
        return _venue(
            service.change_venue(
                session, part(City), venue_id=venue_id, wish=service.VenueChange(**body), change=guard.change()
            )
        )


@blp.route("/<id:venue_id>/confirm", methods=["POST"], summary_zh="市级另一名工作人员确认涉及国家机关的场所名称")
@guard.requires("venues.write")
@blp.response(200, schemas.VenueSchema)
@blp.problems(409)
def confirm_venue(venue_id: UUID) -> dict[str, Any]:
    """Confirm, as the city and as a second person, a name that sounds like an authority's."""
    with part(Database).transaction() as session:
        return _venue(service.confirm(session, part(City), venue_id=venue_id, change=guard.change()))


@blp.route("/<id:venue_id>/scanners", methods=["GET"], summary_zh="场所的核验设备，新的在前，含已停用的")
@guard.requires("venues.read")
@blp.query(schemas.VenuesQuery)
@blp.response(200, schemas.ScannerPage)
def list_scanners(query: dict[str, Any], venue_id: UUID) -> dict[str, Any]:
    """The scanners of a venue, newest first, revoked ones too."""
    with part(Database).transaction() as session:
        rows = service.scanners(
            session,
            reader=guard.principal(),
            venue_id=venue_id,
            before=paging.last_id(query["cursor"]),
            limit=query["limit"] + 1,
        )
    return paging.page(rows, query["limit"], _cursor)


@blp.route(
    "/<id:venue_id>/scanners", methods=["POST"], summary_zh="为一台核验设备生成24小时内有效的登记码，只显示这一次"
)
@guard.requires("venues.write")
@blp.arguments(schemas.InviteSchema)
@blp.response(201, schemas.TicketSchema)
@blp.problems(409)
def invite_scanner(body: dict[str, Any], venue_id: UUID) -> service.Ticket:
    """A code by which one scanner can be enrolled within 24 hours; it is shown this once.

    Where its purposes say who somebody is, there is none before another person has approved.
    """
    change = guard.change()
    with part(Database).transaction() as session:
        return service.invite(
            session,
            part(KeyRings),
            part(City),
            venue_id=venue_id,
            purposes=body["purposes"],
            label=body.get("label"),
            change=change,
        )


@blp.route("/<id:venue_id>/invitations", methods=["GET"], summary_zh="场所的设备登记申请，新的在前，不含登记码")
@guard.requires("venues.read")
@blp.query(schemas.VenuesQuery)
@blp.response(200, schemas.InvitationPage)
def list_invitations(query: dict[str, Any], venue_id: UUID) -> dict[str, Any]:
    """The invitations of a venue, newest first, without their codes."""
    with part(Database).transaction() as session:
        rows = service.invitations(
            session,
            reader=guard.principal(),
            venue_id=venue_id,
            before=paging.last_id(query["cursor"]),
            limit=query["limit"] + 1,
        )
    page = paging.page(rows, query["limit"], _cursor)
    return page | {"items": [_invitation(row) for row in page["items"]]}


@blp.route(
    "/invitations/<id:invitation_id>/approve", methods=["POST"], summary_zh="另一人批准设备登记申请，登记码只显示这一次"
)
@guard.requires("venues.write")
@blp.response(200, schemas.TicketSchema)
@blp.problems(409)
def approve_invitation(invitation_id: UUID) -> service.Ticket:
    """Approve what another person proposed; the enrolment code of 24 hours is shown this once."""
    with part(Database).transaction() as session:
        return service.approve(session, part(KeyRings), part(City), enrolment_id=invitation_id, change=guard.change())


@blp.route("/scanners/enrol", methods=["POST"], summary_zh="核验设备用登记码登记自己的密钥")
@guard.anyone
@blp.arguments(schemas.EnrolSchema)
@blp.response(201, schemas.EnrolledSchema)
@blp.problems(409, 429)
def enrol_scanner(body: dict[str, Any]) -> service.EnrolledScanner:
    """Register a scanner's key with an enrolment code."""
    limits = part(Settings).limits
    part(Limiter).hit_network("venues.enrol", requests.network(), limit=limits.tries_per_address, window=limits.window)
    with part(Database).transaction() as session:
        return service.enrol(
            session,
            part(accounts.Accounts),
            part(City),
            code=body["enrolment_code"],
            jwk=body["jwk"],
            label=body["label"],
            proof=body["proof"],
            now=now(),
            request_id=requests.request_id(),
        )


@blp.route(
    "/scanners/<id:scanner_id>/revoke", methods=["POST"], summary_zh="立即并永久停用一台核验设备；重复操作无影响"
)
@guard.requires("venues.write")
@blp.response(204)
def revoke_scanner(scanner_id: UUID) -> None:
    """Shut a scanner out at once and for good; a repeat is harmless."""
    with part(Database).transaction() as session:
        service.revoke(session, scanner_id=scanner_id, change=guard.change())
    part(accounts.Accounts).revocations.refresh()


def _venue(row: Venue) -> dict[str, Any]:
    names = ("id", "name", "district", "address", "scene", "created_at")
    return {name: getattr(row, name) for name in names} | {"review": service.review(part(City), row)}


def _invitation(row: Enrolment) -> dict[str, Any]:
    names = ("id", "purposes", "label", "approval_required", "created_at", "expires_at")
    return {name: getattr(row, name) for name in names} | {"state": service.invitation_state(row, now())}


def _cursor(row: Venue | Scanner | Enrolment) -> list[str]:
    return [str(row.id)]
