"""What the tests of venues share: a clock that can be moved, and the steps up to an enrolled scanner."""

from datetime import UTC, datetime, timedelta
from importlib import resources
from uuid import uuid4

import jwt
import pytest
from sqlalchemy import update

from qe_ban.accounts import service as accounts
from qe_ban.accounts.adapters.face import SandboxFace
from qe_ban.accounts.adapters.real_name import SandboxRegister
from qe_ban.accounts.models import Staff
from qe_ban.audit import service as audit
from qe_ban.db import valkey
from qe_ban.db.limits import Limiter
from qe_ban.kernel import city_file
from qe_ban.kernel.errors import AuthenticationRequired
from qe_ban.kernel.principal import Place, PrincipalKind
from qe_ban.venues import routes, service
from qe_ban.web import application, guard, parts
from tests.factories.accounts import StaffFactory
from tests.factories.digests import plain_digest
from tests.factories.venues import LAOSHAN, SHINAN, AdminFactory, NewVenueFactory, ScannerKey


@pytest.fixture(scope="session")
def city():
    return city_file.parse((resources.files("qe_ban") / "data" / "qingdao.json").read_text("utf-8"))


@pytest.fixture
def moments():
    return [datetime.now(UTC)]


@pytest.fixture
def clock(moments):
    return lambda: moments[-1]


@pytest.fixture
def later(moments):
    return lambda by: moments.append(moments[-1] + by)


@pytest.fixture
def change(clock):
    admin = AdminFactory()
    return lambda by=admin: audit.Change(by, clock(), "r-test")


@pytest.fixture
def make_venue(database, city, change):
    def make(*, by=None, **fields):
        with database.transaction() as session:
            return service.create(session, city, NewVenueFactory(**fields), change(by) if by else change())

    return make


@pytest.fixture
def invite_scanner(database, rings, city, change, make_venue):
    """Make a venue and a code for it: gives both."""

    def invite(*, purposes=("identity-check",), label=None, **fields):
        venue = make_venue(**fields)
        with database.transaction() as session:
            ticket = service.invite(
                session, rings, city, venue_id=venue.id, purposes=list(purposes), label=label, change=change()
            )
        return venue, ticket.enrolment_code

    return invite


@pytest.fixture
def collaborators(settings, database, rings, clock):
    return accounts.Accounts(
        rings=rings,
        limiter=Limiter(valkey.connect(settings.redis_url), database, clock, plain_digest),
        revocations=accounts.poll_revocations(database, clock),
        real_name=SandboxRegister([]),
        face=SandboxFace("sandbox"),
        issuer=settings.issuer,
        verified=lambda session, resident_id, now: None,
    )


@pytest.fixture
def prove(collaborators, clock):
    """Sign the proof that a key is held."""

    def sign(key, **claims):
        payload = {"nonce": accounts.nonce(collaborators, clock()), "aud": collaborators.issuer, **claims}
        return jwt.encode(payload, key.private, algorithm="ES256")

    return sign


@pytest.fixture
def enrol(database, collaborators, city, prove, clock):
    def do(code, key=None, *, signed_by=None):
        key = key or ScannerKey()
        proof = prove(signed_by or key)
        with database.transaction() as session:
            return service.enrol(
                session, collaborators, city, code=code, jwk=key.jwk, label="1号窗口", proof=proof, now=clock()
            )

    return do


@pytest.fixture
def revoke(database, change):
    def do(scanner_id, by=None):
        with database.transaction() as session:
            service.revoke(session, scanner_id=scanner_id, change=change(by) if by else change())

    return do


CITY, SHINAN_ADMIN, LAOSHAN_ADMIN, READER, SCANNER = "city", "shinan", "laoshan", "reader", "scanner"
SECOND, CITY_TOO = "second", "city-too"


@pytest.fixture
def callers():
    """Return who calls, by token; the city's, two districts', one who may only read, and a scanner."""
    return {
        CITY: AdminFactory(place=Place()),
        SHINAN_ADMIN: AdminFactory(),
        LAOSHAN_ADMIN: AdminFactory(place=Place(district=LAOSHAN)),
        READER: AdminFactory(scopes=frozenset({"venues.read"})),
        SCANNER: AdminFactory(kind=PrincipalKind.SCANNER, scopes=frozenset({"codes.verify"})),
    }


@pytest.fixture
def make_call(settings, database, rings, city, collaborators, callers, clock):
    """Make an app with the interface of venues alone; gives what calls it as one of the callers."""

    def make(*, settings=settings, database=database):
        def principal_from(token):
            try:
                return callers[token]
            except KeyError:
                raise AuthenticationRequired from None

        app, api = application.build(settings, clock, name="venues-tests")
        for part in (database, rings, city, collaborators, collaborators.limiter):
            parts.provide(app, part)
        guard.install(app, principal_from)
        api.register_blueprint(routes.blp)
        client = app.test_client()

        def call(method, path, body=None, *, token=SHINAN_ADMIN, headers=None, **more):
            authorization = {"Authorization": f"Bearer {token}"} if token else {}
            if body is not None:
                more["json"] = body
            return client.open(
                f"/api/v1/venues{path}", method=method, headers={**authorization, **(headers or {})}, **more
            )

        return call

    return make


@pytest.fixture
def call(make_call):
    return make_call()


def venue_body(**fields):
    return {"name": f"馆 {uuid4()}", "district": SHINAN, "address": "香港中路11号", "scene": "government", **fields}


def refusal_of(answer, status, code):
    assert (answer.status_code, answer.json.get("code")) == (status, code), answer.json
    assert answer.content_type == "application/problem+json"
    assert any("\u4e00" <= letter <= "\u9fff" for letter in answer.json["detail"])
    return answer.json


@pytest.fixture
def venue_id(call):
    return call("POST", "", venue_body()).json["id"]


@pytest.fixture
def code(call, venue_id):
    return call("POST", f"/{venue_id}/scanners", {"purposes": ["identity-check"]}).json["enrolment_code"]


@pytest.fixture
def enrolment(prove, code):
    """Return the body with which a new scanner enrols."""
    key = ScannerKey()
    return {"enrolment_code": code, "jwk": key.jwk, "label": "1号窗口", "proof": prove(key)}


@pytest.fixture
def member(database, rings, callers):
    """Make a member of staff who has been there for two days and calls by a name."""

    def make(token, role="district_admin", age=timedelta(days=2), **place):
        factory = StaffFactory(roles=(role,), place=Place(**place))
        id_ = factory.create(database, rings, datetime.now(UTC))
        with database.transaction() as session:
            session.execute(update(Staff).where(Staff.id == id_).values(created_at=datetime.now(UTC) - age))
        callers[token] = AdminFactory(id=id_, place=Place(**place))
        return id_

    return make


@pytest.fixture
def staff_ids(member):
    """Return the proposer, the second person of the district, and the city's, who are no newcomers."""
    ids = {SHINAN_ADMIN: member(SHINAN_ADMIN, district=SHINAN), SECOND: member(SECOND, district=SHINAN)}
    more = {CITY: member(CITY, "city_admin"), CITY_TOO: member(CITY_TOO, "city_admin")}
    return ids | more | {LAOSHAN_ADMIN: member(LAOSHAN_ADMIN, district=LAOSHAN)}


@pytest.fixture
def officer(database, member):
    """Add a security officer of before, so that newcomers are none of two persons; remove it for other tests."""
    id_ = member("officer", "security_admin")
    yield
    with database.transaction() as session:
        session.execute(update(Staff).where(Staff.id == id_).values(disabled_at=datetime.now(UTC)))
