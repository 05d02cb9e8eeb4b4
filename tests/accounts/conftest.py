"""What the tests of accounts share: a register that knows whom a test adds, and an app that asks it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from qe_ban.accounts import service
from qe_ban.accounts.adapters.face import SandboxFace
from qe_ban.accounts.service import Accounts
from qe_ban.app import create_app
from qe_ban.db import valkey
from qe_ban.db.engine import Database
from qe_ban.db.limits import Limiter
from qe_ban.kernel.clock import system_clock
from qe_ban.web import parts
from tests.factories import accounts as people
from tests.factories import recovery
from tests.factories.accounts import FACE_PROOF, OpenRegister, PersonFactory
from tests.factories.digests import plain_digest
from tests.factories.wards import Family


@pytest.fixture
def now():
    return datetime.now(UTC)


@pytest.fixture(scope="session")
def register():
    return OpenRegister()


@pytest.fixture(scope="session")
def accounts(settings, database, rings, register):
    """Sandbox behaviour with production's limits."""
    return Accounts(
        rings=rings,
        limiter=Limiter(valkey.connect(settings.redis_url), database, system_clock, plain_digest),
        revocations=service.poll_revocations(database, system_clock),
        real_name=register,
        face=SandboxFace(FACE_PROOF),
        issuer=settings.issuer,
        verified=lambda _session, _resident, _now: None,
        sandbox=True,
    )


@pytest.fixture
def person(register):
    return register.add(PersonFactory())


@pytest.fixture
def sign_in(database, accounts):
    """Sign a resident in through the services: gives tokens and principal."""

    def do(phone, now, accounts=accounts):
        with database.transaction() as session:
            sent = service.request_otp(accounts, session, phone=phone, now=now)
        tokens = service.sign_in_by_otp(
            accounts, database, phone=phone, challenge=str(sent.challenge), otp=sent.otp, now=now
        )
        return tokens, service.principal_from(accounts, tokens.access, now)

    return do


@pytest.fixture(scope="session")
def app(settings, register):
    """The product's app, whose register knows the people of these tests."""
    made = create_app(settings)
    with made.app_context():
        database, provided = parts.part(Database), parts.part(Accounts)
    parts.provide(made, replace(provided, real_name=register))
    yield made
    database.dispose()


@pytest.fixture(scope="session")
def city(app, database, rings, register, accounts):
    """Residents over HTTP and staff, for recovery and closing."""
    return recovery.Town(app, database, rings, register, accounts)


@pytest.fixture(scope="session")
def window(city):
    """A clerk who opens and proposes, and another person who approves."""
    return recovery.Window(city, city.staff("clerk"), city.staff("security_admin"))


@pytest.fixture
def family(accounts, database, register, now):
    """What tests of acting for others work with."""
    return Family(accounts, database, register, now)


@pytest.fixture
def parent():
    return PersonFactory()


@pytest.fixture
def guardian(family, parent):
    return family.person(parent)


@pytest.fixture
def come(client, register):
    """Sign somebody in with a confirmed name and a face check; gives headers."""

    def do(person):
        register.add(person)
        token = people.sign_in_named(client, person)["access_token"]
        return people.bearer(people.step_up(client, token))

    return do


@pytest.fixture(scope="module")
def clerk(app, database, rings):
    now = datetime.now(UTC)
    staff = people.StaffFactory(roles=("clerk",))
    staff.create(database, rings, now)
    return people.bearer(people.sign_in_staff(app.test_client(), staff, now))
