"""What residents and guardians decided about consents just now, as a scan finds it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import psycopg

from qe_ban.accounts import service as accounts
from qe_ban.codes import queries
from qe_ban.codes.service.scanning import Scan
from qe_ban.codes.service.wallet import Wallet


def hashes_of(wallet: Wallet, scan: Scan, number: int | None) -> Sequence[bytes]:
    """Return where to look for what was decided just now: nowhere for a purpose that needs no consent."""
    if number is None or not scan.rests_on_consent:
        return ()
    return accounts.consent_hashes(wallet.rings, number, scan.request.purpose, scan.now)


def has_consent(wallet: Wallet, connection: psycopg.Connection[Any], rows: Sequence[bytes], now: datetime) -> bool:
    """Return whether what was decided just now gives the consent; a guardian's decision as long as that one acts."""
    decision = accounts.newest_fresh_decision(wallet.rings, rows)
    if decision is None or not decision.is_grant:
        return False
    by = decision.guardianship_id
    return by is None or queries.is_guardianship_active(connection, by, now)
