"""What residents do on the city's day: each visit in steps, and the steps of several visits run into one another."""

import itertools
import random
import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus

from flask.testing import FlaskClient

from tests.factories.accounts import API
from tests.privacy.attack.city import CONSENTING, GATES, SOURCED, THREADS, Builder, Resident

IN_FLIGHT = 3
"""Visits that each thread has under way: between two steps of one visit come those of others."""
BATCHES = 8
KIND = {"registration": "medical"}


@dataclass(frozen=True)
class TrueScan:
    """The ground truth of one scan. It stands nowhere but in the test's memory."""

    scan_id: str
    resident: str
    terminal: str
    purpose: str
    at: datetime
    name: str | None
    request_id: str


@dataclass
class Day:
    """A city with what happened in it."""

    builder: Builder
    residents: list[Resident]
    wards: list[Resident]
    terminals: list
    truth: list[TrueScan] = field(default_factory=list)
    disputes: dict[str, str] = field(default_factory=dict)
    """Whose scan each dispute is about, by its id."""
    disputes_for_wards: dict[str, str] = field(default_factory=dict)
    """Which guardian opened it, of those that one did."""
    disputed: set[str | None] = field(default_factory=set)
    items: list[str] = field(default_factory=list)
    """The codes of the items that residents read and like."""
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def population(self) -> list[str]:
        """Return those whom ways are judged by. Wards are not among them: that a guardian showed a code is open."""
        return [one.id for one in self.residents]

    @property
    def acting(self) -> list[tuple[Resident, Resident]]:
        """Return who acts for whom among the population, and shows no code for anybody: they dispute."""
        third = len(self.residents) // 3
        return list(zip(self.residents[-third:], self.residents[third : 2 * third], strict=True))

    @property
    def sign_ins(self) -> dict[str, str]:
        """Return whose each sign-in is: an app's access token says which it is of."""
        return {one.sign_in: one.id for one in self.residents}

    @property
    def owners(self) -> dict[str, str]:
        """Return whose each scan was."""
        return {scan.scan_id: scan.resident for scan in self.truth}

    def purposes(self, purpose: str) -> list:
        return [terminal for terminal, of in self.terminals if of == purpose]


class Phone:
    """A resident's app; every call is an HTTP request to the product."""

    def __init__(self, client: FlaskClient, owner: Resident) -> None:
        self.client, self.owner = client, owner

    def call(self, method: str, path: str, body: dict | None = None) -> dict:
        answer = self.client.open(f"{API}{path}", method=method, json=body, headers=self.owner.headers)
        if answer.status_code == HTTPStatus.UNAUTHORIZED:
            self.refresh()
            answer = self.client.open(f"{API}{path}", method=method, json=body, headers=self.owner.headers)
        assert answer.status_code < 300, (path, answer.get_data(as_text=True))
        return answer.get_json() or {}

    def refresh(self) -> None:
        grant = {"grant_type": "refresh_token", "refresh_token": self.owner.refresh}
        answer = self.client.post(f"{API}/auth/token", json=grant)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        self.owner.access, self.owner.refresh = (answer.get_json()[name] for name in ("access_token", "refresh_token"))

    def code(self, kind: str, holder: str | None = None) -> str:
        return self.call("POST", f"/codes/{kind}/issue" + (f"?for={holder}" if holder else ""))["code"]


def visit(day: Day, phone: Phone, purpose: str, ward: Resident | None = None) -> Iterator[None]:
    """One visit: the app opens, shows a code, is scanned, and agrees where it is asked to."""
    terminal = random.choice(day.purposes(purpose))
    holder = phone.owner.acts_for if ward else None
    # read on the way to the counter, just before the code is shown
    if random.random() < 0.8:
        phone.call("PUT", f"/me/items/recent/{random.choice(day.items)}")
        yield
    if random.random() < 0.8:
        phone.refresh()
        yield
    code = phone.code(KIND.get(purpose, "identity"), holder)
    yield
    verdict = scan(day, phone, terminal, code, purpose, ward or phone.owner)
    if verdict["reason"] == "consent_required":
        yield
        phone.call("PUT", f"/me/consents/{purpose}" + (f"?for={holder}" if holder else ""))
        yield
        verdict = scan(day, phone, terminal, phone.code("identity", holder), purpose, ward or phone.owner)
    # an outside source that a busy machine kept too long leaves a scan as good as any other
    assert verdict["reason"] in (("ok", "stale", "stale_ok") if purpose == SOURCED else ("ok",)), verdict


