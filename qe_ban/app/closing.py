"""What all slices keep of a resident, and what the interface does: together it is all that a closed account leaves."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from qe_ban.accounts.service import Estate
from qe_ban.codes.service import holders
from qe_ban.halls.service import closing as halls
from qe_ban.health.service import closing as health
from qe_ban.kernel.principal import Actor, PrincipalKind
from qe_ban.keys.rings import KeyRings
from qe_ban.web import idempotency
from qe_ban.zones.service import closing as zones


def _count_answers(session: Session, resident: UUID) -> Mapping[str, int]:
    return {"idempotency_keys": idempotency.kept(session, Actor(PrincipalKind.RESIDENT, resident))}


def _erase_answers(session: Session, resident: UUID, _now: datetime) -> None:
    idempotency.forget(session, Actor(PrincipalKind.RESIDENT, resident))


_ANSWERS: Final = Estate(_count_answers, _erase_answers)


def estates(rings: KeyRings) -> tuple[Estate, ...]:
    """Give what is deleted of a closed account above the accounts themselves."""
    return holders.estate(rings), health.ESTATE, halls.estate(rings), zones.ESTATE, _ANSWERS
