"""Seals the rows that earlier releases made: those that prove themselves, and once the roots."""

from dataclasses import dataclass

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from qe_ban.keys import rewrapping, wrapping
from qe_ban.keys.integrity import Judge
from qe_ban.keys.models import Key, Ring

_log = structlog.get_logger("qe_ban.keys")


@dataclass(frozen=True, slots=True)
class AdoptedKey:
    """A row that has got a seal; `thumbprint` is its public half's (RFC 7638) in hex, if it has one."""

    kid: str
    ring: str
    thumbprint: str | None


def adopt(session: Session, master: bytes, *, roots: bool = False, only: str | None = None) -> list[AdoptedKey]:
    """Seal the rows without a seal that prove themselves, and log each; of `master` see `rewrapping.master_for_new`.

    A root's private half is nowhere, so nothing proves one. `roots`: seal theirs too, right after the migration that
    brought seals, when they are what they were before. `only`: a root's kid, whose thumbprint a person has compared.
    """
    rewrapping.lock(session)
    judge, keys = Judge(master), []
    query = select(Key).where(Key.seal.is_(None)).order_by(Key.kid).execution_options(populate_existing=True)
    for row in session.scalars(query):
        is_named = row.ring == Ring.ROOT and row.public is not None and (roots or row.kid == only)
        if not is_named and not judge.proves_itself(row):
            continue
        judge.seal(row)
        print_ = wrapping.thumbprint(row.public).hex() if row.public else None
        _log.warning("keys.adopted", kid=row.kid, ring=row.ring, thumbprint=print_)
        keys.append(AdoptedKey(row.kid, row.ring, print_))
    session.flush()
    return keys
