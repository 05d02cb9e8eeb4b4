"""A client as phones and scanners should be: it asks the same thing again until it is answered."""

import random
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from gettext import gettext as _
from typing import Any, Protocol

from qe_ban.cli.api import Answer, Api, Away
from qe_ban.cli.refusals import Refused
from qe_ban.cli.soak.book import Book

PAUSE = 0.2
LONGEST_PAUSE = 0.5
TRANSIENT = frozenset({429, 502, 503, 504})
IN_FLIGHT = "idempotency_in_flight"
SIGN_IN_SECONDS = 100.0
"""For how long signing in may fail: as long as good answers may be away, and a clerk's six digits count once."""


class Unanswered(Exception):
    """The time is over, and something was never answered."""


class SignsIn(Protocol):
    """Somebody with a token."""

    token: str

    def sign_in(self, api: Api) -> None:
        """Get a new token. Raises Away, Refused."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came in the end after so many tries; when it was first asked and last answered, by the wall clock."""

    answer: Answer
    first: float
    last: float
    tries: int


class Heard(Api):
    """Notes every answer, with what is wrong with it whoever asked."""

    def __init__(self, address: str, book: Book) -> None:
        super().__init__(address)
        self._book = book

    def ask(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Make one request and give whatever is answered. Raises Away."""
        began = time.monotonic()
        try:
            answer = super().ask(method, path, token=token, body=body, headers=headers)
        except Away:
            self._book.answered(began, time.monotonic() - began, 0)
            raise
        self._book.answered(began, time.monotonic() - began, answer.status)
        self._look_at(method, path, answer)
        return answer

    def _look_at(self, method: str, path: str, answer: Answer) -> None:
        if answer.status == 503 and not (
            "Retry-After" in answer.headers and answer.headers.get("Content-Type") == "application/problem+json"
        ):
            self._book.fault(
                _("{method} {path}: 503 without Retry-After or problem document").format(method=method, path=path)
            )
        if answer.status >= 500 and answer.status not in TRANSIENT:
            self._book.fault(f"{method} {path}: {answer.problem}")


class Caller:
    """One thread's client. `deadline` (monotonic) ends all patience."""

    def __init__(self, address: str, book: Book, deadline: float) -> None:
        self._api, self._book, self._deadline = Heard(address, book), book, deadline
        self._refused_since: float | None = None

    def call(
        self,
        method: str,
        path: str,
        who: SignsIn | None = None,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Outcome:
        """Ask until there is an answer that will not change. Raises Unanswered."""
        first, tries = time.time(), 0
        while True:
            tries += 1
            answer = self._once(method, path, who, body, headers)
            if answer is not None and not _passing(answer):
                return Outcome(answer, first, time.time(), tries)
            if time.monotonic() > self._deadline:
                told = answer.problem if answer is not None else "no answer"
                self._book.fault(
                    _("{method} {path} was never answered: {told}").format(method=method, path=path, told=told)
                )
                raise Unanswered
            time.sleep(_pause(answer))

    def _once(
        self,
        method: str,
        path: str,
        who: SignsIn | None,
        body: Mapping[str, Any] | None,
        headers: Mapping[str, str] | None,
    ) -> Answer | None:
        if who is not None and not who.token and not self._sign_in(who):
            return None
        try:
            answer = self._api.ask(method, path, token=who.token if who else None, body=body, headers=headers)
        except Away:
            return None
        if answer.status == 401 and who is not None:
            who.token = ""
            return None
        return answer

    def _sign_in(self, who: SignsIn) -> bool:
        try:
            who.sign_in(self._api)
        except Refused as error:
            # also Away: whoever signs in begins anew
            self._book.count("sign-in tried again")
            self._refused_since = self._refused_since or time.monotonic()
            if time.monotonic() - self._refused_since > SIGN_IN_SECONDS:
                self._book.fault(
                    _("a sign-in did not succeed for {sign_in_seconds:.0f} s: {error}").format(
                        sign_in_seconds=SIGN_IN_SECONDS, error=error
                    )
                )
                self._refused_since = None
            return False
        self._refused_since = None
        return True


def _passing(answer: Answer) -> bool:
    return answer.status >= 500 or answer.status in TRANSIENT or answer.data.get("code") == IN_FLIGHT


def _pause(answer: Answer | None) -> float:
    # less patient than Retry-After asks for: what is measured is when good answers are there again
    asked = float(answer.headers.get("Retry-After", PAUSE)) if answer is not None else PAUSE
    return min(asked, LONGEST_PAUSE) * random.uniform(0.5, 1)  # noqa: S311  no secret


class Actor(threading.Thread, ABC):
    """A thread that does one thing again and again until it is asked to stop."""

    def __init__(self, name: str, caller: Caller, book: Book, pause: float) -> None:
        super().__init__(name=name, daemon=True)
        self.caller, self.book, self._pause = caller, book, pause
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Ask for the end after what is in hand."""
        self._stopping.set()

    def run(self) -> None:
        """Go on until asked to stop."""
        well = False
        try:
            while not self._stopping.wait(self._pause * random.uniform(0.5, 1.5)):  # noqa: S311  no secret
                self._once()
            well = True
        except Unanswered:
            well = True
        finally:
            # gone unseen it would find nothing any more
            if not well:
                self.book.fault(_("{name}: ended by an error of its own").format(name=self.name))

    def _once(self) -> None:
        try:
            self.once()
        except (KeyError, TypeError, ValueError) as error:
            self.book.fault(
                _("{name}: an answer is not as described ({kind}: {error})").format(
                    name=self.name, kind=type(error).__name__, error=error
                )
            )

    @abstractmethod
    def once(self) -> None:
        """Do it once. Raises Unanswered."""
