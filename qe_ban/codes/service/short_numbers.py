"""Short numbers for a broken camera: given out, and read like the code that each stands for."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg

from qe_ban.codes import queries, rules
from qe_ban.codes.errors import UseContention
from qe_ban.codes.rules import Reason
from qe_ban.codes.service import issuing, scanning
from qe_ban.codes.service.scanning import Scan, VerifyRequest
from qe_ban.codes.service.wallet import Wallet
from qe_ban.db.limits import Limiter
from qe_ban.keys import vault
from qe_ban.keys.models import Ring
from qe_ban.keys.rings import KeyRings

COLUMN = "short_numbers.code"
LIMIT = "codes.short_number"
DRAWS = 8


@dataclass(frozen=True, slots=True)
class IssuedNumber:
    """A short number and the moment at which it ends."""

    number: str = field(repr=False)
    expires_at: datetime


def issue_short_number(
    wallet: Wallet,
    connection: psycopg.Connection[Any],
    holdings: Sequence[queries.Holding],
    kind: str,
    now: datetime,
    *,
    guardian: bool = False,
) -> IssuedNumber:
    """Issue ten digits that stand for a code of three minutes, which is disclosed to nobody.

    Of the digits only a keyed hash is kept. Raises CodeRefused, KeyMissing.
    """
    life = int(rules.SHORT_NUMBER_LIFE.total_seconds())
    issued = issuing.issue(replace(wallet, code_life=life), holdings, [kind], now, guardian=guardian)
    if issued.refused:
        raise issuing.refusal(issued)
    code = issued.codes[0]
    for _ in range(DRAWS):
        number = rules.with_check_digit(f"{secrets.randbelow(10**9):09d}")
        macs = _macs(wallet.rings, number)
        ciphertext = vault.seal(wallet.rings, COLUMN, macs[0].hex(), code.code, now)
        if queries.keep_short_number(connection, macs, ciphertext, code.expires_at):
            return IssuedNumber(number, code.expires_at)
    raise UseContention


def read(wallet: Wallet, connection: psycopg.Connection[Any], request: VerifyRequest, now: datetime) -> Scan:
    """Read what a short number stands for. One that never was, one that was accepted and one that is over are one.

    They are refused as `expired`, after the same statement; wrong check digits as `malformed`, without any.
    """
    scan = unread(wallet, request, now)
    if scan.refused is Reason.MALFORMED:
        return scan
    macs = _macs(wallet.rings, request.short_number or "")
    row = queries.live_short_number(connection, macs, [_use(mac) for mac in macs], now)
    return scan if row is None else _read(wallet, scan, row)


def unread(wallet: Wallet, request: VerifyRequest, now: datetime) -> Scan:
    """Return the scan of a number that is not looked up: it stands for nothing."""
    number = request.short_number or ""
    requests = tuple(request.digest(mac.hex()) for mac in _macs(wallet.rings, number))
    reason = Reason.EXPIRED if rules.is_short_number(number) else Reason.MALFORMED
    return scanning.unread(wallet, request, now, reason, requests)


def read_again(wallet: Wallet, connection: psycopg.Connection[Any], scan: Scan) -> Scan:
    """Read what a number stood for when it was accepted, for the repeat of its scan; else the same scan."""
    row = queries.kept_short_number(connection, _macs(wallet.rings, scan.request.short_number or ""))
    return scan if row is None else _read(wallet, scan, row)


def is_miss(scan: Scan) -> bool:
    """Return whether a scan tried a number that stands for nothing."""
    return scan.claims is None and scan.refused is Reason.EXPIRED


def count(limiter: Limiter, scanner: UUID) -> int:
    """Count a try of a scanner; returns the end of its minute. Raises TooMany after ten misses in one."""
    return limiter.hit(LIMIT, str(scanner), limit=rules.MISSES, window=rules.MISSES_WINDOW)


def forgive(limiter: Limiter, scanner: UUID, ends: int) -> None:
    """Take back the count of a try that was no miss, where `count` gave `ends`."""
    limiter.forgive(LIMIT, str(scanner), ends=ends)


def _read(wallet: Wallet, scan: Scan, row: tuple[bytes, bytes]) -> Scan:
    mac, ciphertext = row
    code = vault.unseal(wallet.rings, COLUMN, mac.hex(), ciphertext)
    code_scan = scanning.read(wallet, replace(scan.request, code=code), scan.now)
    subjects = replace(code_scan.subjects, short=_use(mac))
    return replace(code_scan, request=scan.request, digests=scan.digests, subjects=subjects)


def _macs(rings: KeyRings, number: str) -> list[bytes]:
    return rings.macs(Ring.DERIVE, "short-number", number.encode())


def _use(mac: bytes) -> bytes:
    return hashlib.sha256(b"short-number\0" + mac).digest()
