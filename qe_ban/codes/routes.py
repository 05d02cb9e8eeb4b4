"""The wallet and the scanners' door: parse, open the transaction, call the service, shape the answer."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from flask import Response, request

from qe_ban.codes import qr, schemas, service
from qe_ban.codes.errors import CodeRefused, KindNotFound
from qe_ban.codes.rules import Level
from qe_ban.codes.service import Wallet
from qe_ban.config import Settings
from qe_ban.db.engine import Database
from qe_ban.db.limits import Limiter
from qe_ban.kernel import identifiers
from qe_ban.kernel.city import City, KindInfo
from qe_ban.kernel.ids import parse_id
from qe_ban.keys import vault
from qe_ban.web import conditional, guard, paging, wire
from qe_ban.web.api import Blueprint
from qe_ban.web.parts import now, part
from qe_ban.web.requests import request_id

blp = Blueprint("codes", url_prefix="/codes", description="码包：亮码、核验、用码记录")

PICTURES: Mapping[str, Callable[..., str | bytes]] = {"image/svg+xml": qr.svg, "image/png": qr.png}
LEVEL_COLOURS = {Level.GREEN: "#1a8f3c", Level.YELLOW: "#e0b000", Level.RED: "#c62828"}
FRESH_STEP_UP = timedelta(minutes=10)


@blp.route("")
@guard.requires("codes.read", step_up=guard.SESSION)
@blp.response(200, schemas.WalletSchema)
@blp.etagged
def wallet() -> Response:
    """Show the five kinds with their states; 304 means that nothing but the moment has changed."""
    parts, resident, moment = part(Wallet), guard.principal().id, now()
    with part(Database).statements() as connection:
        held = service.holdings(connection, resident, moment)
    answers = service.ask_sources(parts, held, moment)
    if answers:
        with part(Database).statements() as connection:
            for number, answer in answers.items():
                service.keep_answer(connection, number, answer)
        held = service.with_answers(held, answers)
    cards = _cards(held, moment)
    lasting = [{name: value for name, value in card.items() if name != "as_of"} for card in cards]
    # the moment moves on by itself and is no change: so the tag is a weak one (RFC 9110, 8.8.1)
    shown = conditional.etagged(schemas.WalletSchema().dump({"items": cards, "next": None}), wire.dumps(lasting))
    shown.headers["ETag"] = f"W/{shown.headers['ETag']}"
    return shown


def _cards(held: Sequence[service.Holding], moment: datetime) -> list[dict[str, Any]]:
    parts, masked = part(Wallet), None
    if held:
        name = vault.unseal(parts.rings, "residents.name", held[0].resident, held[0].name_sealed)
        masked = identifiers.mask_name(name)
    return [_shown(shown, masked) for shown in service.overview(parts, held, moment)]


def _shown(shown: service.Shown, masked_name: str | None) -> dict[str, Any]:
    kind = _kind(shown.kind)
    level = shown.answer.detail.get("level") if shown.answer and shown.kind == "health" else None
    return {
        "kind": shown.kind,
        "name": kind.name,
        "state": shown.state,
        "reason": shown.reason,
        "as_of": shown.as_of,
        "display": {
            "title": kind.name,
            "colour": LEVEL_COLOURS[Level(level)] if level else kind.colour,
            "masked_name": masked_name,
        },
    }


@blp.route("/issue", methods=["POST"])
@guard.requires("codes.issue", step_up=guard.SESSION)
@blp.arguments(schemas.IssueRequest)
@blp.response(200, schemas.IssuedSchema)
@blp.problems(429)
def issue(asked: dict[str, Any]) -> service.Issued:
    """Issue codes of several kinds in one call, so that switching between them needs no network."""
    return _issue(asked["kinds"])


@blp.route("/<kind>/issue", methods=["POST"])
@guard.requires("codes.issue", step_up=guard.SESSION)
@blp.response(200, schemas.CodeSchema)
@blp.alternative(200, content_type="image/svg+xml")
@blp.alternative(200, content_type="image/png")
@blp.problems(409, 429)
def issue_one(kind: str) -> service.Code | Response:
    """Issue one code; `Accept: image/svg+xml` or `image/png` gives the picture."""
    info = _kind(kind)
    issued = _issue([kind])
    if issued.refused:
        raise CodeRefused(reason=issued.refused[0]["reason"])
    wanted = request.accept_mimetypes.best_match(["application/json", *PICTURES], default="application/json")
    if wanted == "application/json":
        return issued.codes[0]
    picture = PICTURES[wanted](issued.codes[0].code, title=info.name, colour=info.colour)
    return Response(picture, content_type=wanted)


def _issue(kinds: list[str]) -> service.Issued:
    resident, moment = guard.principal().id, now()
    limit = part(Settings).limits.issue_per_minute
    part(Limiter).hit("codes.issue", str(resident), limit=limit, window=60)
    with part(Database).statements() as connection:
        held = service.holdings(connection, resident, moment)
    return service.issue(part(Wallet), held, kinds, moment)


@blp.route("/<kind>/suspend", methods=["POST"])
@guard.requires("codes.manage", step_up=guard.SESSION)
@blp.response(200, schemas.KindSchema)
def suspend(kind: str) -> dict[str, Any]:
    """Report a kind lost: its codes are refused from now on, those already shown too. Gives the kind's state."""
    slug, resident = _kind(kind).slug, guard.principal().id
    with part(Database).transaction() as session:
        service.suspend(session, resident, slug, now())
    return _card(slug, resident)


