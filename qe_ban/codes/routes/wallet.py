"""The wallet: its kinds, codes and short numbers, and reporting one lost; with `?for=` for a ward."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from flask import Response, request

from qe_ban.accounts import service as accounts
from qe_ban.codes import qr, schemas, service
from qe_ban.codes.errors import KindNotFound
from qe_ban.codes.routes.subjects import find_subject
from qe_ban.codes.rules.labels import SUSPENSION_NAMES
from qe_ban.codes.service import Wallet
from qe_ban.config import Settings
from qe_ban.db.engine import Database
from qe_ban.db.limits import Limiter
from qe_ban.kernel import identifiers
from qe_ban.kernel.city import LEVEL_KIND, City, KindInfo, Level
from qe_ban.keys import vault
from qe_ban.web import conditional, guard, wire
from qe_ban.web.api import Blueprint
from qe_ban.web.parts import now, part

blp = Blueprint("codes", url_prefix="/codes", description="码包：亮码")

PICTURES: Mapping[str, Callable[..., str | bytes]] = {"image/svg+xml": qr.svg, "image/png": qr.png}
LEVEL_COLOURS = {Level.GREEN: "#1a8f3c", Level.YELLOW: "#e0b000", Level.RED: "#c62828"}
FRESH_STEP_UP = timedelta(minutes=10)
CACHED_QUERIES = 256
"""Of how many query strings what was read is remembered: nearly all calls have none."""


@blp.route("", summary_zh="码包：五种码及其状态")
@guard.requires("codes.read", step_up=guard.SESSION, is_anonymous=True)
@blp.query(schemas.ForQuery, cache_size=CACHED_QUERIES)
@blp.problems(404)
@blp.response(200, schemas.WalletSchema)
@blp.with_etag
def wallet(query: dict[str, Any]) -> Response:
    """Show the five kinds with their states; 304 means that nothing but the moment has changed."""
    parts, moment = part(Wallet), now()
    resident = find_subject(query, moment).resident
    with part(Database).statements() as connection:
        holdings = service.holdings(connection, parts, resident, moment)
    answers = service.ask_sources(parts, holdings, moment)
    if answers:
        with part(Database).statements() as connection:
            service.keep_answers(connection, parts, holdings, answers)
        holdings = service.with_answers(holdings, answers)
    cards = _cards(holdings, moment)
    lasting = [{name: value for name, value in card.items() if name != "as_of"} for card in cards]
    # the moment moves on by itself and is no change: so the tag is a weak one (RFC 9110, 8.8.1)
    response = conditional.respond(schemas.WalletSchema().dump({"items": cards, "next": None}), wire.dumps(lasting))
    response.headers["ETag"] = f"W/{response.headers['ETag']}"
    return response


def _cards(holdings: Sequence[service.Holding], moment: datetime) -> list[dict[str, Any]]:
    parts, masked_name = part(Wallet), None
    if holdings:
        name = vault.unseal(parts.rings, "residents.name", holdings[0].resident, holdings[0].name_sealed)
        masked_name = identifiers.mask_name(name)
    return [_render_card(card, masked_name) for card in service.overview(parts, holdings, moment)]


def _render_card(card: service.WalletCard, masked_name: str | None) -> dict[str, Any]:
    kind = _kind(card.kind)
    level = card.answer.detail.get("level") if card.answer and card.kind == LEVEL_KIND else None
    return {
        "kind": card.kind,
        "name": kind.name,
        "state": card.state,
        "reason": card.reason,
        "detail": SUSPENSION_NAMES.get(card.reason or ""),
        "as_of": card.as_of,
        "display": {
            "title": kind.name,
            "colour": LEVEL_COLOURS[Level(level)] if level else kind.colour,
            "masked_name": masked_name,
        },
    }


@blp.route("/issue", methods=["POST"], summary_zh="一次签发几种码，切换时无须联网")
@guard.requires("codes.issue", step_up=guard.SESSION, is_anonymous=True)
@blp.query(schemas.ForQuery, cache_size=CACHED_QUERIES)
@blp.arguments(schemas.IssueRequest)
@blp.response(200, schemas.IssuedSchema)
@blp.problems(404, 429)
def issue(query: dict[str, Any], body: dict[str, Any]) -> service.Issued:
    """Issue codes of several kinds in one call, so that switching between them needs no network."""
    return _issue(query, [_kind(kind).slug for kind in body["kinds"]])


@blp.route("/<kind>/issue", methods=["POST"], summary_zh="签发一种码；可直接取二维码图片（SVG 或 PNG）")
@guard.requires("codes.issue", step_up=guard.SESSION, is_anonymous=True)
@blp.query(schemas.ForQuery, cache_size=CACHED_QUERIES)
@blp.response(200, schemas.CodeSchema)
@blp.alternative(200, content_type="image/svg+xml")
@blp.alternative(200, content_type="image/png")
@blp.problems(409, 429)
def issue_one(query: dict[str, Any], kind: str) -> service.Code | Response:
    """Issue one code; `Accept: image/svg+xml` or `image/png` gives the picture."""
    info = _kind(kind)
    issued = _issue(query, [kind])
    if issued.refused:
        raise service.refusal(issued)
    media_type = request.accept_mimetypes.best_match(["application/json", *PICTURES], default="application/json")
    if media_type == "application/json":
        return issued.codes[0]
    picture = PICTURES[media_type](issued.codes[0].code, title=info.name, colour=info.colour)
    return Response(picture, content_type=media_type)


@blp.route(
    "/<kind>/short-number",
    methods=["POST"],
    summary_zh="签发十位短号，三分钟内有效，核验通过一次即失效；供摄像头损坏时人工输入",
)
@guard.requires("codes.issue", step_up=guard.SESSION, is_anonymous=True)
@blp.query(schemas.ForQuery)
@blp.response(200, schemas.ShortNumberSchema)
@blp.problems(409, 429)
def short_number(query: dict[str, Any], kind: str) -> service.IssuedNumber:
    """Give ten digits that stand for a code for three minutes and are accepted once, for a broken camera."""
    slug, moment = _kind(kind).slug, now()
    subject, holdings = _subject_and_holdings(query, moment)
    with part(Database).statements() as connection:
        return service.issue_short_number(part(Wallet), connection, holdings, slug, moment, guardian=subject.is_ward)


def _issue(query: dict[str, Any], kinds: list[str]) -> service.Issued:
    moment = now()
    subject, holdings = _subject_and_holdings(query, moment)
    return service.issue(part(Wallet), holdings, kinds, moment, guardian=subject.is_ward)


def _subject_and_holdings(query: dict[str, Any], moment: datetime) -> tuple[accounts.Subject, list[service.Holding]]:
    """Return whose codes are to be issued, and what that resident holds; calls are counted."""
    subject = find_subject(query, moment)
    limit = part(Settings).limits.issue_per_minute
    part(Limiter).hit("codes.issue", subject.counted_as, limit=limit, window=60)
    with part(Database).statements() as connection:
        return subject, service.holdings(connection, part(Wallet), subject.resident, moment)


@blp.route("/<kind>/suspend", methods=["POST"], summary_zh="挂失一种码，已亮出的码也立即失效")
@guard.requires("codes.manage", step_up=guard.SESSION, is_anonymous=True)
@blp.query(schemas.ForQuery)
@blp.response(200, schemas.KindSchema)
def suspend(query: dict[str, Any], kind: str) -> dict[str, Any]:
    """Report a kind lost: its codes are refused from now on, those already shown too. Gives the kind's state."""
    slug, change = _kind(kind).slug, guard.change()
    with part(Database).transaction() as session:
        subject = accounts.resolve_subject(session, caller=change.by.id, ward=query["for_"], now=change.at)
        service.suspend(session, part(Wallet).rings, _holder(subject, slug), change.at)
        accounts.record_for_ward(part(Wallet).rings, session, subject, change, "codes.suspend", kind=slug)
    return _card(slug, subject.resident)


