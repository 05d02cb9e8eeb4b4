"""What a thief of the log or of Valkey reads after a morning's work: nobody's phone, address, name or id."""

import base64
import hashlib
import io
import json
import logging
import re
import uuid
from collections.abc import Iterator
from contextlib import redirect_stderr, suppress
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
import redis
import structlog

from qe_ban.accounts.rules import STEPPED_UP
from qe_ban.items.service.popularity import Popularity
from qe_ban.web import guard, logs
from qe_ban.web.parts import part
from tests.factories.accounts import StaffFactory, bearer, random_phone, sign_in
from tests.factories.cities import API, City, city

NETWORKS = ("198.51.100.23", "2001:db8:77:1234:1:2:3:4")


@dataclass
class Morning:
    """The system after the work, with the log's text, the commands to Valkey, and what is secret of the people."""

    system: City
    log: str
    commands: bytes
    people: list
    secrets: set[str]

    @property
    def lines(self):
        return [json.loads(line) for line in self.log.splitlines()]


@pytest.fixture(scope="module")
def morning() -> Iterator[Morning]:
    with city() as system, redis.Redis.from_url(system.valkey.url) as valkey:
        handlers, level = logging.root.handlers[:], logging.root.level
        valkey.config_set("slowlog-max-len", 1_000_000)
        valkey.config_set("slowlog-log-slower-than", 0)
        text = io.StringIO()
        with redirect_stderr(text):
            logs.configure(json=True)
            people, secrets = work(system)
        commands = b"\n".join(entry["command"] for entry in valkey.slowlog_get(100_000))
        yield Morning(system, text.getvalue(), commands, people, secrets)
        logs.configure(json=True, access=False)
        structlog.reset_defaults()
        logging.root.handlers[:] = handlers
        logging.root.setLevel(level)


def work(system):
    """Residents and staff do over HTTP all that is counted."""
    people, secrets, clerk = [], {"2001:db8:77:1234::/64"}, StaffFactory(roles=("clerk",))
    clerk.create(system.parts.database, system.parts.rings, datetime.now(UTC))
    for address in NETWORKS:
        client = system.app.test_client()
        client.environ_base["REMOTE_ADDR"] = address
        person = system.town.resident()
        people.append(person)
        secrets |= {person.phone, address, person.name, person.id_number, str(person.id)}
        phone = random_phone()
        secrets.add(phone)
        visitor = bearer(sign_in(client, phone)["access_token"])
        resident_id = client.get(f"{API}/me", headers=visitor).get_json()["id"]
        secrets.add(resident_id)
        client.post(f"{API}/auth/otp", json={"phone": phone})
        wrong = {"grant_type": "otp", "phone": phone, "challenge": str(uuid.uuid4()), "otp": "000000"}
        assert client.post(f"{API}/auth/token", json=wrong).status_code == 400
        show_codes(system, client, person)
        client.get(f"{API}/items?q=没有这样的事项", headers={"X-Request-Id": "r"})
        with system.app.app_context():
            part(Popularity).seen("QD-1", address, datetime.now(UTC))
        token = client.post(f"{API}/auth/token", json=clerk.grant(datetime.now(UTC)))
        headers = bearer(token.get_json()["access_token"]) if token.status_code == 200 else system.town.staff("clerk")
        body = {"phone": person.phone, "case_number": "QD-2026-000001"}
        assert client.post(f"{API}/residents/look-up", json=body, headers=headers).status_code == 200
        bad = {"grant_type": "password", "username": clerk.username, "password": "x", "totp": "000000"}
        client.post(f"{API}/auth/token", json=bad)
    return people, secrets


def show_codes(system, client, person):
    """A resident reads the wallet, shows codes, agrees, reads the ledger; a scanner scans each, and mistypes one."""
    assert client.get(f"{API}/codes", headers=person.headers).status_code == 200
    code = client.post(f"{API}/codes/identity/issue", headers=person.headers).get_json()["code"]
    client.post(f"{API}/codes/issue", json={"kinds": ["identity"]}, headers=person.headers)
    assert system.verify(code).get_json()["accepted"]
    client.post(f"{API}/codes/identity/short-number", headers=person.headers)
    wrong = {"scan_id": str(uuid.uuid4()), "short_number": "0123456789", "purpose": "gate-entry"}
    client.post(f"{API}/codes/verify", json=wrong, headers=system.gate.headers)
    client.get(f"{API}/me/consents", headers=person.headers)
    client.put(f"{API}/me/consents/senior-discount", headers=person.headers)
    for path in ("codes/ledger", "codes/ledger/export", "me", "me/wards"):
        client.get(f"{API}/{path}", headers={**person.headers, "X-Request-Id": f"app-{person.phone}"})
    for path in ("me/wards", "me/health/corrections"):
        client.post(f"{API}/{path}", json={}, headers={**person.headers, "X-Request-Id": f"app-{person.phone}"})


def spellings(secret):
    """All that a secret may be found by: plain, in hexadecimal and base64, hashed, and as 0.3.0 named its counters."""
    text = secret.encode()
    raws = [text]
    with suppress(ValueError):
        raws.append(uuid.UUID(secret).bytes)
    old = [f"{name}\0{secret}".encode() for name in ("otp-address", "tries-address", "codes.issue", "codes.export")]
    old += [f"otp-phone\0{address}\0{secret}".encode() for address in ("198.51.100.23", "2001:db8:77:1234::/64")]
    hashed = [getattr(hashlib, kind)(raw).digest() for raw in (*raws, *old) for kind in ("md5", "sha1", "sha256")]
    # sixteen bytes of a hash are enough to name somebody, and what Valkey compresses is still told by eight
    forms = [*raws, *hashed, *(digest[:16] for digest in hashed), *(digest[:8] for digest in hashed)]
    for raw in forms:
        yield raw
        yield raw.hex().encode()
        yield base64.b64encode(raw).rstrip(b"=")[:-1]
        yield base64.urlsafe_b64encode(raw).rstrip(b"=")[:-1]


