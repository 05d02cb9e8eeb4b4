"""What residents, scanners, canteens and staff do all day."""

import random
import secrets
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from gettext import gettext as _
from uuid import uuid4

from qe_ban.cli.api import Answer, Api
from qe_ban.cli.refusals import Refused
from qe_ban.cli.soak import scanning
from qe_ban.cli.soak.book import Book, meal_of
from qe_ban.cli.soak.callers import TRANSIENT, Actor, Caller
from qe_ban.cli.soak.people import PLACE, Clerk, Person, Terminal

FORGED, HUNGRY = 0.15, 0.25
BASE45 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
SCREENS = ("/halls/city", "/items?q=社保卡", "/zones", "/items/suggest?q=sbk")


class Gate(Actor):
    """Residents pass a gate; now and then somebody tries a code that was tampered with."""

    def __init__(self, caller: Caller, book: Book, people: Sequence[Person], terminal: Terminal) -> None:
        super().__init__("gate", caller, book, 0.03)
        self._people, self._terminal = people, terminal

    def once(self) -> None:
        """One person."""
        code = scanning.issue(self.caller, random.choice(self._people), "identity")  # noqa: S311  no secret
        if code is None:
            self.book.fault(_("an identity code was refused to an active resident"))
            return
        if random.random() < FORGED:  # noqa: S311  no secret
            scanning.scan(self.caller, self.book, self._terminal, tampered(code), "malformed", "forged", "unknown_key")
            return
        scanning.scan(self.caller, self.book, self._terminal, code, "ok")


def tampered(code: scanning.Code) -> scanning.Code:
    """Change one character in the middle of a code."""
    at = len(code.text) // 2 + secrets.randbelow(len(code.text) // 3)
    other = random.choice([sign for sign in BASE45 if sign != code.text[at]])  # noqa: S311  no secret
    return scanning.Code(code.text[:at] + other + code.text[at + 1 :], code.ends)


class Cashier(Actor):
    """Settles with a code that counts once, then tries the same code again; its kind's source is another system."""

    def __init__(self, caller: Caller, book: Book, people: Sequence[Person], terminal: Terminal) -> None:
        super().__init__("cashier", caller, book, 0.3)
        self._people, self._terminal = people, terminal

    def once(self) -> None:
        """One settlement, twice."""
        code = scanning.issue(self.caller, random.choice(self._people), "medical")  # noqa: S311  no secret
        if code is None:
            self.book.count("medical not issued")
            return
        subject = f"code {code.text}"
        first = scanning.scan(self.caller, self.book, self._terminal, code, "ok", "stale_ok", "stale", subject=subject)
        right = ("replayed",) if first.told.accepted else ("ok", "stale_ok", "stale")
        scanning.scan(self.caller, self.book, self._terminal, code, *right, subject=subject)


class Canteen(Actor):
    """One resident, two codes, two windows at the same moment: one meal."""

    def __init__(self, caller: Caller, book: Book, people: Sequence[Person], windows: Sequence[Terminal]) -> None:
        super().__init__("canteen", caller, book, 0.3)
        self._people, self._windows, self._at = people, windows, 0

    def once(self) -> None:
        """One meal, tried at every window; now and then by somebody who has eaten."""
        if self._at and random.random() < HUNGRY:  # noqa: S311  no secret
            person = self._people[random.randrange(self._at) % len(self._people)]  # noqa: S311  no secret
        else:
            person = self._people[self._at % len(self._people)]
            self._at += 1
        codes = [scanning.issue(self.caller, person, "dining") for _ in self._windows]
        with ThreadPoolExecutor(len(self._windows)) as pool:
            tried = zip(self._windows, codes, strict=True)
            for future in [pool.submit(self._eat, person, window, code) for window, code in tried if code]:
                future.result()

    def _eat(self, person: Person, window: Terminal, code: scanning.Code) -> None:
        seen = scanning.scan(self.caller, self.book, window, code, "ok", "used")
        meal = meal_of(person.phone, seen.detail)
        if meal is not None:
            self.book.meal(meal, seen.told)


