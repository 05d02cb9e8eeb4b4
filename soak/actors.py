"""What residents, scanners, canteens and staff do all day."""

import random
import secrets
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

from qe_ban.cli.api import Answer, Api
from qe_ban.cli.refusals import Refused
from soak import scanning
from soak.callers import TRANSIENT, Actor, Caller
from soak.observations import Observations, meal_of
from soak.people import PLACE, Clerk, Person, Terminal

TAMPERED_SHARE, REPEATED_MEAL_SHARE = 0.15, 0.25
BASE45 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
SCREENS = ("/halls/city", "/items?q=社保卡", "/zones", "/items/suggest?q=sbk")


class Gate(Actor):
    """Residents pass a gate; now and then somebody tries a code that was tampered with."""

    def __init__(
        self, caller: Caller, observations: Observations, people: Sequence[Person], terminal: Terminal
    ) -> None:
        super().__init__("gate", caller, observations, 0.03)
        self._people, self._terminal = people, terminal

    def act(self) -> None:
        """One person."""
        code = scanning.issue(self.caller, random.choice(self._people), "identity")  # noqa: S311  no secret
        if code is None:
            self.observations.note_fault("an identity code was refused to an active resident")
            return
        if random.random() < TAMPERED_SHARE:  # noqa: S311  no secret
            scanning.scan(
                self.caller, self.observations, self._terminal, tampered(code), "malformed", "forged", "unknown_key"
            )
            return
        scanning.scan(self.caller, self.observations, self._terminal, code, "ok")


def tampered(code: scanning.Code) -> scanning.Code:
    """Change one character in the middle of a code."""
    at = len(code.text) // 2 + secrets.randbelow(len(code.text) // 3)
    other = random.choice([sign for sign in BASE45 if sign != code.text[at]])  # noqa: S311  no secret
    return scanning.Code(code.text[:at] + other + code.text[at + 1 :], code.ends)


class Cashier(Actor):
    """Settles with a code that counts once, then tries the same code again; its kind's source is another system."""

    def __init__(
        self, caller: Caller, observations: Observations, people: Sequence[Person], terminal: Terminal
    ) -> None:
        super().__init__("cashier", caller, observations, 0.3)
        self._people, self._terminal = people, terminal

    def act(self) -> None:
        """One settlement, twice."""
        code = scanning.issue(self.caller, random.choice(self._people), "medical")  # noqa: S311  no secret
        if code is None:
            self.observations.count("medical not issued")
            return
        subject = f"code {code.text}"
        first = scanning.scan(
            self.caller, self.observations, self._terminal, code, "ok", "stale_ok", "stale", subject=subject
        )
        right = ("replayed",) if first.verdict.accepted else ("ok", "stale_ok", "stale")
        scanning.scan(self.caller, self.observations, self._terminal, code, *right, subject=subject)


class Canteen(Actor):
    """One resident, two codes, two windows at the same moment: one meal."""

    def __init__(
        self, caller: Caller, observations: Observations, people: Sequence[Person], windows: Sequence[Terminal]
    ) -> None:
        super().__init__("canteen", caller, observations, 0.3)
        self._people, self._windows, self._at = people, windows, 0

    def act(self) -> None:
        """One meal, attempts at every window; now and then by somebody who has eaten."""
        if self._at and random.random() < REPEATED_MEAL_SHARE:  # noqa: S311  no secret
            person = self._people[random.randrange(self._at) % len(self._people)]  # noqa: S311  no secret
        else:
            person = self._people[self._at % len(self._people)]
            self._at += 1
        codes = [scanning.issue(self.caller, person, "dining") for _ in self._windows]
        with ThreadPoolExecutor(len(self._windows)) as pool:
            attempts = zip(self._windows, codes, strict=True)
            for future in [pool.submit(self._eat, person, window, code) for window, code in attempts if code]:
                future.result()

    def _eat(self, person: Person, window: Terminal, code: scanning.Code) -> None:
        seen = scanning.scan(self.caller, self.observations, window, code, "ok", "used")
        meal = meal_of(person.phone, seen.detail)
        if meal is not None:
            self.observations.note_meal(meal, seen.verdict)


