"""What a dispute's row keeps sealed of who acts and when, so that nothing in clear joins it with a resident's acts."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from qe_ban.codes.models import Dispute
from qe_ban.codes.rules.disputes import hour_of, last_second_of_day
from qe_ban.kernel.clock import rfc3339, start_of_day
from qe_ban.keys import vault
from qe_ban.keys.data_files import DataKeyDestroyed
from qe_ban.keys.rings import KeyRings

RESIDENT, SCAN, APPELLANT = "disputes.resident", "disputes.scan", "disputes.appellant"
_PARTIES: Final = 3 * 36 + 2
"""Characters of three ids: a resident alone is padded to it, or the length would tell that a guardian disputes."""
# of one length, likewise; by no guardianship stands where a resident appeals
_APPELLANTS: Final = {True: "guardian", False: "resident"}
_NONE: Final = UUID(int=0)


@dataclass(frozen=True, slots=True)
class ExactScan:
    """When a dispute was opened, and the disputed scan with its ids and its second, as JSON."""

    opened_at: datetime
    scan: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Appellant:
    """Whether a guardian appealed, when, and by which guardianship, where that is known."""

    is_guardian: bool
    appealed_at: datetime
    guardianship: UUID | None = None


def seal_parties(rings: KeyRings, dispute: UUID, parties: list[UUID], now: datetime, *, data_key: int | None) -> bytes:
    """Seal whose scan it is, and who disputes it by which guardianship, where that is another."""
    text = " ".join(map(str, parties)).ljust(_PARTIES)
    return vault.seal(rings, RESIDENT, dispute, text, now, data_key=data_key)


def open_parties(rings: KeyRings, dispute: Dispute) -> list[UUID]:
    """Return what `seal_parties` sealed; nobody where a release before this kept none."""
    ciphertext = dispute.resident_sealed
    return [UUID(one) for one in vault.unseal(rings, RESIDENT, dispute.id, ciphertext).split()] if ciphertext else []


def seal_scan(rings: KeyRings, dispute: UUID, exact: ExactScan, now: datetime, *, data_key: int | None) -> bytes:
    """Seal the exact moments of a dispute and of its scan."""
    content = {"opened_at": exact.opened_at.isoformat(), "scan": exact.scan}
    return vault.seal(rings, SCAN, dispute, json.dumps(content, ensure_ascii=False), now, data_key=data_key)


def open_scan(rings: KeyRings, dispute: Dispute) -> ExactScan:
    """Return what `seal_scan` sealed, or of a row of the previous release what it says in clear."""
    if dispute.scan_sealed is None:
        return ExactScan(dispute.opened_at, dispute.scan)
    content = json.loads(vault.unseal(rings, SCAN, dispute.id, dispute.scan_sealed))
    return ExactScan(datetime.fromisoformat(content["opened_at"]), content["scan"])


def seal_appellant(rings: KeyRings, dispute: Dispute, appellant: Appellant, now: datetime) -> bytes:
    """Seal whether a guardian appealed, when, and by which guardianship."""
    who, by = _APPELLANTS[appellant.is_guardian], appellant.guardianship or _NONE
    content = f"{who} {rfc3339(appellant.appealed_at)} {by}"
    return vault.seal(rings, APPELLANT, dispute.id, content, now, data_key=dispute.data_key)


def open_appellant(rings: KeyRings, dispute: Dispute) -> Appellant | None:
    """Return who appealed and when, or None where nobody did."""
    if dispute.appellant_sealed is not None:
        who, moment, *by = vault.unseal(rings, APPELLANT, dispute.id, dispute.appellant_sealed).split()
        guardianship = next((UUID(one) for one in by if UUID(one) != _NONE), None)
        return Appellant(who == _APPELLANTS[True], datetime.fromisoformat(moment), guardianship)
    if dispute.appealed_at is None:
        return None
    return Appellant(bool(dispute.appeal_by_guardian), dispute.appealed_at)


def coarse_scan(dispute: UUID, scan: dict[str, Any]) -> dict[str, Any]:
    """Return the copy of a scan that stands in clear: of its moment the hour, and no id by which it is known.

    The previous release shows `id` and `scan_id`, so the dispute's own id stands in their place. That a guardian showed
    the code is sealed: the day of a guardian's act stands in the audit.
    """
    at = hour_of(datetime.fromisoformat(scan["at"]))
    return scan | {"id": str(dispute), "scan_id": str(dispute), "at": rfc3339(at), "guardian": False}


def shown_by_guardian(rings: KeyRings, dispute: Dispute) -> bool:
    """Return whether a guardian showed the code of the disputed scan; False where its data key is destroyed."""
    try:
        return bool(open_scan(rings, dispute).scan.get("guardian"))
    except DataKeyDestroyed:
        return False


def conceal(rings: KeyRings, dispute: Dispute, now: datetime) -> None:
    """Seal what a row of the previous release says in clear, and leave the day; done again it changes nothing.

    Deadlines end their day: nobody has less time than was promised.
    """
    data_key = dispute.data_key
    if dispute.scan_sealed is None:
        exact = open_scan(rings, dispute)
        dispute.scan_sealed = seal_scan(rings, dispute.id, exact, now, data_key=data_key)
        dispute.scan = coarse_scan(dispute.id, exact.scan)
        dispute.opened_at, dispute.due_at = start_of_day(dispute.opened_at), last_second_of_day(dispute.due_at)
        parties = open_parties(rings, dispute)
        if parties:
            dispute.resident_sealed = seal_parties(rings, dispute.id, parties, now, data_key=data_key)
    elif dispute.scan.get("guardian"):
        dispute.scan = dispute.scan | {"guardian": False}
    appellant = open_appellant(rings, dispute)
    if appellant is not None and dispute.appellant_sealed is None and dispute.appeal_due_at is not None:
        dispute.appellant_sealed = seal_appellant(rings, dispute, appellant, now)
        dispute.appeal_by_guardian = False
        dispute.appealed_at = start_of_day(appellant.appealed_at)
        dispute.appeal_due_at = last_second_of_day(dispute.appeal_due_at)