def found_in(data, secrets):
    lowered = data.lower()
    return {secret for secret in secrets for spelling in spellings(secret) if spelling in data or spelling in lowered}


def memory_of(client):
    """All keys and values, as Valkey keeps them and as it answers them."""
    parts = []
    for key in client.scan_iter(count=1000):
        kind = client.type(key)
        read = {b"string": client.get, b"hash": client.hgetall, b"set": client.smembers}[kind]
        parts += [key, client.dump(key), repr(read(key)).encode()]
    return b"\n".join(parts)


def test_valkeys_memory_and_what_it_is_sent_name_nobody(morning):
    with redis.Redis.from_url(morning.system.valkey.url) as client:
        memory = memory_of(client)
    assert memory.count(b"qe:limit:") >= 8
    assert b"qe:seen:" in memory
    assert b"PFADD" in morning.commands
    assert found_in(memory + morning.commands, morning.secrets) == set()


def test_this_search_would_find_what_0_3_0_kept(morning):
    phone = next(iter(morning.secrets))
    old = hashlib.sha256(f"otp-address\0{phone}".encode()).hexdigest()[:32]
    assert found_in(f"qe:limit:{old}:1".encode(), {phone}) == {phone}
    assert found_in(b'PFADD "' + phone.encode(), {phone}) == {phone}


def test_valkey_leaves_no_file(morning):
    assert list(morning.system.home.directory("valkey").iterdir()) == []


def test_two_windows_of_one_subject_have_no_counter_in_common(morning):
    """The names of counters lead from one hour to the next no more than from phone to counter."""
    limiter, moments = morning.system.parts.limiter, []
    with redis.Redis.from_url(morning.system.valkey.url) as client:
        for window in (60, 3600):
            before = set(client.scan_iter())
            limiter.hit("test", "one", limit=9, window=window)
            (counter,) = set(client.scan_iter()) - before
            moments.append(counter.split(b":")[2])
    assert moments[0] != moments[1]


def test_the_log_names_no_resident(morning):
    assert len(morning.lines) > 30
    assert found_in(morning.log.encode(), morning.secrets) == set()
    assert str(morning.system.gate.id) in morning.log


NAMED = {
    ("DELETE", f"{API}/me/closing"),
    ("DELETE", f"{API}/me/guardians/<id:guardianship_id>"),
    ("DELETE", f"{API}/me/wards/<id:guardianship_id>"),
    ("DELETE", f"{API}/me/wards/<id:guardianship_id>/closing"),
    ("POST", f"{API}/me/closing"),
    ("POST", f"{API}/me/demands/<id:demand_id>/reply"),
    ("POST", f"{API}/me/demands/<id:demand_id>/withdraw"),
    ("POST", f"{API}/me/guardians/<id:guardianship_id>/confirm"),
    ("POST", f"{API}/me/health/corrections"),
    ("POST", f"{API}/me/not-mine"),
    ("POST", f"{API}/me/recovery/<id:case_id>/object"),
    ("POST", f"{API}/me/wards"),
    ("POST", f"{API}/me/wards/<id:guardianship_id>/closing"),
    ("POST", f"{API}/zones/<slug>/demands"),
}
"""Rare acts, which the audit keeps with the resident's id. Not what opens an app, nor anything about scans."""


def test_only_rare_acts_of_residents_have_a_name_in_the_log(morning):
    app = morning.system.app
    of_residents = [
        (method, rule.rule, guarded.is_anonymous)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if (guarded := guard.of(_view(app, rule.endpoint, method))) is not None and guarded.scope in STEPPED_UP
    ]
    assert {(method, rule) for method, rule, is_anonymous in of_residents if not is_anonymous} == NAMED
    assert len(of_residents) > 40


def _view(app, endpoint, method):
    view = app.view_functions[endpoint]
    methods = getattr(view, "view_class", None)
    return getattr(methods, method.lower()) if methods is not None else view


def test_a_resident_has_one_name_in_the_log_today(morning):
    person = morning.people[0]
    name = morning.system.parts.day_hashes.resident_name(person.id, datetime.now(UTC))
    lines = [line for line in morning.lines if line.get("principal") == f"resident:{name}"]
    assert {(line["method"], line["route"]) for line in lines} == {
        ("POST", f"{API}/me/wards"),
        ("POST", f"{API}/me/health/corrections"),
    }


def test_lines_of_opening_the_app_showing_a_code_and_the_ledger_have_no_caller(morning):
    shown = [
        line
        for line in morning.lines
        if re.search(r"/codes(/issue|/<kind>/.*|/ledger.*)?$|/me$|/me/consents", line.get("route") or "")
    ]
    expected = {f"{API}/{path}" for path in ("codes", "codes/<kind>/issue", "codes/issue", "codes/ledger", "me")}
    assert {line["route"] for line in shown} >= expected
    assert {line["principal"] for line in shown} == {"-"}


def test_no_two_lines_of_residents_share_a_request_id(morning):
    """An app sends the same id with all its calls: it is not taken over, with a name on the line or without."""
    ids = [line["request_id"] for line in morning.lines if "/me" in (line.get("route") or "")]
    assert len(ids) == len(set(ids)) > 8
    assert not any(id_.startswith("app-") for id_ in ids)