class Keeper(Actor):
    """Reports an identity code lost: from that moment it opens no gate; resumed, a new one does."""

    def __init__(
        self, caller: Caller, observations: Observations, people: Sequence[Person], gates: Sequence[Terminal]
    ) -> None:
        super().__init__("keeper", caller, observations, 0.5)
        self._people, self._gates = people, gates

    def act(self) -> None:
        """Lost and found."""
        person = random.choice(self._people)  # noqa: S311  no secret
        code = scanning.issue(self.caller, person, "identity")
        if code is None:
            self._resume(person)
            return
        scanning.scan(self.caller, self.observations, self._gates[0], code, "ok")
        if self.caller.call("POST", "/codes/identity/suspend", person).answer.status == 200:
            self.observations.note_suspension(person.phone, suspended=True)
            scanning.scan(self.caller, self.observations, self._gates[-1], code, "suspended")
        self._resume(person)

    def _resume(self, person: Person) -> None:
        # ten minutes after the step-up it wants another
        for _try in range(2):
            if self.caller.call("POST", "/codes/identity/resume", person).answer.status == 200:
                self.observations.note_suspension(person.phone, suspended=False)
                return
            person.token = ""
        self.observations.note_fault("a resident could not take the own report back")


class Office(Actor):
    """An administrator makes venues, each once however often it is asked for, and looks at the audit."""

    def __init__(self, caller: Caller, observations: Observations, clerk: Clerk) -> None:
        super().__init__("office", caller, observations, 1.0)
        self._clerk = clerk

    def act(self) -> None:
        """One venue."""
        body = {"name": f"耐久试验 {secrets.token_hex(6)}", "scene": "government", **PLACE}
        once = {"Idempotency-Key": str(uuid4())}
        self.observations.note_venue(body["name"], None)
        answer = self.caller.call("POST", "/venues", self._clerk, body, once).answer
        if answer.status == 201:
            self.observations.note_venue(body["name"], str(answer.data["id"]))
        else:
            self.observations.note_fault(f"a venue was not made: {answer.problem}")
        self.caller.call("GET", "/venues?limit=5", self._clerk)


class Reader(Actor):
    """Residents look at screens, at their wallet and at who scanned them."""

    def __init__(self, caller: Caller, observations: Observations, people: Sequence[Person]) -> None:
        super().__init__("reader", caller, observations, 0.1)
        self._people = people

    def act(self) -> None:
        """A screen and a private page."""
        screen = self.caller.call("GET", random.choice(SCREENS)).answer  # noqa: S311  no secret
        if screen.status != 200:
            self.observations.note_fault(f"a screen was not shown: {screen.problem}")
        person = random.choice(self._people)  # noqa: S311  no secret
        path = random.choice(("/codes", "/codes/ledger"))  # noqa: S311  no secret
        answer = self.caller.call("GET", path, person).answer
        if answer.status != 200:
            self.observations.note_fault(f"{path} was not shown: {answer.problem}")


class Probe(Actor):
    """Asks without a second try whether a code can be issued and verified at this moment."""

    def __init__(self, address: str, observations: Observations, person: Person, terminal: Terminal) -> None:
        super().__init__("probe", Caller(address, observations, 0.0), observations, 0.1)
        self._api, self._person, self._terminal = Api(address), person, terminal

    def act(self) -> None:
        """One code, one verdict."""
        began = time.monotonic()
        good = self._good()
        if good is not None:
            self.observations.note_probe(began, time.monotonic(), good=good)

    def _good(self) -> bool | None:
        """Return whether it went well; None where a token had run out, which is nobody's fault."""
        try:
            for account in (self._person, self._terminal):
                if not account.token:
                    account.sign_in(self._api)
            issued = self._ask("/codes/identity/issue", self._person)
            if issued.status != 200:
                return self._away("issue", issued)
            body = {"scan_id": str(uuid4()), "code": issued.data["code"], "purpose": self._terminal.purpose}
            response = self._ask("/codes/verify", self._terminal, body)
            if response.status != 200:
                return self._away("verify", response)
        except Refused:
            return False
        if response.data.get("reason") == "ok":
            return True
        self.observations.note_fault(f"probe: {response.data.get('reason')} where ok is right")
        return False

    def _away(self, what: str, answer: Answer) -> bool | None:
        """Tell what an answer says that is no good one; one that does not pass is a fault."""
        if answer.status == 401:
            return None
        if answer.status not in TRANSIENT:
            self.observations.note_fault(f"probe: {what}: {answer.problem}")
        return False

    def _ask(self, path: str, account: Person | Terminal, body: Mapping[str, str] | None = None) -> Answer:
        answer = self._api.ask("POST", path, token=account.token, body=body)
        if answer.status == 401:
            account.token = ""
        return answer
