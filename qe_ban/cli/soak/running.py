"""Runs the load, does one fault after the other, and waits after each until answers are good again."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from gettext import gettext as _

from sqlalchemy import text

from qe_ban.cli.api import Api
from qe_ban.cli.refusals import Refused
from qe_ban.cli.soak import actors, people
from qe_ban.cli.soak.book import Book
from qe_ban.cli.soak.callers import Actor, Caller, Unanswered
from qe_ban.cli.soak.faults import Fault
from qe_ban.cli.soak.people import ADMIN, SECOND, Clerk, Person
from qe_ban.cli.soak.report import Window
from qe_ban.cli.soak.system import System
from qe_ban.config import sandbox_data
from qe_ban.db.engine import Database
from qe_ban.kernel.clock import system_clock
from qe_ban.sandbox import secrets_file

KEEPERS, PASSERS, GATES, READERS = 10, 60, 3, 2
EATERS_A_MINUTE, MOST_EATERS = 80, 5000
"""Everybody has a meal once, so that there must be enough people for meals to the end."""
PATIENCE = 90.0
"""Seconds that everything may take to be answered at last."""
TICK = 0.1
LEASE = 45.0
"""Seconds that a message may lie there: half a minute where its worker died, and then some."""
STEADY = 5
"""So many good probes in a row count as good again."""
KNOWN_MEDICAL = ("active",)


@dataclass(slots=True)
class Load:
    """All clients of one run."""

    book: Book
    everybody: list[Actor]
    keepers: Sequence[Person] = field(default=())

    def start(self) -> None:
        """Begin."""
        for actor in self.everybody:
            actor.start()

    def stop(self) -> None:
        """End, each after what it has in hand."""
        for actor in self.everybody:
            actor.stop()
        ends = time.monotonic() + PATIENCE
        for actor in self.everybody:
            actor.join(max(0.1, ends - time.monotonic()))
            if actor.is_alive():
                self.book.fault(_("{name} did not come to an end").format(name=actor.name))


def load(system: System, minutes: float) -> Load:
    """Make everybody who takes part. Raises Refused, Away."""
    book, api = Book(system_clock()), Api(system.address)
    deadline = time.monotonic() + minutes * 60 + 4 * PATIENCE
    staff = {member.username: Clerk(member) for member in secrets_file.read(system.home)}
    clerk, second = staff[ADMIN], staff[SECOND]
    for one in (clerk, second):
        one.sign_in(api)
    eating = min(MOST_EATERS, PASSERS + round(minutes * EATERS_A_MINUTE))
    made = people.residents(system.home, eating + KEEPERS + 1)
    eaters, keepers, probing = made[:eating], made[eating:-1], made[-1]
    passers = eaters[:PASSERS]
    gates = people.terminals(api, clerk, second, "transport", "gate-entry", GATES + 1)
    windows = people.terminals(api, clerk, second, "dining", "meal-redemption", 2)
    cashier = people.terminals(api, clerk, second, "medical", "settlement", 1)[0]
    insured = [
        Person(row["phone"])
        for row in sandbox_data()["residents"]
        if row["phone"] and row["register"].get("medical", {}).get("state") in KNOWN_MEDICAL
    ]

    def caller() -> Caller:
        return Caller(system.address, book, deadline)

    everybody: list[Actor] = [
        *(actors.Gate(caller(), book, passers, gate) for gate in gates[:GATES]),
        actors.Cashier(caller(), book, insured, cashier),
        actors.Canteen(caller(), book, eaters, windows),
        actors.Keeper(caller(), book, keepers, gates[:2]),
        actors.Office(caller(), book, clerk),
        *(actors.Reader(caller(), book, passers) for _ in range(READERS)),
        actors.Probe(system.address, book, probing, gates[-1]),
    ]
    return Load(book, everybody, keepers)


def harm(system: System, book: Book, faults: Iterable[Fault], ends: float, rest: float) -> Iterable[Window]:
    """Do the faults until `ends` (monotonic), each after `rest` seconds of good answers; gives them as they are over.

    Raises Refused, EngineError.
    """
    for fault in faults:
        if time.monotonic() + fault.seconds > ends:
            return
        done = time.monotonic()
        with fault.holding(system):
            _tend(system, book, done + fault.seconds, expected=fault.seconds == 0)
            undone = time.monotonic() if fault.seconds else done
        _until_good(system, book, undone)
        _tend(system, book, time.monotonic() + rest)
        yield Window(fault, done, undone, time.monotonic())


def _tend(system: System, book: Book, until: float, *, expected: bool = True) -> None:
    """Let time pass; start the whole again where it was killed, as an operating system's services do."""
    while True:
        if system.ended():
            if not expected:
                book.fault(_("`up` ended by itself"))
            system.start()
        if time.monotonic() >= until:
            return
        time.sleep(TICK)


def _until_good(system: System, book: Book, since: float) -> None:
    deadline = since + PATIENCE
    while time.monotonic() < deadline:
        _tend(system, book, 0.0)
        lately = [probe for probe in book.probes[-STEADY:] if probe.began > since]
        if len(lately) == STEADY and all(probe.good for probe in lately):
            return
        time.sleep(TICK)
    book.fault(_("answers were not good again {patience:.0f} s later").format(patience=PATIENCE))


def check_kept(system: System, made: Load) -> None:
    """See that what residents suspended and resumed last is what holds."""
    caller = Caller(system.address, made.book, time.monotonic() + PATIENCE)
    for person in made.keepers:
        told = made.book.suspended.get(person.phone)
        try:
            answer = caller.call("GET", "/codes", person).answer
        except Unanswered:
            return
        state = next((row["state"] for row in answer.data.get("items", ()) if row["kind"] == "identity"), None)
        if told is not None and state != ("suspended" if told else "active"):
            made.book.fault(
                _("an identity code is {state}, last told: suspended {told}").format(state=state, told=told)
            )


def await_messages(database: Database, book: Book) -> None:
    """Wait until every message has left, as long as one may lie there. Raises DatabaseUnavailable."""
    held = text("SELECT count(*) FROM outbox WHERE created_at >= :since AND given_up_at IS NULL")
    deadline, left = time.monotonic() + LEASE, True
    while left and time.monotonic() < deadline:
        with database.transaction() as session:
            left = bool(session.scalar(held, {"since": book.began}))
        time.sleep(TICK)


def require_good(load_: Load, seconds: float) -> None:
    """Wait until the probes are good at all. Raises Refused."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if sum(probe.good for probe in load_.book.probes[-STEADY:]) == STEADY:
            return
        time.sleep(TICK)
    raise Refused(_("soak: no good answer even before the first fault"))