@blp.route("/<kind>/resume", methods=["POST"])
@guard.requires("codes.manage", step_up=FRESH_STEP_UP)
@blp.response(200, schemas.KindSchema)
def resume(kind: str) -> dict[str, Any]:
    """Take the own report back, within ten minutes of a step-up. Gives the kind's state: a source's hold stays."""
    slug, resident = _kind(kind).slug, guard.principal().id
    with part(Database).transaction() as session:
        service.resume(session, resident, slug)
    return _card(slug, resident)


def _card(slug: str, resident: UUID) -> dict[str, Any]:
    with part(Database).statements() as connection:
        held = service.holdings(connection, resident, now())
    return next(card for card in _cards(held, now()) if card["kind"] == slug)


@blp.route("/ledger")
@guard.requires("ledger.read", step_up=guard.SESSION)
@blp.query(paging.PageQuery)
@blp.response(200, schemas.LedgerSchema)
@blp.etagged
def ledger(page: dict[str, Any]) -> Response:
    """List who scanned the caller's codes: where, what for, when, with what verdict, and which fields were told."""
    after = _after(page["cursor"])
    with part(Database).transaction() as session:
        found = service.entries(session, part(Wallet).rings, guard.principal().id, limit=page["limit"] + 1, after=after)
    listed = paging.page(found, page["limit"], lambda entry: [int(entry.at.timestamp() * 1e6), str(entry.id)])
    return conditional.etagged(
        schemas.LedgerSchema().dump(listed | {"items": [_entry(entry) for entry in listed["items"]]})
    )


def _after(cursor: str | None) -> tuple[datetime, UUID] | None:
    if cursor is None:
        return None
    microseconds, text = paging.decode(cursor, int, str)
    last = parse_id(text)
    if last is None or not 0 <= microseconds < 1 << 52:
        raise paging.BadCursor
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=microseconds), last


def _entry(entry: service.Entry) -> dict[str, Any]:
    city = part(City)
    purpose = city.purposes.get(entry.purpose)
    return asdict(entry) | {
        "venue": {
            "name": entry.venue,
            "district": city.districts.get(entry.district, entry.district),
            "address": entry.address,
            "scanner": entry.scanner,
        },
        "scene_name": city.scenes.get(entry.scene, entry.scene),
        "purpose_name": purpose.name if purpose else entry.purpose,
        "fields_disclosed": entry.fields,
    }


@blp.route("/verify", methods=["POST"])
@guard.requires("codes.verify")
@blp.arguments(schemas.VerifyRequest)
@blp.response(200, schemas.VerdictSchema)
@blp.problems(409)
def verify(asked: dict[str, Any]) -> service.Scanned:
    """Judge a code for a purpose; a refusal is a result, kept like an acceptance."""
    with part(Database).statements() as connection:
        return service.verify(
            part(Wallet),
            connection,
            service.Asked(scanner=guard.principal().id, request_id=request_id(), **asked),
            now(),
        )


def _kind(slug: str) -> KindInfo:
    kind = part(City).kinds.get(slug)
    if kind is None:
        raise KindNotFound
    return kind
