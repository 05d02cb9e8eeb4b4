"""Scanners that keep all they ever see cannot tell whose code it is, nor which two codes are one resident's.

A hundred residents of all sorts (old and young, with and without records, guardians, wards, people who reported another
code lost) show 11,500 codes, each once, at two venues whose purposes disclose nothing. What a scanner has is the code's
text, the whole answer of `POST /codes/verify` with its headers, its own clock, the order, and how long that took.

Left out on purpose, because it is disclosed by design: what a purpose may learn (a name links), the flag that a
guardian shows the code, a refusal with its reason, a code that is shown twice within its half minute, and paper, which
is constant and says so. There is nothing else for a scanner to hear from: no interface takes scans of before, and no
list of states or trust bundle is served yet (`test_scanners_hear_from_nowhere_else` fails when one is). A code that is
issued has no status index; one that every code of a resident shared would be found as any other part of the text.
"""

import io
import json
import random
import time
import uuid
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import base45
import cbor2
import pytest

from qe_ban.accounts.rules import SCANNER
from qe_ban.accounts.service import Accounts, tokens
from qe_ban.app import create_app
from qe_ban.codes import service as codes
from qe_ban.codes import token
from qe_ban.codes.service import Wallet
from qe_ban.kernel.principal import PrincipalKind
from qe_ban.web import guard
from tests.codes.linkability import Sample, View, attack, leaks
from tests.conftest import closing_pool

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("linkability")]
PEOPLE = 100
AT_GATE, AT_MUSEUM = 10_000, 1_500
OPENING_HOURS = timedelta(minutes=45)
LEAKY_SCANS = 2_500
TOKEN_LASTS = timedelta(minutes=9)


class Day:
    """A clock that is put forward from scan to scan."""

    def __init__(self):
        self.now = self.began = datetime.now(UTC) - OPENING_HOURS - timedelta(minutes=2)

    def __call__(self):
        return self.now


@dataclass
class Scanner:
    """A venue's terminal that keeps all it sees. Whose code each was is known to the test alone."""

    id: uuid.UUID
    purpose: str
    views: list = field(default_factory=list)
    residents: list = field(default_factory=list)
    access: str = ""
    signed_in: datetime | None = None

    def sign_in(self, parts, now):
        if self.signed_in is None or now - self.signed_in > TOKEN_LASTS:
            self.signed_in, kind = now, PrincipalKind.SCANNER
            tokens_ = tokens.access(
                parts.get(Accounts), kind=kind, subject=self.id, session=self.id, scopes=SCANNER, now=now
            )
            self.access = tokens_.access

    def scan(self, app, code, now):
        body = json.dumps({"scan_id": str(uuid.uuid4()), "code": code, "purpose": self.purpose}).encode()
        began = time.perf_counter()
        answer, headers = post(app, body, self.access)
        took = time.perf_counter() - began
        assert answer["reason"] == "ok", answer
        self.views.append(View(code, answer, headers, now.timestamp(), took))


def post(app, body, access):
    """Call the WSGI app itself: a test client would take longer than the product."""
    response_headers = {}
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/api/v1/codes/verify",
        "SCRIPT_NAME": "",
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_AUTHORIZATION": f"Bearer {access}",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.version": (1, 0),
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    pieces = app.wsgi_app(environ, lambda status, headers, _error=None: response_headers.update(headers, status=status))
    return json.loads(b"".join(pieces)), response_headers


@pytest.fixture(scope="module")
def rng():
    return random.Random()


@pytest.fixture(scope="module")
def crowd(town, rng):
    """Return residents who differ in all that the database knows of them."""
    people = [
        town.resident(born=f"{rng.randint(1935, 2012)}{rng.randint(1, 12):02d}15", records=rng.random() < 0.7)
        for _ in range(PEOPLE)
    ]
    for guardian, ward in zip(people[:10], people[10:20], strict=True):
        town.guard(guardian, ward)
    for person in people[15:30]:
        town.record(person, "medical", rng.choice([codes.State.SUSPENDED, codes.State.REVOKED]))
        with town.parts.database.transaction() as session:
            codes.suspend(
                session, town.parts.rings, codes.SuspensionRequest(person.id, "dining", by_guardian=False), town.now
            )
    return people


@pytest.fixture(scope="module")
def scanners(town, crowd, settings, rng):
    """Return what the gate and the museum saw of one day, in the order in which they saw it."""
    day = Day()
    gate, museum = (Scanner(town.terminal(purpose).id, purpose) for purpose in ("gate-entry", "admission"))
    row = [gate] * AT_GATE + [museum] * AT_MUSEUM
    rng.shuffle(row)
    arrivals = sorted(rng.random() for _ in row)
    wallet, holdings = town.parts.get(Wallet), {}
    with town.parts.database.statements() as connection:
        for number, person in enumerate(crowd):
            holdings[number] = codes.holdings(connection, wallet, person.id, day.began)
    with closing_pool(create_app(settings, clock=day)) as app:
        for scanner, arrival in zip(row, arrivals, strict=True):
            # everybody as likely as everybody else, each time anew: the attacks' luck is counted by that
            resident = rng.randrange(PEOPLE)
            day.now = day.began + arrival * OPENING_HOURS
            issue_moment = day.now - timedelta(seconds=rng.uniform(0, wallet.code_life / 2))
            code = codes.issue(wallet, holdings[resident], ["identity"], issue_moment).codes[0].code
            scanner.sign_in(town.parts, day.now)
            scanner.scan(app, code, day.now)
            scanner.residents.append(resident)
    return gate, museum


