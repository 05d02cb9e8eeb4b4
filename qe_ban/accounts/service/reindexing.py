"""Changes the keys of the blind indexes: the other slot is filled, then the one before is emptied, in small steps."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exc, exists, func, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from qe_ban.accounts.models import Guardianship, RefreshFamily, Resident
from qe_ban.accounts.service import residents
from qe_ban.kernel.identifiers import IdType
from qe_ban.keys import lifecycle, retirement, vault
from qe_ban.keys.models import BLIND, Key, Ring
from qe_ban.keys.rings import KeyMissing, KeyRings

STEP = 100
Slot = InstrumentedAttribute[bytes | None]

SLOTS: dict[Ring, tuple[Slot, Slot]] = {
    Ring.BLIND_PHONE: (Resident.phone_index, Resident.phone_index_next),
    Ring.BLIND_ID_NUMBER: (Resident.id_index, Resident.id_index_next),
}
SEALED: dict[Ring, InstrumentedAttribute[bytes | None]] = {
    Ring.BLIND_PHONE: Resident.phone_sealed,
    Ring.BLIND_ID_NUMBER: Resident.id_number_sealed,
}


@dataclass(frozen=True, slots=True)
class Step:
    """What one step did: up to which resident it came (None: there are no more), and who got no index."""

    reached: UUID | None
    written: int
    broken: Sequence[UUID] = ()


def rotate(session: Session, master: bytes, ring: Ring, now: datetime) -> str:
    """Add a second key to a blind index, in the free slot; gives its kid.

    Raises RotationUnderWay where two keys live, or what the key before last has written is not all gone.
    """
    slot = lifecycle.free_slot(session, ring, now)
    if session.scalar(select(exists().where(SLOTS[ring][slot].is_not(None)))):
        raise lifecycle.RotationUnderWay("上一次轮换留下的旧索引尚未清空，请先运行 backfill")
    return lifecycle.rotate(session, master, ring, now)


def backfill(session: Session, rings: KeyRings, ring: Ring, after: UUID | None, *, limit: int = STEP) -> Step:
    """Fill the empty slots of the next residents by id, at most `limit` of those who lack one.

    Who is locked is passed over, so that nobody waits for a step and no step for anybody: look with `missing`, and walk
    again. Raises KeyMissing.
    """
    statement = select(Resident).where(_lacking(rings, ring))
    if after is not None:
        statement = statement.where(Resident.id > after)
    retirement.lengthen(session)
    free = statement.order_by(Resident.id).limit(limit).with_for_update(skip_locked=True)
    rows = session.scalars(free.execution_options(populate_existing=True)).all()
    broken = [row.id for row in rows if not _fill(session, rings, ring, row)]
    return Step(rows[-1].id if len(rows) == limit else None, len(rows) - len(broken), broken)


def missing(session: Session, rings: KeyRings, ring: Ring) -> int:
    """Count who lacks the index of a live key; reads the whole table."""
    retirement.lengthen(session)
    return session.scalar(select(func.count()).select_from(Resident).where(_lacking(rings, ring))) or 0


def _lacking(rings: KeyRings, ring: Ring) -> ColumnElement[bool]:
    pairs = zip(SLOTS[ring], rings.blind(ring, ""), strict=True)
    empty = [column.is_(None) for column, key in pairs if key is not None]
    return and_(SEALED[ring].is_not(None), or_(*empty))


def _fill(session: Session, rings: KeyRings, ring: Ring, row: Resident) -> bool:
    """Fill the empty slots of one; False where the column does not open, or somebody else has its index."""
    try:
        pair = _index(rings, ring, row)
        with session.begin_nested():
            for column, value in zip(SLOTS[ring], pair, strict=True):
                if value is not None and getattr(row, column.key) is None:
                    setattr(row, column.key, value)
    except (vault.SealBroken, KeyMissing, exc.IntegrityError):
        return False
    return True


def _index(rings: KeyRings, ring: Ring, row: Resident) -> tuple[bytes | None, bytes | None]:
    if ring is Ring.BLIND_PHONE:
        return rings.blind(ring, residents.phone_of(rings, row) or "")
    number = residents.id_number_of(rings, row)
    return residents.id_index(rings, IdType(row.id_type or ""), number or "")


def retire(session: Session, key: Key, now: datetime) -> None:
    """Destroy one of an index's two keys. Raises KeyIsLast, KeyNeeded while a row has not the other's index."""
    ring = Ring(key.ring)
    retirement.require_other_slot(session, key, now)
    mine, others = SLOTS[ring][key.slot or 0], SLOTS[ring][1 - (key.slot or 0)]
    retirement.lengthen(session)
    if session.scalar(select(exists().where(mine.is_not(None), others.is_(None)))):
        raise retirement.KeyNeeded(f"还有居民只能用这个密钥查到，请先运行 keys backfill {ring}")
    retirement.destroy(key, now)


def wards_before(session: Session, moment: datetime) -> bool:
    """Tell whether a guardianship still waits that was asked for before a moment: it is found by a hash of then."""
    waiting = exists().where(Guardianship.ward_mac.is_not(None), Guardianship.requested_at < moment)
    return bool(session.scalar(select(waiting)))


def sign_ins_before(session: Session, moment: datetime) -> bool:
    """Return whether a sealed sign-in from before a moment is left: it is found by a hash of then."""
    left = exists().where(RefreshFamily.content_sealed.is_not(None), RefreshFamily.started_at < moment)
    return bool(session.scalar(select(left)))


def empty(session: Session, ring: Ring, *, limit: int = STEP) -> int:
    """Empty the slot that no key has any more, of at most `limit` residents; gives how many.

    Nobody who is locked is waited for, and nobody loses the last index.
    """
    slots = set(session.scalars(select(Key.slot).where(Key.ring == ring, Key.slot.is_not(None))))
    count = 0
    for slot in {0, 1} - slots if slots else ():
        mine, others = SLOTS[ring][slot], SLOTS[ring][1 - slot]
        some = select(Resident.id).where(mine.is_not(None), others.is_not(None)).limit(limit)
        statement = update(Resident).where(Resident.id.in_(some.with_for_update(skip_locked=True)))
        statement = statement.values({mine.key: None}).returning(Resident.id)
        count += len(session.execute(statement.execution_options(synchronize_session=False)).all())
    return count


def count(session: Session, ring: Ring, slot: int) -> int:
    """Count whose index stands in a slot; reads the whole table."""
    retirement.lengthen(session)
    return session.scalar(select(func.count(SLOTS[ring][slot]))) or 0


def tidy(session: Session) -> None:
    """Empty what is left in slots without a key: the worker's part, should nobody see a rotation to its end."""
    for ring in sorted(BLIND):
        empty(session, ring, limit=5 * STEP)
