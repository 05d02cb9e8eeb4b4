"""What was decided about consents within the last half minute: of the scans' world, so it names nobody.

Who is asked at a gate agrees at once. A row with the resident's plain id, written at that moment, would stand next to
the scan that asked: by its place in the table, its number, its transaction. So a decision lies here, sealed, also one
that a guardian made for a ward, and no length tells which is which. Scans find it under a keyed hash of
the entitlement's number and the purpose, and the resident's app under one of the id; both change with the city's month.
What stands here counts before what `consents` says. The worker turns all of it over in one transaction, in an order
that is not that of the decisions.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, Row, delete, exists, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from qe_ban.accounts.models import Consent, ConsentEvent, FreshConsent, Guardianship
from qe_ban.accounts.rules import ConsentState
from qe_ban.accounts.service import fresh_decisions, holding, residents
from qe_ban.accounts.service.fresh_decisions import Decision, FreshDecisions
from qe_ban.kernel.clock import CITY_TIME, city_month, start_of_day, start_of_month
from qe_ban.keys import moments
from qe_ban.keys.models import Ring
from qe_ban.keys.rings import KeyRings

HOLDER, OWNER = "consent", "consent-owner"
HASH_BYTES = 32
CLOCKS_APART = timedelta(seconds=5)
"""Another server's clock may be ahead of this one's, and in the next month."""
BATCH = 10_000

log = structlog.get_logger(__name__)


def holder_hashes(rings: KeyRings, number: int, purpose: str, now: datetime) -> list[bytes]:
    """Return the hashes under which scans of an entitlement find a decision about a purpose; the first is written."""
    return _hashes(rings, HOLDER, number.to_bytes(7, "big") + purpose.encode(), now)


def newest(rings: KeyRings, rows: Iterable[bytes]) -> Decision | None:
    """Return the newest of some decisions that a scan read, each of which follows its row's hash.

    None where one does not open: the resident may have taken the consent back.
    """
    readings = [fresh_decisions.unseal(rings, row[:HASH_BYTES], row[HASH_BYTES:]) for row in map(bytes, rows)]
    decisions = [fresh.newest for fresh in readings if fresh is not None]
    if len(decisions) < len(readings):
        return None
    return max(decisions, key=lambda decision: decision.at, default=None)


def of_resident(rings: KeyRings, session: Session, resident_id: UUID, now: datetime) -> list[FreshDecisions]:
    """Return what a resident decided since the worker came by, by purpose. Read `consents` after it, never before.

    So nothing is missed that the worker turns over meanwhile.
    """
    return list(_grouped(rings, session.execute(_ROWS.where(_owned(rings, resident_id, now)))))


def count_rows(rings: KeyRings, session: Session, resident_id: UUID, now: datetime) -> dict[str, int]:
    """Return how many rows there will be more, by table, once the worker has turned over what a resident decided."""
    fresh = of_resident(rings, session, resident_id, now)
    mine = select(Consent.purpose).where(Consent.resident_id == resident_id)
    new = {one.purpose for one in fresh} - set(session.scalars(mine)) if fresh else set()
    return {"consents": len(new), "consent_events": sum(len(one.decisions) for one in fresh)}


def lock(rings: KeyRings, session: Session, resident_id: UUID, now: datetime) -> dict[FreshDecisions, list[bytes]]:
    """Hold the account alone and return the same with the rows that have it, kept from the worker until the commit.

    Whoever locks rows of residents and guardianships, too, does so before.
    """
    holding.hold_alone(rings, session, resident_id)
    rows = _ROWS.where(_owned(rings, resident_id, now)).with_for_update()
    return _grouped(rings, session.execute(rows))


def write(
    rings: KeyRings,
    session: Session,
    numbers: Sequence[int],
    locked: Mapping[FreshDecisions, list[bytes]],
    decision: Decision,
    *,
    resident_id: UUID,
    purpose: str,
) -> Decision:
    """Add a decision to those that are locked; scans of these entitlements find it from the commit on."""
    same = [fresh for fresh in locked if fresh.purpose == purpose]
    before = sorted((known for fresh in same for known in fresh.decisions), key=lambda known: known.at)
    # the moments are in the order of the decisions, whichever server's clock they are of
    if before and before[-1].at >= decision.at:
        decision = replace(decision, at=before[-1].at + timedelta(microseconds=1))
    fresh, now = FreshDecisions(resident_id, purpose, len(numbers), (*before, decision)), decision.at
    hashes = [holder_hashes(rings, number, purpose, now) for number in numbers]
    replaced = [holder for held in (*hashes, *(locked[one] for one in same)) for holder in held]
    session.execute(delete(FreshConsent).where(FreshConsent.holder.in_(replaced)))
    owner = _owner_hashes(rings, resident_id, now)[0]
    rows = [
        {
            "holder": holder,
            "owner": owner,
            "content_sealed": fresh_decisions.seal(rings, holder, fresh, now),
            "written_at": now,
        }
        for holder, *_ in hashes
    ]
    session.execute(insert(FreshConsent), rows)
    return decision


def fold(rings: KeyRings, session: Session, resident_id: UUID, now: datetime) -> None:
    """Hold the account alone and turn over what its resident decided, before something else changes the consents."""
    locked = lock(rings, session, resident_id, now)
    _turn_over(rings, session, locked, now)
    _delete(session, locked.values())


def forget(rings: KeyRings, session: Session, resident_id: UUID, now: datetime) -> None:
    """Delete what a resident decided since the worker came by, also what does not open; the account is held alone."""
    session.execute(delete(FreshConsent).where(_owned(rings, resident_id, now)))


def turn_over(session: Session, rings: KeyRings, now: datetime) -> int:
    """Write what residents decided since the last time into their consents, in one transaction; returns how many.

    The worker's part. By residents' ids, by which nothing is learned of the decisions' order. Whoever decides anew or
    is locked at this moment waits for the next time; what a closed account decided is dropped.
    """
    locked = _grouped(rings, session.execute(_ROWS.limit(BATCH).with_for_update(skip_locked=True)))
    whole = {fresh: holders for fresh, holders in locked.items() if len(holders) == fresh.rows}
    standing = residents.lock_reachable(session, {fresh.resident for fresh in whole})
    free = _lock_guardianships(session, {one for fresh in whole for one in fresh.guardianships})
    done = {
        fresh: holders for fresh, holders in whole.items() if fresh.resident in standing and fresh.guardianships <= free
    }
    _turn_over(rings, session, [fresh for fresh in done if standing[fresh.resident]], now)
    _delete(session, done.values())
    return len(done)


def written_before(session: Session, moment: datetime) -> bool:
    """Return whether a decision from before a moment is left: it is found by hashes of then."""
    return bool(session.scalar(select(exists().where(FreshConsent.written_at < moment))))


_ROWS = select(FreshConsent.holder, FreshConsent.content_sealed).order_by(FreshConsent.owner, FreshConsent.holder)


def _owned(rings: KeyRings, resident_id: UUID, now: datetime) -> ColumnElement[bool]:
    return FreshConsent.owner.in_(_owner_hashes(rings, resident_id, now))


def _owner_hashes(rings: KeyRings, resident_id: UUID, now: datetime) -> list[bytes]:
    return _hashes(rings, OWNER, resident_id.bytes, now)


def _hashes(rings: KeyRings, label: str, message: bytes, now: datetime) -> list[bytes]:
    months = _months(int(now.timestamp()))
    return [mac for month in months for mac in rings.macs(Ring.HOLDER, label, month + message)]


# each scan for a consent asks, and the answer changes once a month
@lru_cache(maxsize=8)
def _months(second: int) -> tuple[bytes, ...]:
    """Return the months under which a decision may lie that counts now; the first is the one of now."""
    now = datetime.fromtimestamp(second, CITY_TIME)
    months = (now, now + CLOCKS_APART, start_of_month(now) - timedelta(microseconds=1))
    return tuple(dict.fromkeys(city_month(month).encode() for month in months))


def _lock_guardianships(session: Session, guardianships: Collection[UUID]) -> set[UUID]:
    """Lock those of these guardianships that nobody is ending, as rows that refer to them will; return which."""
    if not guardianships:
        return set()
    query = select(Guardianship.id).where(Guardianship.id.in_(guardianships)).order_by(Guardianship.id)
    return set(session.scalars(query.with_for_update(read=True, key_share=True, skip_locked=True)))


def _grouped(rings: KeyRings, rows: Iterable[Row[Any]]) -> dict[FreshDecisions, list[bytes]]:
    """Return different decisions with the rows that have them, by resident and purpose, the older ones first.

    What does not open is left where it is: to scans it is a consent that was taken back.
    """
    found: dict[FreshDecisions, list[bytes]] = {}
    for row in rows:
        fresh = fresh_decisions.unseal(rings, row.holder, row.content_sealed)
        if fresh is None:
            log.error("accounts.consent_unreadable")
        else:
            found.setdefault(fresh, []).append(row.holder)
    return dict(sorted(found.items(), key=lambda item: (item[0].resident, item[0].purpose, item[0].newest.at)))


def _delete(session: Session, holders: Iterable[list[bytes]]) -> None:
    over = [holder for some in holders for holder in some]
    session.execute(delete(FreshConsent).where(FreshConsent.holder.in_(over)))


def _turn_over(rings: KeyRings, session: Session, fresh: Collection[FreshDecisions], now: datetime) -> None:
    """Write decisions, the older ones first, into consents and history: of a consent the newest, of a resident all."""
    newest = {(one.resident, one.purpose): one for one in fresh}
    if not newest:
        return
    row = insert(Consent)
    names = ("state", "guardianship_id", "granted_at", "withdrawn_at", "moments_sealed", "turned_over_at")
    row = row.on_conflict_do_update(
        index_elements=["resident_id", "purpose"], set_={name: row.excluded[name] for name in names}
    )
    data_keys = residents.data_keys_of(session, {one.resident for one in fresh})
    session.execute(row, [_consent(rings, one, data_keys.get(one.resident), now) for one in newest.values()])
    acts = [(one.resident, decision.at, one.purpose, decision) for one in fresh for decision in one.decisions]
    acts.sort(key=lambda act: act[:3])
    events = [
        ConsentEvent(
            resident_id=resident,
            purpose=purpose,
            state=decision.state.value,
            at=start_of_day(at),
            guardianship_id=decision.guardianship_id,
        )
        for resident, at, purpose, decision in acts
    ]
    session.add_all(events)
    # a seal is bound to the row's id, which the database gives
    session.flush()
    for event, (_, at, *_) in zip(events, acts, strict=True):
        moments.write(rings, event, now, data_key=data_keys.get(event.resident_id), at=at)
    session.flush()


def _consent(rings: KeyRings, fresh: FreshDecisions, data_key: int | None, now: datetime) -> dict[str, object]:
    at = fresh.newest.at
    granted = fresh.newest.state is ConsentState.GRANTED
    exact = {"granted_at": at if granted else None, "withdrawn_at": None if granted else at}
    days = {name: start_of_day(moment) if moment is not None else None for name, moment in exact.items()}
    key = (fresh.resident, fresh.purpose)
    return {
        "resident_id": fresh.resident,
        "purpose": fresh.purpose,
        "state": fresh.newest.state.value,
        "guardianship_id": fresh.newest.guardianship_id,
        **days,
        "moments_sealed": moments.seal(rings, "consents", key, exact, now, data_key=data_key),
        # it is written now, also where its day was turned over before
        "turned_over_at": None,
    }