@pytest.fixture(scope="module")
def sample(scanners):
    """Return the views of both, taken apart: the gate's come first."""
    gate, museum = scanners
    return Sample(gate.views + museum.views, gate.residents + museum.residents)


def test_one_scanner_with_ten_thousand_codes_links_no_two_of_a_resident(sample, rng):
    half = AT_GATE // 2
    findings = attack(sample.split(range(half)), sample.split(range(half, AT_GATE)), PEOPLE, rng)
    assert {"equal claim.7", "equal claim.6", "equal time.age about", "bayes", "pairs"} <= findings.keys()
    assert not leaks(findings), leaks(findings)


def test_two_scanners_of_two_venues_link_nobody_over_both(sample, rng):
    gate, museum = range(AT_GATE - AT_MUSEUM), range(AT_GATE, AT_GATE + AT_MUSEUM)
    findings = attack(sample.split(gate), sample.split(museum), PEOPLE, rng)
    assert {"equal response.X-Request-Id", "next in time.age", "nearest claim.7", "pairs"} <= findings.keys()
    assert not leaks(findings), leaks(findings)


def test_no_value_that_names_anything_is_ever_seen_twice(scanners):
    views = [view for scanner in scanners for view in scanner.views]
    for name, values in {
        "text": [view.text for view in views],
        "reference": [token.parse(view.text).claims.cti for view in views],
        "request": [view.headers["X-Request-Id"] for view in views],
    }.items():
        assert len(set(values)) == len(views), name
    assert {token.parse(view.text).claims.status_index for view in views} == {None}


def remade(view, **claims):
    """Return the view of a code with other claims: nobody who links asks whether the signature holds."""
    sign1 = cbor2.loads(base45.b45decode(view.text.removeprefix("QE1:")))
    header, other_header, payload, signature = sign1.value
    payload = cbor2.dumps(cbor2.loads(payload) | {int(name.removeprefix("_")): value for name, value in claims.items()})
    message = cbor2.dumps(cbor2.CBORTag(18, [header, other_header, payload, signature]))
    return replace(view, text="QE1:" + base45.b45encode(message).decode())


def claims_of(view):
    return token.parse(view.text).claims


def a_byte_of_the_reference(view, resident):
    cti = claims_of(view).cti
    return remade(view, _7=cti[:9] + bytes((resident,)) + cti[10:])


def a_phase_of_the_clock(view, resident):
    claims = claims_of(view)
    shift = (resident - claims.issued_at) % 30
    return remade(view, _6=claims.issued_at + shift, _4=claims.expires_at + shift)


def a_clock_that_is_slow(view, resident):
    return replace(view, arrival=view.arrival + resident * 10)


def a_longer_code(view, resident):
    return remade(view, _99=b"-" * (resident % 10))


def a_member_of_the_verdict(view, resident):
    return replace(view, answer=view.answer | {"detail": {"visits": resident // 4}})


def a_slower_answer(view, resident):
    return replace(view, took=view.took + resident * 0.002)


def bits_of_the_signature(view, resident):
    """Return sixteen bits that lie apart, so that no byte tells much."""
    raw = bytearray(base45.b45decode(view.text.removeprefix("QE1:")))
    own = random.Random(resident).getrandbits(16)
    for n in range(16):
        raw[-1 - 4 * n] = raw[-1 - 4 * n] & 0xFE | own >> n & 1
    return replace(view, text="QE1:" + base45.b45encode(bytes(raw)).decode())


LEAKS = [
    (a_byte_of_the_reference, {"equal byte", "bayes", "pairs"}),
    (a_phase_of_the_clock, {"equal time.iat%30", "pairs"}),
    (a_clock_that_is_slow, {"equal time.age about"}),
    (a_longer_code, {"equal length.text", "bayes", "pairs"}),
    (a_member_of_the_verdict, {"equal verdict.detail.visits", "next in verdict.detail.visits", "pairs"}),
    (a_slower_answer, {"next in time.took"}),
    (bits_of_the_signature, {"pairs"}),
]


@pytest.mark.parametrize(("plant", "finders"), LEAKS, ids=[plant.__name__ for plant, _ in LEAKS])
def test_the_same_attacks_find_a_leak_that_is_there(scanners, rng, plant, finders):
    gate, _ = scanners
    residents = gate.residents[:LEAKY_SCANS]
    leaky = Sample([plant(view, whose) for view, whose in zip(gate.views, residents, strict=False)], residents)
    half = range(LEAKY_SCANS // 2)
    findings = leaks(attack(leaky.split(half), leaky.split(range(LEAKY_SCANS // 2, LEAKY_SCANS)), PEOPLE, rng))
    for finder in finders:
        assert any(name.startswith(finder) for name in findings), (finder, findings)


def test_scanners_hear_from_nowhere_else(app):
    """Whoever gives scanners another interface shows here what it tells of codes, and adds it to their view."""
    guards = {rule.rule: guard.of(app.view_functions[rule.endpoint]) for rule in app.url_map.iter_rules()}
    assert list(SCANNER) == ["codes.verify"]
    theirs = {path for path, access in guards.items() if access is not None and access.scope in SCANNER}
    assert theirs == {"/api/v1/codes/verify"}
    assert not [path for path in guards if "status-list" in path or "trust-bundle" in path or path.endswith("/scans")]
