"""What clients were told, to be compared with what the database says in the end."""

import threading
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Verdict:
    """One verdict as a scanner got it. `subject` is what may be accepted once: a code, or a resident's meal."""

    scanner: UUID
    scan: UUID
    purpose: str
    accepted: bool
    reason: str
    firsts: int
    code: str = field(repr=False)
    subject: str | None = None


@dataclass(frozen=True, slots=True)
class AnswerTiming:
    """One answer, or none (`status` 0): when it was asked for and how long it took, in seconds."""

    at: float
    took: float
    status: int


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """One try at a code and its verdict: when it began and ended, in seconds of the monotonic clock."""

    began: float
    ended: float
    good: bool


@dataclass(slots=True)
class Observations:
    """All that clients saw since it `began`. Any thread may write."""

    began: datetime
    verdicts: list[Verdict] = field(default_factory=list)
    venues: dict[str, str | None] = field(default_factory=dict)
    suspended: dict[str, bool] = field(default_factory=dict)
    meals: dict[str, list[Verdict]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    answers: list[AnswerTiming] = field(default_factory=list)
    probes: list[ProbeResult] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def count(self, what: str) -> None:
        """Count one of something."""
        with self._lock:
            self.counts[what] += 1

    def note_answer(self, at: float, took: float, status: int) -> None:
        """Note an answer."""
        with self._lock:
            self.answers.append(AnswerTiming(at, took, status))
            self.counts[f"status {status}" if status else "no answer"] += 1

    def note_verdict(self, verdict: Verdict) -> None:
        """Note a verdict."""
        with self._lock:
            self.verdicts.append(verdict)

    def note_meal(self, meal: str, verdict: Verdict) -> None:
        """Note the verdict on a meal."""
        with self._lock:
            self.meals.setdefault(meal, []).append(verdict)

    def note_venue(self, name: str, venue_id: str | None) -> None:
        """Note a venue that was asked for, and its id when it is known."""
        with self._lock:
            self.venues[name] = venue_id

    def note_suspension(self, phone: str, *, suspended: bool) -> None:
        """Note the state of a resident's identity code as it was told last."""
        with self._lock:
            self.suspended[phone] = suspended

    def note_probe(self, began: float, ended: float, *, good: bool) -> None:
        """Note a probe."""
        with self._lock:
            self.probes.append(ProbeResult(began, ended, good))

    def missing(self) -> list[str]:
        """Name what there is none of: where nothing was done, nothing can be wrong."""
        kinds: dict[str, list[object]] = {
            "accepted verdict": [verdict for verdict in self.verdicts if verdict.accepted],
            "meal": list(self.meals),
            "settlement": [
                verdict for verdict in self.verdicts if verdict.accepted and verdict.purpose == "settlement"
            ],
            "venue": [venue for venue in self.venues.values() if venue is not None],
        }
        return [what for what, rows in kinds.items() if not rows]

    def note_fault(self, text: str) -> None:
        """Note that a client was told something that is wrong."""
        with self._lock:
            self.wrong.append(text)


def meal_of(resident: str, detail: dict[str, Any]) -> str | None:
    """Name a resident's meal by the detail of its verdict; None where it names no meal."""
    meal = detail.get("meal")
    return f"{resident}/{meal['date']}/{meal['period']}" if meal else None


def moment(text: str) -> datetime:
    """Read a moment of an answer."""
    return datetime.fromisoformat(text)
