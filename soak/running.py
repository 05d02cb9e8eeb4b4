"""Runs the load, does one fault after the other, and waits after each until answers are good again."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import text

from qe_ban.cli.api import Api
from qe_ban.cli.refusals import Refused
from qe_ban.config import sandbox_data
from qe_ban.db.engine import Database
from qe_ban.kernel.clock import system_clock
from qe_ban.sandbox import secrets_file
from soak import actors, people
from soak.callers import Actor, Caller, Unanswered
from soak.faults import Fault
from soak.observations import Observations
from soak.people import ADMIN, SECOND, Clerk, Person
from soak.report import Window
from soak.system import System

KEEPERS, PASSERS, GATES, READERS = 10, 60, 3, 2
EATERS_A_MINUTE, MAX_EATERS = 80, 5000
"""Everybody has a meal once, so that there must be enough people for meals to the end."""
ANSWER_TIMEOUT = 90.0
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

    observations: Observations
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
        ends = time.monotonic() + ANSWER_TIMEOUT
        for actor in self.everybody:
            actor.join(max(0.1, ends - time.monotonic()))
            if actor.is_alive():
                self.observations.note_fault(f"{actor.name} did not come to an end")


def load(system: System, minutes: float) -> Load:
    """Make everybody who takes part. Raises Refused, Away."""
    observations, api = Observations(system_clock()), Api(system.address)
    deadline = time.monotonic() + minutes * 60 + 4 * ANSWER_TIMEOUT
    staff = {member.username: Clerk(member) for member in secrets_file.read(system.home)}
    clerk, second = staff[ADMIN], staff[SECOND]
    for member in (clerk, second):
        member.sign_in(api)
    eating = min(MAX_EATERS, PASSERS + round(minutes * EATERS_A_MINUTE))
    everyone = people.residents(system.home, eating + KEEPERS + 1)
    eaters, keepers, prober = everyone[:eating], everyone[eating:-1], everyone[-1]
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
        return Caller(system.address, observations, deadline)

    everybody: list[Actor] = [
        *(actors.Gate(caller(), observations, passers, gate) for gate in gates[:GATES]),
        actors.Cashier(caller(), observations, insured, cashier),
        actors.Canteen(caller(), observations, eaters, windows),
        actors.Keeper(caller(), observations, keepers, gates[:2]),
        actors.Office(caller(), observations, clerk),
        *(actors.Reader(caller(), observations, passers) for _ in range(READERS)),
        actors.Probe(system.address, observations, prober, gates[-1]),
    ]
    return Load(observations, everybody, keepers)


def inject_faults(
    system: System, observations: Observations, faults: Iterable[Fault], ends: float, rest: float
) -> Iterable[Window]:
    """Do the faults until `ends` (monotonic), each after `rest` seconds of good answers; gives them as they are over.

    Raises Refused, EngineError.
    """
    for fault in faults:
        if time.monotonic() + fault.seconds > ends:
            return
        began = time.monotonic()
        with fault.inject(system):
            _tend(system, observations, began + fault.seconds, expected=fault.seconds == 0)
            recovery_began = time.monotonic() if fault.seconds else began
        _until_good(system, observations, recovery_began)
        _tend(system, observations, time.monotonic() + rest)
        yield Window(fault, began, recovery_began, time.monotonic())


def _tend(system: System, observations: Observations, until: float, *, expected: bool = True) -> None:
    """Let time pass; start the whole again where it was killed, as an operating system's services do."""
    while True:
        if system.ended():
            if not expected:
                observations.note_fault("`up` ended by itself")
            system.start()
        if time.monotonic() >= until:
            return
        time.sleep(TICK)


def _until_good(system: System, observations: Observations, since: float) -> None:
    deadline = since + ANSWER_TIMEOUT
    while time.monotonic() < deadline:
        _tend(system, observations, 0.0)
        latest = [probe for probe in observations.probes[-STEADY:] if probe.began > since]
        if len(latest) == STEADY and all(probe.good for probe in latest):
            return
        time.sleep(TICK)
    observations.note_fault(f"answers were not good again {ANSWER_TIMEOUT:.0f} s later")


def check_kept(system: System, load_: Load) -> None:
    """See that what residents suspended and resumed last is what holds."""
    caller = Caller(system.address, load_.observations, time.monotonic() + ANSWER_TIMEOUT)
    for person in load_.keepers:
        suspended = load_.observations.suspended.get(person.phone)
        try:
            answer = caller.call("GET", "/codes", person).answer
        except Unanswered:
            return
        state = next((row["state"] for row in answer.data.get("items", ()) if row["kind"] == "identity"), None)
        if suspended is not None and state != ("suspended" if suspended else "active"):
            load_.observations.note_fault(f"an identity code is {state}, last known: suspended {suspended}")


def await_messages(database: Database, observations: Observations) -> None:
    """Wait until every message has left, as long as one may lie there. Raises DatabaseUnavailable."""
    pending = text("SELECT count(*) FROM outbox WHERE created_at >= :since AND given_up_at IS NULL")
    deadline, left = time.monotonic() + LEASE, True
    while left and time.monotonic() < deadline:
        with database.transaction() as session:
            left = bool(session.scalar(pending, {"since": observations.began}))
        time.sleep(TICK)


def require_good(load_: Load, seconds: float) -> None:
    """Wait until the probes are good at all. Raises Refused."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if sum(probe.good for probe in load_.observations.probes[-STEADY:]) == STEADY:
            return
        time.sleep(TICK)
    raise Refused("no good answer even before the first fault")
