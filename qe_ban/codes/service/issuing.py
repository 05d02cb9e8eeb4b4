"""A resident's wallet: the five kinds with their states, and issued codes. Issuing writes nothing."""

import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from qe_ban.codes import queries, rules, token
from qe_ban.codes.adapters import SourceAway
from qe_ban.codes.errors import CodeRefused, EntitlementNotFound
from qe_ban.codes.models import Entitlement, SourceAnswer
from qe_ban.codes.rules import Answer, State
from qe_ban.codes.rules.labels import SUSPENSION_NAMES
from qe_ban.codes.service.wallet import Wallet
from qe_ban.kernel.city import CodeKind
from qe_ban.kernel.clock import start_of_day
from qe_ban.keys.models import Ring
from qe_ban.keys.rings import KeyMissing

REAL_NAME = "real_name_required"
KINDS = {kind.slug: kind for kind in CodeKind}


@dataclass(frozen=True, slots=True)
class WalletCard:
    """One kind as the wallet shows it."""

    kind: str
    state: State
    reason: str | None
    as_of: datetime
    answer: Answer | None


@dataclass(frozen=True, slots=True)
class Code:
    """An issued code; times aware, `ttl` and `refresh_after` in seconds from `issued_at`."""

    kind: str
    code: str = field(repr=False)
    issued_at: datetime
    expires_at: datetime
    ttl: int
    refresh_after: int


@dataclass(frozen=True, slots=True)
class Issued:
    """Codes for the kinds that are active, and for the others why not."""

    codes: list[Code]
    refused: list[dict[str, str]]


def open_wallet(session: Session, resident: UUID, now: datetime) -> None:
    """Store an entitlement of every kind for a resident whose real name was just confirmed; again is harmless.

    Of every kind that this program knows, not only of the city's: so a city file that names one more serves residents
    who are there already.
    """
    rows = [{"resident_id": resident, "kind": kind, "made_at": start_of_day(now)} for kind in KINDS]
    session.execute(insert(Entitlement).values(rows).on_conflict_do_nothing(index_elements=["resident_id", "kind"]))


def entitlement_numbers(session: Session, resident: UUID, kinds: Collection[str] | None) -> Sequence[int]:
    """Return the numbers of a resident's entitlements, of some kinds or (None) of all."""
    mine = select(Entitlement.number).where(Entitlement.resident_id == resident)
    if kinds is not None:
        mine = mine.where(Entitlement.kind.in_(kinds))
    return session.scalars(mine.order_by(Entitlement.number)).all()


def record_answer(
    session: Session,
    resident: UUID,
    kind: str,
    answer: Answer,
    expires_at: datetime | None = None,
    *,
    rule: str | None = None,
) -> None:
    """Set the built-in register's record of a resident's entitlement. Raises EntitlementNotFound.

    `rule`: by which rule and version of it (`sandbox.seed/1`). What two persons set over a level stays.
    """
    number = session.scalar(
        select(Entitlement.number).where(Entitlement.resident_id == resident, Entitlement.kind == kind)
    )
    if number is None:
        raise EntitlementNotFound
    values = {
        "state": answer.state,
        "reason": answer.reason,
        "detail": dict(answer.detail),
        "as_of": answer.as_of,
        "asked_at": answer.asked_at,
        "expires_at": expires_at,
        "rule": rule,
    }
    row = insert(SourceAnswer).values(entitlement=number, **values)
    session.execute(row.on_conflict_do_update(index_elements=["entitlement"], set_=values))


def overview(wallet: Wallet, holdings: Sequence[queries.Holding], now: datetime) -> list[WalletCard]:
    """Return the wallet's kinds in the city's order, with what is known of each."""
    by_kind = {holding.kind: holding for holding in holdings}
    return [_card(wallet, kind, by_kind.get(kind), now) for kind in wallet.city.kinds]


def ask_sources(wallet: Wallet, holdings: Sequence[queries.Holding], now: datetime) -> dict[int, Answer]:
    """Ask the outside sources for what is not known or old; return new answers by entitlement number, to be kept."""
    answers = {}
    for holding in holdings:
        source, last = wallet.sources.get(holding.kind), holding.answer
        if source is None or (last and rules.is_fresh(last, now)):
            continue
        person = wallet.person(holding.resident, holding.id_type, holding.name_sealed, holding.id_number_sealed)
        try:
            answers[holding.number] = source.ask(holding.kind, person, now)
        except SourceAway:
            continue
    return answers


def with_answers(holdings: Sequence[queries.Holding], answers: Mapping[int, Answer]) -> list[queries.Holding]:
    """Put new answers in the place of the kept ones."""
    return [replace(holding, answer=answers.get(holding.number, holding.answer)) for holding in holdings]


def issue(
    wallet: Wallet, holdings: Sequence[queries.Holding], kinds: Sequence[str], now: datetime, *, guardian: bool = False
) -> Issued:
    """Issue a code for each kind that is active, once each; asks no source and writes nothing. Raises KeyMissing.

    `guardian`: the codes say, to us alone, that a guardian shows them.
    """
    by_kind = {holding.kind: holding for holding in holdings}
    issued = Issued([], [])
    for kind in dict.fromkeys(kinds):
        card = _card(wallet, kind, by_kind.get(kind), now)
        if card.state is State.ACTIVE:
            issued.codes.append(_code(wallet, by_kind[kind], now, guardian=guardian))
        else:
            issued.refused.append({"kind": kind, "reason": card.reason or card.state.value})
    return issued


def refusal(issued: Issued) -> CodeRefused:
    """Return why the only kind that was asked for is not issued."""
    reason = issued.refused[0]["reason"]
    return CodeRefused(SUSPENSION_NAMES.get(reason), reason=reason)


def _card(wallet: Wallet, kind: str, holding: queries.Holding | None, now: datetime) -> WalletCard:
    if holding is None:
        return WalletCard(kind, State.NOT_ENTITLED, REAL_NAME, now, None)
    answer, outside = holding.answer, kind in wallet.sources
    if not outside:
        answer = replace(answer, as_of=now) if answer else rules.default_answer(kind, now)
    as_of = answer.as_of if answer else now
    if holding.suspended_by:
        return WalletCard(kind, State.SUSPENDED, f"held_by_{holding.suspended_by}", as_of, answer)
    # a source that never answered: the code is only a pointer, whoever scans it asks the source
    return WalletCard(kind, answer.state if answer else State.ACTIVE, answer.reason if answer else None, as_of, answer)


def _code(wallet: Wallet, holding: queries.Holding, now: datetime, *, guardian: bool) -> Code:
    issued_at = int(now.timestamp())
    signing, sealing = wallet.rings.signing(Ring.CODE, now), wallet.rings.daily(Ring.SEAL_ISSUED, now.date())
    if sealing is None:
        raise KeyMissing
    cti = token.seal(sealing[1], entitlement=holding.number, guardian=guardian, random=secrets.token_bytes(8))
    text = token.issue(
        signing.private,
        kid=signing.kid,
        kind=KINDS[holding.kind],
        cti=cti,
        issued_at=issued_at,
        expires_at=issued_at + wallet.code_life,
    )
    start = datetime.fromtimestamp(issued_at, UTC)
    # up to a sixth earlier than half the life: phones that opened together must not come back together
    refresh = wallet.code_life // 2 - secrets.randbelow(wallet.code_life // 12 + 1)
    return Code(holding.kind, text, start, start + timedelta(seconds=wallet.code_life), wallet.code_life, refresh)
