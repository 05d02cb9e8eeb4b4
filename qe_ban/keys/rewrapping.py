"""Changing the master key: while the next one is configured too, every secret is wrapped anew under it, in steps."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from qe_ban.keys import integrity, wrapping
from qe_ban.keys.models import Key
from qe_ban.message import Message

LOCK = 0x71656B79
"""Held for the length of a transaction by whoever makes keys or wraps them anew: nobody does the other meanwhile."""
STEP = 50


def lock(session: Session) -> None:
    """Wait until nobody else makes or wraps keys; it lasts as long as the transaction."""
    session.execute(select(func.pg_advisory_xact_lock(LOCK)))


def unwrap(master: bytes, following: bytes | None, kid: str, ring: str, ciphertext: bytes) -> bytes:
    """Open a secret that lies under the master key or under the next one. Raises MasterKeyWrong."""
    try:
        return wrapping.unwrap(master, kid, ring, ciphertext)
    except wrapping.MasterKeyWrong:
        if following is None:
            raise
        return wrapping.unwrap(following, kid, ring, ciphertext)


def master_for_new(session: Session, master: bytes, following: bytes | None) -> bytes:
    """Return the master key under which a new secret is to be wrapped: the next one as soon as any secret is under it.

    So a rewrapping that is done stays done while keys are still made, and before it has begun nothing is wrapped under
    a key that some process does not have yet. Locks until the transaction ends. Raises MasterKeyWrong where a secret
    opens under neither: what this process would make could be read by nobody else.
    """
    lock(session)
    under_following = [_is_under(following, row) for row in _rows_with_secret(session) if not _is_under(master, row)]
    if not all(under_following):
        raise wrapping.MasterKeyWrong(Message("the master key does not open the keys in the database"))
    return following if under_following and following is not None else master


def step(session: Session, master: bytes, following: bytes, *, limit: int = STEP) -> int:
    """Wrap and seal at most `limit` keys anew; return how many, none when all are under the next master key.

    What an earlier call has done stays done. Raises MasterKeyWrong.
    """
    lock(session)
    old, new = integrity.Judge(master, following), integrity.Judge(following)
    waiting = [row for row in _all(session) if _waits(row, old, new, following)][:limit]
    for row in waiting:
        # what nobody of ours made is not to become genuine by this
        is_ours = old.is_genuine(row)
        if row.wrapped is not None and not _is_under(following, row):
            secret = wrapping.unwrap(master, row.kid, row.ring, row.wrapped)
            row.wrapped = wrapping.wrap(following, row.kid, row.ring, secret)
        if is_ours:
            new.seal(row)
    return len(waiting)


def require_master(session: Session, master: bytes, following: bytes | None) -> None:
    """Raise MasterKeyWrong unless this is the master key of these keys; where there is no secret, it can be any."""
    row = session.scalars(select(Key).where(Key.wrapped.is_not(None)).order_by(Key.made_at).limit(1)).first()
    if row is not None and row.wrapped is not None:
        unwrap(master, following, row.kid, row.ring, row.wrapped)


def _waits(row: Key, old: integrity.Judge, new: integrity.Judge, following: bytes) -> bool:
    secret_waits = row.wrapped is not None and not _is_under(following, row)
    return secret_waits or (old.has_valid_seal(row) and not new.has_valid_seal(row))


def _all(session: Session) -> list[Key]:
    return list(session.scalars(select(Key).order_by(Key.kid).execution_options(populate_existing=True)))


def _rows_with_secret(session: Session) -> list[Key]:
    return [row for row in _all(session) if row.wrapped is not None]


def _is_under(master: bytes | None, row: Key) -> bool:
    if master is None or row.wrapped is None:
        return False
    try:
        wrapping.unwrap(master, row.kid, row.ring, row.wrapped)
    except wrapping.MasterKeyWrong:
        return False
    return True
