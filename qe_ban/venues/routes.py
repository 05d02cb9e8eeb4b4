"""The interface of venues and scanners: for staff, and for a scanner that enrols."""

from typing import Any
from uuid import UUID

from flask import Response

from qe_ban.accounts import service as accounts
from qe_ban.audit import service as audit
from qe_ban.config import Settings
from qe_ban.db.engine import Database
from qe_ban.db.limits import Limiter
from qe_ban.kernel.city import City
from qe_ban.keys.rings import KeyRings
from qe_ban.venues import schemas, service
from qe_ban.venues.models import Scanner, Venue
from qe_ban.web import guard, idempotency, paging, requests
from qe_ban.web.api import Blueprint
from qe_ban.web.parts import now, part

blp = Blueprint("venues", url_prefix="/venues", description="场所与核验设备")


@blp.route("", methods=["GET"], summary_zh="本人负责的场所，新的在前")
@guard.requires("venues.read")
@blp.query(schemas.VenuesQuery)
@blp.response(200, schemas.VenuePage)
def list_venues(query: dict[str, Any]) -> dict[str, Any]:
    """The venues that the caller answers for, newest first: a district's staff see their own district's."""
    with part(Database).transaction() as session:
        found = service.venues(
            session, reader=guard.principal(), before=paging.last_id(query["cursor"]), limit=query["limit"] + 1
        )
    return paging.page(found, query["limit"], _cursor)


@blp.route("", methods=["POST"], summary_zh="在本人所在区市登记场所")
@guard.requires("venues.write")
@blp.arguments(schemas.NewVenueSchema)
@blp.response(201, schemas.VenueSchema)
@blp.idempotent
def create_venue(body: dict[str, Any]) -> Response:
    """Make a venue in the caller's district."""
    change = _change()
    with part(Database).transaction() as session:

        def produce() -> tuple[int, Any]:
            made = service.create(session, part(City), service.NewVenue(**body), change)
            return 201, schemas.VenueSchema().dump(made)

        return idempotency.once(session, change.by, "venues.create", body, produce)


@blp.route("/<id:venue_id>", methods=["GET"], summary_zh="查看一个场所")
@guard.requires("venues.read")
@blp.response(200, schemas.VenueSchema)
def get_venue(venue_id: UUID) -> Venue:
    """One venue that the caller answers for."""
    with part(Database).transaction() as session:
        return service.venue(session, reader=guard.principal(), venue_id=venue_id)


@blp.route("/<id:venue_id>/scanners", methods=["GET"], summary_zh="场所的核验设备，新的在前，含已停用的")
@guard.requires("venues.read")
@blp.query(schemas.VenuesQuery)
@blp.response(200, schemas.ScannerPage)
def list_scanners(query: dict[str, Any], venue_id: UUID) -> dict[str, Any]:
    """The scanners of a venue, newest first, revoked ones too."""
    with part(Database).transaction() as session:
        found = service.scanners(
            session,
            reader=guard.principal(),
            venue_id=venue_id,
            before=paging.last_id(query["cursor"]),
            limit=query["limit"] + 1,
        )
    return paging.page(found, query["limit"], _cursor)


@blp.route(
    "/<id:venue_id>/scanners", methods=["POST"], summary_zh="为一台核验设备生成24小时内有效的登记码，只显示这一次"
)
@guard.requires("venues.write")
@blp.arguments(schemas.InviteSchema)
@blp.response(201, schemas.TicketSchema)
def invite_scanner(body: dict[str, Any], venue_id: UUID) -> service.Ticket:
    """A code by which one scanner can be enrolled within 24 hours; it is shown this once."""
    change = _change()
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


@blp.route("/scanners/enrol", methods=["POST"], summary_zh="核验设备用登记码登记自己的密钥")
@guard.anyone
@blp.arguments(schemas.EnrolSchema)
@blp.response(201, schemas.EnrolledSchema)
@blp.problems(409, 429)
def enrol_scanner(body: dict[str, Any]) -> service.Enrolled:
    """Register a scanner's key with an enrolment code."""
    limits = part(Settings).limits
    part(Limiter).hit_network("venues.enrol", requests.network(), limit=limits.tries_per_address, window=limits.window)
    with part(Database).transaction() as session:
        return service.enrol(
            session,
            part(accounts.Accounts),
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
        service.revoke(session, scanner_id=scanner_id, change=_change())
    part(accounts.Accounts).revocations.refresh()


def _change() -> audit.Change:
    return audit.Change(guard.principal(), now(), requests.request_id())


def _cursor(row: Venue | Scanner) -> list[str]:
    return [str(row.id)]
