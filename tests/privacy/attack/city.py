"""A city of its own engines, so that every byte at rest is this city's, with residents whose every scan is known."""

import io
import logging
import random
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, redirect_stderr
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from tempfile import TemporaryDirectory
from types import SimpleNamespace

import jwt
import structlog

from qe_ban.accounts.service import Accounts
from qe_ban.app.working import create_worker
from qe_ban.kernel.identifiers import IdType
from qe_ban.sandbox import source
from qe_ban.web import logs, parts
from tests.factories import cities, items
from tests.factories.accounts import API, OpenRegister, PersonFactory, bearer, sign_in_named, step_up
from tests.factories.codes import Terminal

SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨"
GIVEN = "澜皓珏翊芮翀瑾玥琛璟霖骞"
SOURCE_TOKEN = "source-of-the-privacy-tests"
GATES = ("gate-entry", "admission", "campus-entry", "window-acceptance", "identity-check", "community-entry")
CONSENTING = ("visitor-registration", "senior-discount")
SOURCED = "registration"
DISTRICT = "370202"
THREADS = 4
ITEMS = 12


@dataclass
class Resident:
    """Somebody with an account: what the city knows of them, and their phone's tokens."""

    name: str
    phone: str
    id_number: str
    id: str
    access: str
    refresh: str
    acts_for: str | None = None

    @property
    def sign_in(self) -> str:
        """Return the id of the sign-in that the access token is of."""
        return jwt.decode(self.access, options={"verify_signature": False})["sid"]

    @property
    def headers(self) -> dict[str, str]:
        return bearer(self.access)


def person(number: int):
    """Return somebody whose name is theirs alone: some are short, some long."""
    surname, given = SURNAMES[number % len(SURNAMES)], GIVEN[number // len(SURNAMES) % len(GIVEN)]
    more = random.choice(["", random.choice(GIVEN), random.choice(GIVEN) * 2])
    return PersonFactory(name=surname + given + more)


class Builder:
    """Makes the people and terminals of a city over HTTP, several at a time."""

    def __init__(self, city: cities.City, insured: dict) -> None:
        self.city, self.insured = city, insured

    def resident(self, number: int) -> Resident:
        who, client = person(number), self.city.app.test_client()
        tokens = sign_in_named(client, who)
        access = step_up(client, tokens["access_token"])
        id_ = client.get(f"{API}/me", headers=bearer(access)).get_json()["id"]
        detail = {"insured_type": "职工基本医疗保险", "insured_place": "青岛市"}
        self.insured[IdType.RESIDENT_ID.value, who.id_number, who.name] = {"state": "active", "detail": detail}
        return Resident(who.name, who.phone, who.id_number, id_, access, tokens["refresh_token"])

    def residents(self, count: int) -> list[Resident]:
        with ThreadPoolExecutor(THREADS) as pool:
            return list(pool.map(self.resident, range(count)))

    def guard(self, guardian: Resident, ward: Resident) -> None:
        """Let one act for another, as a window confirmed it."""
        guardian.acts_for = self.city.town.guard(*(SimpleNamespace(id=uuid.UUID(one.id)) for one in (guardian, ward)))

    def items(self) -> list[str]:
        """Publish some service items; return their codes."""
        return [items.add_item(self.city.parts.database, name=f"事项{number}") for number in range(ITEMS)]

    def terminals(self) -> list[tuple[Terminal, str]]:
        purposes = (*GATES, *GATES, *CONSENTING, SOURCED)
        return [(self.city.town.terminal(purpose, district=DISTRICT), purpose) for purpose in purposes]


@contextmanager
def new_city() -> Iterator[Builder]:
    """Yield a new city whose register confirms everybody, with an outside source for one kind."""
    insured: dict = {}
    server = source.server(0, SOURCE_TOKEN, insured, lambda: datetime.now(UTC))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_address[1]}/entitlement"
    try:
        env = {"QE_SOURCES": f"medical={address}", "QE_OUTSIDE_TOKEN": SOURCE_TOKEN}
        with TemporaryDirectory() as media, cities.city(QE_MEDIA_DIR=media, **env) as city:
            with city.app.app_context():
                accounts = parts.part(Accounts)
            parts.provide(city.app, replace(accounts, real_name=OpenRegister(everyone=True)))
            yield Builder(city, insured)
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def capture_log() -> Iterator[io.StringIO]:
    """Yield what this process writes to its log, in the form that production has."""
    handlers, level, output = logging.root.handlers[:], logging.root.level, io.StringIO()
    with redirect_stderr(output):
        logs.configure(json=True)
        try:
            yield output
        finally:
            logs.configure(json=True, access=False)
            structlog.reset_defaults()
            logging.root.handlers[:] = handlers
            logging.root.setLevel(level)


@contextmanager
def run_worker(city: cities.City) -> Iterator[None]:
    """Let a worker run beside, as in production."""
    stop = threading.Event()
    thread = threading.Thread(target=create_worker(city.settings).run, args=(stop,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
