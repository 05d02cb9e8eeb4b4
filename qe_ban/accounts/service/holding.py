"""Who acts on an account at this moment, without a trace on a disk: locks on keyed numbers, held until the commit.

A lock of the account's row leaves the number of the transaction on that row. Whoever reads the database's files finds
the same number on what the transaction wrote, and so whose a sign-in is that has no name of its own.
"""

from uuid import UUID

from sqlalchemy import BigInteger, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from qe_ban.keys.models import Ring
from qe_ban.keys.rings import KeyRings

PURPOSE = "account"
_SHARED = text("SELECT pg_advisory_xact_lock_shared(n) FROM unnest(:numbers) n")
_ALONE = text("SELECT pg_advisory_xact_lock(n) FROM unnest(:numbers) n")
_TRY_ALONE = text("SELECT bool_and(pg_try_advisory_xact_lock(n)) FROM unnest(:numbers) n")
_NUMBERS = bindparam("numbers", type_=ARRAY(BigInteger))


def hold(rings: KeyRings, session: Session, resident_id: UUID) -> None:
    """Wait for whoever ends all sign-ins of an account, and let nobody do so until the transaction ends.

    Several hold an account at once. Look at it again afterwards: it may have been closed before. Raises KeyMissing.
    """
    session.execute(_SHARED.bindparams(_NUMBERS), {"numbers": _numbers(rings, resident_id)})


def hold_alone(rings: KeyRings, session: Session, resident_id: UUID) -> None:
    """Wait until nobody holds an account, and let nobody do so until the transaction ends.

    Lock the account's row first: of two who want it alone, one waits there. Raises KeyMissing.
    """
    session.execute(_ALONE.bindparams(_NUMBERS), {"numbers": _numbers(rings, resident_id)})


def try_hold_alone(rings: KeyRings, session: Session, resident_id: UUID) -> bool:
    """Return whether nobody holds an account; then nobody does until the transaction ends. Raises KeyMissing."""
    return bool(session.scalar(_TRY_ALONE.bindparams(_NUMBERS), {"numbers": _numbers(rings, resident_id)}))


def _numbers(rings: KeyRings, resident_id: UUID) -> list[int]:
    """Return the numbers that are locked, in one order for all: under each secret, for another process may have one."""
    macs = rings.macs(Ring.HOLDER, PURPOSE, resident_id.bytes)
    return sorted(int.from_bytes(mac[:8], signed=True) for mac in macs)
