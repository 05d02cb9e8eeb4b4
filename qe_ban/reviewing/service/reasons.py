"""Why a draft was rejected and a version withdrawn: what people typed is sealed, what the program writes is not."""

from datetime import datetime
from typing import Any, Final

from qe_ban.keys import vault, words
from qe_ban.keys.rings import KeyRings
from qe_ban.reviewing.models import DocumentKey, DraftColumns, WithdrawalColumns
from qe_ban.reviewing.rules.states import DraftState
from qe_ban.reviewing.service.documents import DocumentType

_STATES_WITH_REASON: Final = frozenset({DraftState.REJECTED.value, DraftState.DRAFT.value})
"""While a draft is rejected or being mended; the previous release leaves what is sealed when the draft goes on."""


def read_rejection(rings: KeyRings, document_type: DocumentType, row: DraftColumns) -> str | None:
    """Return why a draft was rejected, or None where it was not. Raises KeyMissing."""
    if row.state not in _STATES_WITH_REASON:
        return None
    key = vault.row_key(document_type.tables.key_of(row))
    return words.read(rings, document_type.rejection, key, row.reason_sealed, row.reason)


def set_rejection(
    rings: KeyRings, document_type: DocumentType, row: DraftColumns, reason: str | None, now: datetime
) -> None:
    """Set why a draft was rejected, or that it was not. Raises KeyMissing."""
    row.reason, row.reason_sealed = None, None
    if reason is not None:
        key = vault.row_key(document_type.tables.key_of(row))
        row.reason_sealed = words.seal(rings, document_type.rejection, key, reason, now)


def read_withdrawal(rings: KeyRings, document_type: DocumentType, withdrawal: WithdrawalColumns) -> str | None:
    """Return why a version was withdrawn. Raises KeyMissing."""
    key = vault.row_key((*document_type.tables.key_of(withdrawal), withdrawal.number))
    return words.read(rings, document_type.withdrawal, key, withdrawal.reason_sealed, withdrawal.reason)


def seal_withdrawal(
    rings: KeyRings, document_type: DocumentType, key: DocumentKey, number: int, reason: str, now: datetime
) -> dict[str, Any]:
    """Return the columns of a withdrawal for a reason that somebody typed. Raises KeyMissing."""
    ciphertext = words.seal(rings, document_type.withdrawal, vault.row_key((*key, number)), reason, now)
    return {"reason": document_type.withdrawal.placeholder, "reason_sealed": ciphertext}