class Keeper(Actor):
    """Reports an identity code lost: from that moment it opens no gate; resumed, a new one does."""

    def __init__(self, caller: Caller, book: Book, people: Sequence[Person], gates: Sequence[Terminal]) -> None:
        super().__init__("keeper", caller, book, 0.5)
        self._people, self._gates = people, gates

    def once(self) -> None:
        """Lost and found."""
        person = random.choice(self._people)  # noqa: S311  no secret
        code = scanning.issue(self.caller, person, "identity")
        if code is None:
            self._resume(person)
            return
        scanning.scan(self.caller, self.book, self._gates[0], code, "ok")
        if self.caller.call("POST", "/codes/identity/suspend", person).answer.status == 200:
            self.book.suspend(person.phone, suspended=True)
            scanning.scan(self.caller, self.book, self._gates[-1], code, "suspended")
        self._resume(person)

    def _resume(self, person: Person) -> None:
        # ten minutes after the step-up it wants another
        for _try in range(2):
            if self.caller.call("POST", "/codes/identity/resume", person).answer.status == 200:
                self.book.suspend(person.phone, suspended=False)
                return
            person.token = ""
        self.book.fault(_("a resident could not take the own report back"))


class Office(Actor):
    """An administrator makes venues, each once however often it is asked for, and looks at the audit."""

    def __init__(self, caller: Caller, book: Book, clerk: Clerk) -> None:
        super().__init__("office", caller, book, 1.0)
        self._clerk = clerk

    def once(self) -> None:
        """One venue."""
        body = {"name": f"耐久试验 {secrets.token_hex(6)}", "scene": "government", **PLACE}
        once = {"Idempotency-Key": str(uuid4())}
        self.book.venue(body["name"], None)
        answer = self.caller.call("POST", "/venues", self._clerk, body, once).answer
        if answer.status == 201:
            self.book.venue(body["name"], str(answer.data["id"]))
        else:
            self.book.fault(_("a venue was not made: {problem}").format(problem=answer.problem))
        self.caller.call("GET", "/venues?limit=5", self._clerk)


class Reader(Actor):
    """Residents look at screens, at their wallet and at who scanned them."""

    def __init__(self, caller: Caller, book: Book, people: Sequence[Person]) -> None:
        super().__init__("reader", caller, book, 0.1)
        self._people = people

    def once(self) -> None:
        """A screen and a private page."""
        screen = self.caller.call("GET", random.choice(SCREENS)).answer  # noqa: S311  no secret
        if screen.status != 200:
            self.book.fault(_("a screen was not shown: {problem}").format(problem=screen.problem))
        person = random.choice(self._people)  # noqa: S311  no secret
        path = random.choice(("/codes", "/codes/ledger"))  # noqa: S311  no secret
        answer = self.caller.call("GET", path, person).answer
        if answer.status != 200:
            self.book.fault(_("{path} was not shown: {problem}").format(path=path, problem=answer.problem))


class Probe(Actor):
    """Asks without a second try whether a code can be issued and verified at this moment."""

    def __init__(self, address: str, book: Book, person: Person, terminal: Terminal) -> None:
        super().__init__("probe", Caller(address, book, 0.0), book, 0.1)
        self._api, self._person, self._terminal = Api(address), person, terminal

    def once(self) -> None:
        """One code, one verdict."""
        began = time.monotonic()
        good = self._good()
        if good is not None:
            self.book.probed(began, time.monotonic(), good=good)

    def _good(self) -> bool | None:
        """Tell whether it went well; None where a token had run out, which is nobody's fault."""
        try:
            for who in (self._person, self._terminal):
                if not who.token:
                    who.sign_in(self._api)
            issued = self._ask("/codes/identity/issue", self._person)
            if issued.status != 200:
                return self._away("issue", issued)
            body = {"scan_id": str(uuid4()), "code": issued.data["code"], "purpose": self._terminal.purpose}
            told = self._ask("/codes/verify", self._terminal, body)
            if told.status != 200:
                return self._away("verify", told)
        except Refused:
            return False
        if told.data.get("reason") == "ok":
            return True
        self.book.fault(_("probe: {get} where ok is right").format(get=told.data.get("reason")))
        return False

    def _away(self, what: str, answer: Answer) -> bool | None:
        """Tell what an answer says that is no good one; one that does not pass is a fault."""
        if answer.status == 401:
            return None
        if answer.status not in TRANSIENT:
            self.book.fault(_("probe: {what}: {problem}").format(what=what, problem=answer.problem))
        return False

    def _ask(self, path: str, who: Person | Terminal, body: Mapping[str, str] | None = None) -> Answer:
        answer = self._api.ask("POST", path, token=who.token, body=body)
        if answer.status == 401:
            who.token = ""
        return answer