@blp.route("/<kind>/resume", methods=["POST"], summary_zh="解除本人的挂失，须在人脸核验后十分钟内")
@guard.requires("codes.manage", step_up=FRESH_STEP_UP, is_anonymous=True)
@blp.query(schemas.ForQuery)
@blp.response(200, schemas.KindSchema)
def resume(query: dict[str, Any], kind: str) -> dict[str, Any]:
    """Take a report back, within ten minutes of a step-up. Gives the kind's state: a source's hold stays."""
    slug, change = _kind(kind).slug, guard.change()
    with part(Database).transaction() as session:
        accounts.require_running(part(accounts.Accounts), session, guard.principal())
        subject = accounts.resolve_subject(session, caller=change.by.id, ward=query["for_"], now=change.at)
        service.resume(session, part(Wallet).rings, _holder(subject, slug), change.at)
        accounts.record_for_ward(part(Wallet).rings, session, subject, change, "codes.resume", kind=slug)
    return _card(slug, subject.resident)


def _holder(subject: accounts.Subject, kind: str) -> service.SuspensionRequest:
    return service.SuspensionRequest(subject.resident, kind, by_guardian=subject.is_ward)


def _card(slug: str, resident: UUID) -> dict[str, Any]:
    with part(Database).statements() as connection:
        holdings = service.holdings(connection, part(Wallet), resident, now())
    return next(card for card in _cards(holdings, now()) if card["kind"] == slug)


def _kind(slug: str) -> KindInfo:
    kind = part(City).kinds.get(slug)
    if kind is None:
        raise KindNotFound
    return kind
