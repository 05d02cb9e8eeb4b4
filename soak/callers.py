"""A client as phones and scanners should be: it asks the same thing again until it is answered."""

import random
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from qe_ban.cli.api import Answer, Api, Away
from qe_ban.cli.refusals import Refused
from soak.observations import Observations

PAUSE = 0.2
MAX_PAUSE = 0.5
TRANSIENT = frozenset({429, 502, 503, 504})
IN_FLIGHT = "idempotency_in_flight"
SIGN_IN_SECONDS = 100.0
"""For how long signing in may fail: as long as good answers may be away, and a clerk's six digits count once."""


class Unanswered(Exception):
    """The time is over, and something was never answered."""


class Account(Protocol):
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


class ObservingApi(Api):
    """Notes every answer, with what is wrong with it whoever asked."""

    def __init__(self, address: str, observations: Observations) -> None:
        super().__init__(address)
        self._observations = observations

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
            self._observations.note_answer(began, time.monotonic() - began, 0)
            raise
        self._observations.note_answer(began, time.monotonic() - began, answer.status)
        self._look_at(method, path, answer)
        return answer

    def _look_at(self, method: str, path: str, answer: Answer) -> None:
        if answer.status == 503 and not (
            "Retry-After" in answer.headers and answer.headers.get("Content-Type") == "application/problem+json"
        ):
            self._observations.note_fault(f"{method} {path}: 503 without Retry-After or problem document")
        if answer.status >= 500 and answer.status not in TRANSIENT:
            self._observations.note_fault(f"{method} {path}: {answer.problem}")


class Caller:
    """One thread's client. `deadline` (monotonic) ends all patience."""

    def __init__(self, address: str, observations: Observations, deadline: float) -> None:
        self._api, self._observations, self._deadline = ObservingApi(address, observations), observations, deadline
        self._refused_since: float | None = None

    def call(
        self,
        method: str,
        path: str,
        account: Account | None = None,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Outcome:
        """Ask until there is an answer that will not change. Raises Unanswered."""
        first, tries = time.time(), 0
        while True:
            tries += 1
            answer = self._once(method, path, account, body, headers)
            if answer is not None and not _is_transient(answer):
                return Outcome(answer, first, time.time(), tries)
            if time.monotonic() > self._deadline:
                problem = answer.problem if answer is not None else "no answer"
                self._observations.note_fault(f"{method} {path} was never answered: {problem}")
                raise Unanswered
            time.sleep(_pause(answer))

    def _once(
        self,
        method: str,
        path: str,
        account: Account | None,
        body: Mapping[str, Any] | None,
        headers: Mapping[str, str] | None,
    ) -> Answer | None:
        if account is not None and not account.token and not self._sign_in(account):
            return None
        try:
            answer = self._api.ask(method, path, token=account.token if account else None, body=body, headers=headers)
        except Away:
            return None
        if answer.status == 401 and account is not None:
            account.token = ""
            return None
        return answer

    def _sign_in(self, account: Account) -> bool:
        try:
            account.sign_in(self._api)
        except Refused as error:
            # also Away: whoever signs in begins anew
            self._observations.count("sign-in tried again")
            self._refused_since = self._refused_since or time.monotonic()
            if time.monotonic() - self._refused_since > SIGN_IN_SECONDS:
                self._observations.note_fault(f"a sign-in did not succeed for {SIGN_IN_SECONDS:.0f} s: {error}")
                self._refused_since = None
            return False
        self._refused_since = None
        return True


def _is_transient(answer: Answer) -> bool:
    return answer.status >= 500 or answer.status in TRANSIENT or answer.data.get("code") == IN_FLIGHT


def _pause(answer: Answer | None) -> float:
    # less patient than Retry-After asks for: what is measured is when good answers are there again
    seconds = float(answer.headers.get("Retry-After", PAUSE)) if answer is not None else PAUSE
    return min(seconds, MAX_PAUSE) * random.uniform(0.5, 1)  # noqa: S311  no secret


class Actor(threading.Thread, ABC):
    """A thread that does one thing again and again until it is asked to stop."""

    def __init__(self, name: str, caller: Caller, observations: Observations, pause: float) -> None:
        super().__init__(name=name, daemon=True)
        self.caller, self.observations, self._pause = caller, observations, pause
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
                self.observations.note_fault(f"{self.name}: ended by an error of its own")

    def _once(self) -> None:
        try:
            self.act()
        except (KeyError, TypeError, ValueError) as error:
            self.observations.note_fault(
                f"{self.name}: an answer is not as described ({type(error).__name__}: {error})"
            )

    @abstractmethod
    def act(self) -> None:
        """Do it once. Raises Unanswered."""
