"""What the use cases of accounts work with, put together once by `create_app`."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from qe_ban.accounts.adapters.face import Face
from qe_ban.accounts.adapters.real_name import Register
from qe_ban.accounts.models import Revocation
from qe_ban.accounts.rules.traces import Retention
from qe_ban.accounts.service.checked import CheckedTokens
from qe_ban.accounts.service.passwords import Passwords
from qe_ban.db.engine import Database
from qe_ban.db.limits import Limiter
from qe_ban.db.polled_cache import PolledCache
from qe_ban.kernel.clock import Clock
from qe_ban.keys.rings import KeyRings

Revoked = frozenset[UUID]


@dataclass(frozen=True, slots=True)
class PersonalDataEraser:
    """What a slice keeps of a resident: `count` gives the rows by table, `erase` deletes them, again harmlessly.

    Rows with a foreign key to the resident are counted by the closing itself: `count` is for the others.
    """

    count: Callable[[Session, UUID], Mapping[str, int]]
    erase: Callable[[Session, UUID, datetime], None]


def count_nothing_more(_session: Session, _resident: UUID) -> Mapping[str, int]:
    """Count nothing: all rows of the slice have a foreign key to the resident."""
    return {}


def _no_codes(_session: Session, _resident: UUID, _now: datetime) -> None:
    """Suspend nothing: there are no codes."""


def _no_entitlements(_session: Session, _resident: UUID, _kinds: Collection[str] | None) -> Sequence[int]:
    """Return none: there are no codes."""
    return ()


@dataclass(frozen=True, slots=True)
class WalletHooks:
    """What accounts call of the wallet, which stands above them; `Accounts` says when."""

    verified: Callable[[Session, UUID, datetime], None]
    entitlements: Callable[[Session, UUID, Collection[str] | None], Sequence[int]]
    suspend: Callable[[Session, UUID, datetime], None]


@dataclass(frozen=True, slots=True)
class Accounts:
    """The collaborators. Limits count in windows of `window` seconds.

    `verified` is called in the transaction in which a resident's real name is confirmed: what follows from a name
    (entitlements) stands or falls with it. `entitlements` gives the numbers of a resident's, of some kinds or all;
    `suspend` suspends all codes of a resident whose phone is lost; `erasers` is what the slices above keep of a
    resident, so that nothing stays when an account is closed. `recovery_wait`: how long a recovery case waits for an
    objection while the account is signed in to.
    """

    rings: KeyRings
    limiter: Limiter
    revocations: PolledCache[Revoked]
    real_name: Register
    face: Face
    issuer: str
    verified: Callable[[Session, UUID, datetime], None]
    entitlements: Callable[[Session, UUID, Collection[str] | None], Sequence[int]] = _no_entitlements
    suspend: Callable[[Session, UUID, datetime], None] = _no_codes
    erasers: Sequence[PersonalDataEraser] = ()
    retention: Retention = field(default_factory=Retention)
    recovery_wait: timedelta = timedelta(hours=24)
    sandbox: bool = False
    otp_per_phone: int = 5
    otp_per_address: int = 100
    otp_per_day: int = 10
    tries_per_address: int = 100
    window: int = 600
    passwords: Passwords = field(default_factory=Passwords)
    checked: CheckedTokens = field(default_factory=CheckedTokens)


def poll_revocations(database: Database, clock: Clock) -> PolledCache[Revoked]:
    """Give the polled set of whose access tokens are refused: families, clients, principals and single tokens."""

    def load(session: Session, _before: Revoked | None) -> Revoked:
        return frozenset(session.scalars(select(Revocation.subject).where(Revocation.expires_at > clock())))

    return PolledCache(database, load)
