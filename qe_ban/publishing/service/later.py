"""Versions that wait while something is published, withdrawn or ended before them: they stay, or are withdrawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from qe_ban.audit import service as audit
from qe_ban.kernel.clock import CITY_TIME, rfc3339
from qe_ban.publishing import errors
from qe_ban.publishing.models import PageWithdrawal
from qe_ban.publishing.queries import versions as queries
from qe_ban.publishing.rules.versions import Later, Mark
from qe_ban.publishing.service import access, reasons
from qe_ban.publishing.service.access import Held


@dataclass(frozen=True, slots=True)
class LaterVersion:
    """A version that waited, and what became of it."""

    number: int
    starts_at: datetime
    ends_at: datetime | None
    outcome: str


def waiting(held: Held) -> list[Mark]:
    """Return the versions of a held page that have not begun, the first first."""
    # what was published while this waited for the lock has begun, though by its clock it would not
    now = access.moment(held)
    marks = (mark for mark in queries.marks(held.session, held.kind, held.slug, now) if mark.starts_at > now)
    return sorted(marks, key=lambda mark: (mark.starts_at, mark.number))


def kept(held: Held) -> list[LaterVersion]:
    """Return the versions of a held page that wait, each as kept."""
    return [LaterVersion(mark.number, mark.starts_at, mark.ends_at, "kept") for mark in waiting(held)]


def cause(number: int) -> str:
    """Return the reason for which versions are withdrawn when another takes their place."""
    return f"由版本 {number} 取代"


def outcomes(settled: Sequence[LaterVersion]) -> list[dict[str, object]]:
    """Return what the audit tells of versions that waited."""
    return [{"version": one.number, "outcome": one.outcome} for one in settled]


def wait(held: Held, marks: Sequence[Mark], choice: Later | None, reason: str | None = None) -> list[LaterVersion]:
    """Leave versions that wait as they are, or withdraw them: for a reason, else for the version that comes next.

    Raises LaterUndecided where there are some and nobody says what becomes of them.
    """
    if marks and choice is None:
        raise errors.LaterUndecided(
            f"{listed(marks)}。请用 later 说明如何处理：keep 保留，到时生效；replace 撤下",
            later=[
                {
                    "version": mark.number,
                    "starts_at": rfc3339(mark.starts_at),
                    "ends_at": rfc3339(mark.ends_at) if mark.ends_at else None,
                }
                for mark in marks
            ],
        )
    if choice is Later.REPLACE:
        for mark in marks:
            _withdraw(held, mark, reason)
            audit.record_change(
                held.session,
                held.change,
                "pages.withdraw",
                access.subject(held.kind, held.slug),
                before=None,
                after=None,
                version=mark.number,
                reason=_to_audit_details(held, reason),
            )
        held.session.flush()
    outcome = "withdrawn" if choice is Later.REPLACE else "kept"
    return [LaterVersion(mark.number, mark.starts_at, mark.ends_at, outcome) for mark in marks]


def _withdraw(held: Held, mark: Mark, reason: str | None) -> None:
    """Withdraw a version that waits, for a reason that somebody typed, else for the version that comes next."""
    kind, now = held.kind.value, held.change.at
    columns = {"reason": cause(held.page.latest + 1)}
    if reason is not None:
        columns = reasons.columns(held.desks.rings, kind, held.slug, mark.number, reason, now)
    row = PageWithdrawal(kind=kind, slug=held.slug, number=mark.number, at=now, by=held.change.by.id, **columns)
    held.session.add(row)


def _to_audit_details(held: Held, reason: str | None) -> dict[str, str] | str:
    """Return what the audit has of the reason: our own words, or the digest of somebody's."""
    if reason is None:
        return cause(held.page.latest + 1)
    return audit.seal_words(held.session, held.desks.rings, reason, held.change.at)


def listed(marks: Sequence[Mark]) -> str:
    """Return in Chinese which versions wait, and when they begin in the city's time."""
    return "；".join(f"版本 {mark.number} 将于 {in_city(mark.starts_at)} 生效" for mark in marks)


def in_city(moment: datetime) -> str:
    """Return a moment as people of the city read it."""
    return moment.astimezone(CITY_TIME).strftime("%Y-%m-%d %H:%M")