def scan(day: Day, phone: Phone, terminal, code: str, purpose: str, holder: Resident) -> dict:
    """Let a terminal scan a code; keep whose it was."""
    scan_id = str(uuid.uuid4())
    body = {"scan_id": scan_id, "code": code, "purpose": purpose}
    at = datetime.now(UTC)
    answer = phone.client.post(f"{API}/codes/verify", json=body, headers=terminal.headers)
    if answer.status_code == HTTPStatus.UNAUTHORIZED:
        # a slow machine needs longer for the day than a token lives
        terminal.access = day.builder.city.town.scanner_token(terminal.id)
        answer = phone.client.post(f"{API}/codes/verify", json=body, headers=terminal.headers)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    verdict = answer.get_json()
    name = verdict["holder"].get("name")
    with day.lock:
        request_id = answer.headers["X-Request-Id"]
        day.truth.append(TrueScan(scan_id, holder.id, str(terminal.id), purpose, at, name, request_id))
    return verdict


def dispute(day: Day, phone: Phone, text: str = "我当天不在现场", ward: Resident | None = None) -> Iterator[None]:
    """Read the own ledger, or a ward's, and dispute one of its scans."""
    query = f"?for={phone.owner.acts_for}" if ward else ""
    entries = phone.call("GET", f"/codes/ledger{query}")["items"]
    yield
    with day.lock:
        free = [entry["id"] for entry in entries if entry["id"] not in day.disputed]
        chosen = random.choice(free) if free else None
        day.disputed.add(chosen)
    if chosen:
        answer = phone.call("POST", f"/codes/ledger/{chosen}/dispute{query}", {"text": text})
        with day.lock:
            day.disputes[answer["id"]] = (ward or phone.owner).id
            if ward:
                day.disputes_for_wards[answer["id"]] = phone.owner.id


def keep(day: Day, phone: Phone) -> Iterator[None]:
    """Choose a hall, follow it, and like an item, between the visits."""
    phone.call("PUT", "/me/hall", {"hall": "city", "age_mode": "standard"})
    yield
    phone.call("PUT", "/me/halls/city")
    yield
    phone.call("PUT", f"/me/items/favourites/{random.choice(day.items)}")


def agenda(day: Day, client: FlaskClient, visits: tuple[int, int]) -> list[tuple[str, Iterator[None]]]:
    """Return what everybody will do, with who does it, in an order that is nobody's."""
    tasks = []
    for resident in day.residents:
        phone = Phone(client, resident)
        gates = [random.choice(GATES) for _ in range(random.randint(*visits))]
        tasks += [(resident.id, visit(day, phone, purpose)) for purpose in (*gates, *CONSENTING, SOURCED)]
        tasks.append((resident.id, keep(day, phone)))
        if random.random() < 0.6:
            tasks.append((resident.id, dispute(day, phone)))
    for guardian, ward in zip(day.residents, day.wards, strict=False):
        phone = Phone(client, guardian)
        for purpose in (*GATES[:3], CONSENTING[0]):
            tasks.append((guardian.id, visit(day, phone, purpose, ward)))
    tasks += [(guardian.id, dispute(day, Phone(client, guardian), ward=ward)) for guardian, ward in day.acting]
    random.shuffle(tasks)
    return tasks


def at_load(tasks: list[tuple[str, Iterator[None]]], batch: Callable[[], object]) -> None:
    """Do the steps of all tasks, several at a time, each thread going to and fro between some of them.

    Nobody does two things at the same time: a phone's sign-in is renewed by one after the other. `batch`: what the
    worker does every half minute, done so often that the day has `BATCHES`, however fast the machine is.
    """
    waiting, busy, lock, done = list(tasks), set(), threading.Lock(), itertools.count(1)
    of_batch = len(tasks) // BATCHES

    def take() -> tuple[str, Iterator[None]] | None:
        with lock:
            for at, (who, task) in enumerate(waiting):
                if who not in busy:
                    busy.add(who)
                    del waiting[at]
                    return who, task
        return None

    def run() -> None:
        under_way: list[tuple[str, Iterator[None]]] = []
        while True:
            while len(under_way) < IN_FLIGHT and (task := take()):
                under_way.append(task)
            if not under_way:
                return
            who, task = chosen = random.choice(under_way)
            try:
                next(task)
            except StopIteration:
                under_way.remove(chosen)
                with lock:
                    busy.remove(who)
                if next(done) % of_batch == 0:
                    batch()

    with ThreadPoolExecutor(THREADS) as pool:
        for thread in [pool.submit(run) for _ in range(THREADS)]:
            thread.result()
