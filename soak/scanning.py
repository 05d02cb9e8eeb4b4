"""Codes and scans as clients make them, and what a verdict may be."""

import random
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

from soak.callers import Caller
from soak.observations import Observations, Verdict, moment
from soak.people import Person, Terminal

EDGE = 2.0
"""Seconds at the end of a code's life in which either verdict is right: two clocks are compared."""
SKEW = 35.0
"""For how long after its end a code may be taken: the format's tolerance, and the way there."""
REPEAT_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class Code:
    """A code that a phone shows; `ends` in seconds of the wall clock."""

    text: str = field(repr=False)
    ends: float


@dataclass(frozen=True, slots=True)
class ScanOutcome:
    """A verdict with the whole answer."""

    verdict: Verdict
    detail: dict[str, Any]
    late: bool
    """Whether it was asked so late that `expired` is right."""


def issue(caller: Caller, person: Person, kind: str) -> Code | None:
    """Return a fresh code, or None where the kind is refused. Raises Unanswered."""
    answer = caller.call("POST", f"/codes/{kind}/issue", person).answer
    if answer.status != 200:
        return None
    return Code(answer.data["code"], moment(answer.data["expires_at"]).timestamp())


def scan(
    caller: Caller, observations: Observations, terminal: Terminal, code: Code, *right: str, subject: str | None = None
) -> ScanOutcome:
    """Have a code verified until it is answered, sometimes once more; a verdict that is not `right` is a fault.

    Raises Unanswered.
    """
    body = {"scan_id": str(uuid4()), "code": code.text, "purpose": terminal.purpose}
    outcome = caller.call("POST", "/codes/verify", terminal, body)
    if outcome.answer.status != 200:
        observations.note_fault(f"verify {terminal.purpose}: {outcome.answer.problem}")
        raise ValueError(outcome.answer.problem)
    answer = outcome.answer.data
    firsts = int(not answer["repeat"])
    if random.random() < REPEAT_SHARE:  # noqa: S311  no secret
        again = caller.call("POST", "/codes/verify", terminal, body).answer
        firsts += int(again.data.get("repeat") is False)
        if (again.data.get("accepted"), again.data.get("reason")) != (answer["accepted"], answer["reason"]):
            observations.note_fault(
                f"verify {terminal.purpose}: first {answer['reason']}, the same again {again.problem}"
            )
    late = outcome.last > code.ends - EDGE
    if not _is_right(answer["reason"], right, late=late, early=outcome.first < code.ends + SKEW):
        observations.note_fault(f"verify {terminal.purpose}: {answer['reason']} where {' or '.join(right)} is right")
    if answer["accepted"] != (answer["reason"] in {"ok", "stale_ok"}):
        observations.note_fault(f"verify {terminal.purpose}: accepted {answer['accepted']} with {answer['reason']}")
    verdict = Verdict(
        terminal.id,
        UUID(body["scan_id"]),
        terminal.purpose,
        answer["accepted"],
        answer["reason"],
        firsts,
        code.text,
        subject,
    )
    observations.note_verdict(verdict)
    return ScanOutcome(verdict, dict(answer["detail"]), late)


def _is_right(reason: str, right: tuple[str, ...], *, late: bool, early: bool) -> bool:
    if reason == "expired":
        return late or "expired" in right
    return reason in right and (early or reason not in {"ok", "stale_ok"})
