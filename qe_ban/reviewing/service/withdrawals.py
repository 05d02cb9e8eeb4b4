"""Withdrawal: a version is taken out of force, immediately or before its time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy.orm import Session

from qe_ban.audit import service as audit
from qe_ban.keys.rings import KeyRings
from qe_ban.reviewing import errors
from qe_ban.reviewing.models import DocumentKey, DraftColumns
from qe_ban.reviewing.queries import versions as queries
from qe_ban.reviewing.rules.versions import ScheduledPolicy
from qe_ban.reviewing.service import documents, history, reasons, scheduled
from qe_ban.reviewing.service.documents import DocumentType
from qe_ban.reviewing.service.in_force import find_in_force
from qe_ban.reviewing.service.scheduled import ScheduledOutcome, TypedReason

MAX_REASON: Final = 500


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A document after a version was withdrawn, and what became of scheduled versions."""

    row: DraftColumns
    later: Sequence[ScheduledOutcome]


def withdraw(
    session: Session,
    document_type: DocumentType,
    key: DocumentKey,
    number: int,
    reason: str,
    *,
    rings: KeyRings,
    policy: ScheduledPolicy | None = None,
    precondition: audit.Precondition,
    change: audit.Change,
) -> Withdrawal:
    """Withdraw a version: immediately, or before its time; what it had replaced is in force again.

    What has begun only holders of the scope `withdraw` withdraw. Raises VersionNotFound, AlreadyWithdrawn,
    WithdrawalRefused, KeyMissing, LaterUndecided where it is in force and others are scheduled, and what the
    precondition raises.
    """
    tables = document_type.tables

    def is_repeat(row: DraftColumns) -> bool:
        version = queries.find_with_withdrawal(session, tables, key, number)
        withdrawal = version[1] if version is not None else None
        if withdrawal is None or withdrawal.by != change.by.id:
            return False
        is_same = reasons.read_withdrawal(rings, document_type, withdrawal) == reason
        return is_same and documents.is_previous(row, precondition)

    document = documents.lock(
        session, document_type, key, precondition=precondition, change=change, is_repeat=is_repeat
    )
    if document.is_repeat:
        return Withdrawal(document.row, scheduled.list_kept(document))
    version, withdrawal = history.read_row(session, tables, key, number)
    if f"{document_type.prefix}.withdraw" not in change.by.scopes and version.starts_at <= change.at:
        raise errors.WithdrawalRefused
    if withdrawal is not None:
        raise errors.AlreadyWithdrawn
    before = document.to_audit_details()
    current = find_in_force(session, tables, key, change.at)
    later: list[ScheduledOutcome] = []
    if current is not None and current.number == number:
        shared_reason = TypedReason(f"与版本 {number} 一并撤下：{reason}"[:MAX_REASON], rings)
        later = scheduled.settle(document, scheduled.list_scheduled(document), policy, shared_reason)
    ciphertext = reasons.seal_withdrawal(rings, document_type, key, number, reason, change.at)
    columns = tables.to_columns(key)
    session.add(tables.withdrawals(**columns, number=number, at=change.at, by=change.by.id, **ciphertext))
    session.flush()
    following = find_in_force(session, tables, key, change.at)
    document.record(
        "withdraw",
        before,
        version=number,
        reason=audit.seal_words(session, rings, reason, change.at),
        in_force={
            "before": current.number if current else None,
            "after": following.number if following else None,
        },
        later=scheduled.to_audit_details(later),
    )
    return Withdrawal(document.row, later)
