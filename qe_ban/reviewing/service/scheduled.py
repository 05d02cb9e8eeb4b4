"""Scheduled versions, when another is published, rolled back or withdrawn before them: kept, or withdrawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from qe_ban.audit import service as audit
from qe_ban.kernel.clock import CITY_TIME, rfc3339
from qe_ban.keys.rings import KeyRings
from qe_ban.reviewing import errors
from qe_ban.reviewing.queries import versions as queries
from qe_ban.reviewing.rules.versions import ScheduledPolicy, VersionPeriod
from qe_ban.reviewing.service import documents, reasons
from qe_ban.reviewing.service.documents import LockedDocument


@dataclass(frozen=True, slots=True)
class ScheduledOutcome:
    """A version that was scheduled, and what became of it: `kept` or `withdrawn`."""

    number: int
    starts_at: datetime
    ends_at: datetime | None
    outcome: str


@dataclass(frozen=True, slots=True)
class TypedReason:
    """Why somebody withdraws scheduled versions, and the keys that it is sealed with."""

    text: str
    rings: KeyRings


def list_scheduled(document: LockedDocument) -> list[VersionPeriod]:
    """Return the versions of a locked document that have not begun, the first first."""
    # what was published while this waited for the lock has begun, though by its clock it would not
    now = documents.moment_of(document)
    periods = queries.list_periods(document.session, document.tables, document.key, now)
    return sorted(
        (period for period in periods if period.starts_at > now), key=lambda period: (period.starts_at, period.number)
    )


def list_kept(document: LockedDocument) -> list[ScheduledOutcome]:
    """Return the scheduled versions of a locked document, each as kept."""
    return [_to_outcome(period, "kept") for period in list_scheduled(document)]


def list_replaced(document: LockedDocument, number: int) -> list[ScheduledOutcome]:
    """Return the scheduled versions that were withdrawn because this version replaces them."""
    reason = replacement_reason(number)
    periods = queries.list_withdrawn_for(document.session, document.tables, document.key, reason)
    return [_to_outcome(period, "withdrawn") for period in periods]


def settle(
    document: LockedDocument,
    periods: Sequence[VersionPeriod],
    policy: ScheduledPolicy | None,
    reason: TypedReason | None = None,
) -> list[ScheduledOutcome]:
    """Keep scheduled versions or withdraw them: for a typed reason, otherwise because the next version replaces them.

    Raises LaterUndecided where there are some and no policy.
    """
    if periods and policy is None:
        raise errors.LaterUndecided(
            f"{_describe(periods)}。请用 later 说明如何处理：keep 保留，到时生效；replace 撤下",
            later=[
                {
                    "version": period.number,
                    "starts_at": rfc3339(period.starts_at),
                    "ends_at": rfc3339(period.ends_at) if period.ends_at else None,
                }
                for period in periods
            ],
        )
    if policy is not ScheduledPolicy.REPLACE:
        return [_to_outcome(period, "kept") for period in periods]
    for period in periods:
        _withdraw(document, period.number, reason)
    document.session.flush()
    return [_to_outcome(period, "withdrawn") for period in periods]


def to_audit_details(outcomes: Sequence[ScheduledOutcome]) -> list[dict[str, object]]:
    """Return what the audit keeps of scheduled versions."""
    return [{"version": outcome.number, "outcome": outcome.outcome} for outcome in outcomes]


def replacement_reason(number: int) -> str:
    """Return the reason for which scheduled versions are withdrawn when another replaces them."""
    return f"由版本 {number} 取代"


def format_in_city(moment: datetime) -> str:
    """Return a moment as people of the city read it."""
    return moment.astimezone(CITY_TIME).strftime("%Y-%m-%d %H:%M")


def _withdraw(document: LockedDocument, number: int, reason: TypedReason | None) -> None:
    session, tables, now = document.session, document.tables, document.change.at
    own_reason = replacement_reason(document.row.latest + 1)
    columns: dict[str, object] = {"reason": own_reason}
    detail: object = own_reason
    if reason is not None:
        columns = reasons.seal_withdrawal(reason.rings, document.document_type, document.key, number, reason.text, now)
        detail = audit.seal_words(session, reason.rings, reason.text, now)
    key_columns = tables.to_columns(document.key)
    session.add(tables.withdrawals(**key_columns, number=number, at=now, by=document.change.by.id, **columns))
    document.record_event("withdraw", before=None, after=None, version=number, reason=detail)


def _describe(periods: Sequence[VersionPeriod]) -> str:
    return "；".join(f"版本 {period.number} 将于 {format_in_city(period.starts_at)} 生效" for period in periods)


def _to_outcome(period: VersionPeriod, outcome: str) -> ScheduledOutcome:
    return ScheduledOutcome(period.number, period.starts_at, period.ends_at, outcome)
