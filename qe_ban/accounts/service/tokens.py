"""Makes access tokens and says whose a token is."""

import uuid
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from qe_ban.accounts import errors, rules
from qe_ban.accounts import token as jwts
from qe_ban.accounts.service.checked import Checked, TokenKey
from qe_ban.accounts.service.collaborators import Accounts
from qe_ban.kernel.principal import Place, Principal, PrincipalKind
from qe_ban.keys.models import Ring
from qe_ban.keys.rings import Snapshot


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a sign-in gives; `expires_in` in seconds. Its repr shows no token."""

    access: str = field(repr=False)
    expires_in: int
    scopes: frozenset[str]
    refresh: str | None = field(default=None, repr=False)


def access(
    accounts: Accounts,
    *,
    kind: PrincipalKind,
    subject: UUID,
    session: UUID,
    scopes: frozenset[str],
    now: datetime,
    stepped_up_at: datetime | None = None,
    roles: Collection[str] = (),
    place: Place | None = None,
    refresh: str | None = None,
) -> Tokens:
    """Sign an access token of ten minutes. Raises KeyMissing."""
    key = accounts.rings.signing(Ring.TOKEN, now)
    issued_at, life = int(now.timestamp()), int(rules.ACCESS_LIFE.total_seconds())
    token = jwts.AccessToken(
        kind=kind,
        subject=subject,
        session=session,
        jti=uuid.uuid4(),
        scopes=scopes,
        issued_at=issued_at,
        expires_at=issued_at + life,
        stepped_up_at=int(stepped_up_at.timestamp()) if stepped_up_at else None,
        roles=frozenset(roles),
        place=place or Place(),
    )
    token_text = jwts.write(token, issuer=accounts.issuer, kid=key.kid, key=key.private)
    return Tokens(token_text, life, scopes, refresh)


def principal_from(accounts: Accounts, token: str, now: datetime) -> Principal:
    """Give whose access token this is, checked by signature, times, issuer, audience and revocations.

    A good signature is remembered until the keys change; everything that may change is looked at every time. Raises
    TokenInvalid, and DatabaseUnavailable or KeyMissing where keys and revocations were never read.
    """
    digest = accounts.checked.digest(token)
    entry = accounts.checked.get(digest)
    if entry is None or entry.snapshot is not accounts.rings.snapshot():
        entry = _check(accounts, token)
        accounts.checked.put(digest, entry)
    if now.timestamp() >= entry.expires_at or not accounts.revocations.get().isdisjoint(entry.subjects):
        raise errors.TokenInvalid
    return entry.principal


def signed_by_us(accounts: Accounts, token: str) -> jwts.AccessToken:
    """Read an access token of ours that may be over or revoked. Raises TokenInvalid."""
    return _read(accounts, token)[0]


def _read(accounts: Accounts, token: str) -> tuple[jwts.AccessToken, TokenKey, Snapshot]:
    """Read a token with the key that its header names: one header is right for each key, and no other is read."""
    snapshot, header = accounts.rings.snapshot(), token.partition(".")[0]
    key = accounts.checked.keys(snapshot).get(header)
    if key is None:
        raise errors.TokenInvalid
    try:
        return jwts.read(token, issuer=accounts.issuer, keys={header: key.public}), key, snapshot
    except jwts.TokenBroken as error:
        raise errors.TokenInvalid from error


def _check(accounts: Accounts, token: str) -> Checked:
    read, key, snapshot = _read(accounts, token)
    principal = Principal(
        kind=read.kind,
        id=read.subject,
        scopes=read.scopes,
        session=read.session,
        stepped_up_at=datetime.fromtimestamp(read.stepped_up_at, UTC) if read.stepped_up_at is not None else None,
        roles=read.roles,
        place=read.place,
    )
    subjects = (read.session, read.subject, read.jti)
    return Checked(snapshot, principal, min(read.expires_at, key.expires + 1), subjects)
