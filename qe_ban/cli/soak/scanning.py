"""Codes and scans as clients make them, and what a verdict may be."""

import random
from dataclasses import dataclass, field
from gettext import gettext as _
from typing import Any
from uuid import UUID, uuid4

from qe_ban.cli.soak.book import Book, Told, moment
from qe_ban.cli.soak.callers import Caller
from qe_ban.cli.soak.people import Person, Terminal

EDGE = 2.0
"""Seconds at the end of a code's life in which either verdict is right: two clocks are compared."""
SKEW = 35.0
"""For how long after its end a code may be taken: the format's tolerance, and the way there."""
ASKED_AGAIN = 0.2


@dataclass(frozen=True, slots=True)
class Code:
    """A code that a phone shows; `ends` in seconds of the wall clock."""

    text: str = field(repr=False)
    ends: float


@dataclass(frozen=True, slots=True)
class Seen:
    """A verdict with the whole answer."""

    told: Told
    detail: dict[str, Any]
    late: bool
    """Whether it was asked so late that `expired` is right."""


def issue(caller: Caller, person: Person, kind: str) -> Code | None:
    """Give a fresh code, or None where the kind is refused. Raises Unanswered."""
    answer = caller.call("POST", f"/codes/{kind}/issue", person).answer
    if answer.status != 200:
        return None
    return Code(answer.data["code"], moment(answer.data["expires_at"]).timestamp())


def scan(caller: Caller, book: Book, terminal: Terminal, code: Code, *right: str, subject: str | None = None) -> Seen:
    """Have a code verified until it is answered, sometimes once more; a verdict that is not `right` is a fault.

    Raises Unanswered.
    """
    body = {"scan_id": str(uuid4()), "code": code.text, "purpose": terminal.purpose}
    outcome = caller.call("POST", "/codes/verify", terminal, body)
    if outcome.answer.status != 200:
        book.fault(_("verify {purpose}: {problem}").format(purpose=terminal.purpose, problem=outcome.answer.problem))
        raise ValueError(outcome.answer.problem)
    told = outcome.answer.data
    firsts = int(not told["repeat"])
    if random.random() < ASKED_AGAIN:  # noqa: S311  no secret
        again = caller.call("POST", "/codes/verify", terminal, body).answer
        firsts += int(again.data.get("repeat") is False)
        if (again.data.get("accepted"), again.data.get("reason")) != (told["accepted"], told["reason"]):
            book.fault(
                _("verify {purpose}: first {reason}, the same again {problem}").format(
                    purpose=terminal.purpose, reason=told["reason"], problem=again.problem
                )
            )
    late = outcome.last > code.ends - EDGE
    if not _is_right(told["reason"], right, late=late, early=outcome.first < code.ends + SKEW):
        book.fault(
            _("verify {purpose}: {reason} where {right} is right").format(
                purpose=terminal.purpose, reason=told["reason"], right=" or ".join(right)
            )
        )
    if told["accepted"] != (told["reason"] in {"ok", "stale_ok"}):
        book.fault(
            _("verify {purpose}: accepted {accepted} with {reason}").format(
                purpose=terminal.purpose, accepted=told["accepted"], reason=told["reason"]
            )
        )
    made = Told(
        terminal.id,
        UUID(body["scan_id"]),
        terminal.purpose,
        told["accepted"],
        told["reason"],
        firsts,
        code.text,
        subject,
    )
    book.verdict(made)
    return Seen(made, dict(told["detail"]), late)


def _is_right(reason: str, right: tuple[str, ...], *, late: bool, early: bool) -> bool:
    if reason == "expired":
        return late or "expired" in right
    return reason in right and (early or reason not in {"ok", "stale_ok"})
