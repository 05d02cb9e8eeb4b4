"""An upgrade while everything serves: the last release goes on, on the new schema, beside the code of today.

The old release makes the database and serves; today's code migrates under its load, and then both serve and work.
"""

import base64
import threading
import uuid
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner
from sqlalchemy import NullPool, create_engine, text

from qe_ban import migrations
from qe_ban.app import assemble
from qe_ban.audit import service as audit
from qe_ban.cli.refusals import Refused
from qe_ban.cli.root import cli
from qe_ban.config import sandbox_data
from tests.factories import releases
from tests.factories.accounts import FACE_PROOF, random_phone
from tests.factories.codes import Town
from tests.factories.databases import another
from tests.factories.waits import wait_for

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("upgrade")]
RESIDENTS = (who for who in sandbox_data()["residents"] if who["phone"])


@dataclass
class City:
    """Old and new on one database; `town` makes what no interface makes, with the code of today."""

    old: releases.Release
    new: releases.Release
    parts: object
    town: Town
    gate: str

    def both_ways(self):
        return (self.old, self.new), (self.new, self.old)


@dataclass
class Resident:
    """Somebody who signed in."""

    id: str
    phone: str
    access: str
    refresh: str


@pytest.fixture(scope="module")
def city(settings, tmp_path_factory):
    directory = tmp_path_factory.mktemp("upgrade")
    mine = replace(another(settings, "upgrade"), threads=4)
    env = {
        "QE_MODE": "sandbox",
        "QE_DATABASE_URL": mine.database_url,
        "QE_REDIS_URL": mine.redis_url,
        "QE_MASTER_KEY": base64.b64encode(mine.master_key).decode(),
        "QE_ISSUER": mine.issuer,
        "QE_MEDIA_DIR": str(mine.media_dir),
        "QE_DATA_KEYS_DIR": str(mine.data_keys_dir),
        "QE_THREADS": "4",
        "QE_SUPERVISED": "1",
        "QE_ISSUE_PER_MINUTE": "100000",
    }
    try:
        with releases.old_and_new(env, directory) as (old, new):
            parts = assemble(mine)
            yield upgrade(City(old, new, parts, Town(parts), ""), directory)
            parts.database.dispose()
    except releases.NoHistory as why:
        pytest.skip(f"the last release cannot be had: {why}")


def upgrade(city, directory):
    """Upgrade as docs/upgrade.md says, while the old release is asked all the while."""
    code, output = city.old.command("keys", "init", "--roots", directory / "roots")
    assert code == 0, output
    city.old.work()
    city.old.serve()
    person = sign_in_named(city.old)
    city.gate = releases.enrol_scanner(city.old, releases.chief(city.old), city.parts.settings.issuer)
    with asking_all_the_while(lambda: verify(city.old, city.gate, issued(city.old, person))) as answers:
        wait_for(lambda: len(answers) > 2)
        before = migrations.upgrade(city.parts.database.engine)
        with city.parts.database.transaction() as session:
            keys = audit.adopt_after_upgrade(session, city.parts.settings.master_key, datetime.now(UTC), before)
        count = len(answers)
        wait_for(lambda: len(answers) > count + 2)
    assert keys == [], "the release seals its keys itself"
    city.new.work()
    city.new.serve()
    return city


@contextmanager
def asking_all_the_while(ask):
    """Ask in a thread for the length of the block; gives the answers. None may be a refusal, as held up ones are."""
    stop, answers, failures = threading.Event(), [], []

    def run():
        while not stop.is_set():
            try:
                answers.append(ask())
            except Refused as refused:
                failures.append(str(refused))

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield answers
    finally:
        stop.set()
        thread.join()
    assert not failures, f"{len(failures)} beside {len(answers)}: {failures[0]}"


def sign_in(at, phone, who=None):
    """Sign in, confirm the name of somebody who has one, and show the face: the order that all releases take."""
    otp = at.api.get("POST", "/auth/otp", status=202, body={"phone": phone}).data
    grant = {"grant_type": "otp", "phone": phone, "challenge": otp["challenge"], "otp": otp["otp"]}
    tokens = at.api.get("POST", "/auth/token", body=grant).data
    access = tokens["access_token"]
    if who is not None:
        body = {"name": who["name"], "id_type": "resident_id", "id_number": who["id_number"]}
        at.api.get("PUT", "/me/real-name", token=access, body=body)
        proof = {"method": "face", "proof": FACE_PROOF}
        access = at.api.get("POST", "/auth/step-up", token=access, body=proof).data["access_token"]
    me = at.api.get("GET", "/me", token=access).data
    return Resident(me["id"], phone, access, tokens["refresh_token"])


def sign_in_named(at):
    """Sign somebody in whom the sandbox's register knows, with a confirmed name."""
    who = next(RESIDENTS)
    return sign_in(at, who["phone"], who)


def issued(at, person):
    return at.api.get("POST", "/codes/identity/issue", token=person.access).data["code"]


def verify(at, gate, code, scan_id=None):
    body = {"scan_id": scan_id or str(uuid.uuid4()), "code": code, "purpose": "gate-entry"}
    return at.api.get("POST", "/codes/verify", token=gate, body=body).data


def test_an_old_process_that_dies_starts_again_on_the_new_schema(city):
    server, worker = city.old.serve(), city.old.work()
    assert sign_in(city.old, random_phone()).id
    assert server.process.poll() is None
    assert worker.process.poll() is None


def test_a_program_that_does_not_know_the_schema_leaves_it_alone(city, settings, tmp_path):
    later = another(settings, "later")
    engine = create_engine(later.database_url, poolclass=NullPool)
    migrations.upgrade(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for words in (("keys", "list"), ("keys", "init", "--roots", tmp_path)):
        code, output = city.old.command(*words, QE_DATABASE_URL=later.database_url)
        assert code != 0, output
    with engine.connect() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one() == "9999"
        assert connection.execute(text("SELECT count(*) FROM ring_keys")).scalar_one() == 0


def test_todays_program_says_so_in_one_line(settings, tmp_path):
    mine = another(settings, "newer")
    engine = create_engine(mine.database_url, poolclass=NullPool)
    migrations.upgrade(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    env = {"QE_DATABASE_URL": mine.database_url, "QE_MASTER_KEY": base64.b64encode(mine.master_key).decode()}
    result = CliRunner().invoke(cli, ["keys", "init", "--roots", str(tmp_path)], env=env, prog_name="qe-ban")
    assert (result.exit_code, result.stderr) == (2, "qe-ban: the database is of a newer release: start that one\n")


def test_codes_of_either_are_good_at_the_other_and_in_one_ledger(city):
    for here, there in city.both_ways():
        person = sign_in_named(here)
        scan_ids = [str(uuid.uuid4()) for _ in range(2)]
        code = issued(here, person)
        verdicts = [verify(there, city.gate, code, scan_ids[0]), verify(here, city.gate, code, scan_ids[1])]
        assert [(one["reason"], one["repeat"]) for one in verdicts] == [("ok", False)] * 2
        # an answer that was lost is asked for again at the other one
        assert verify(here, city.gate, code, scan_ids[0])["repeat"] is True
        for at in (here, there):
            ledger = at.api.get("GET", "/codes/ledger?limit=100", token=person.access).data["items"]
            assert len(ledger) == 2, at
            assert {entry["reason"] for entry in ledger} == {"ok"}
        assert there.api.get("POST", "/codes/identity/suspend", token=person.access).data["state"] == "suspended"
        assert [verify(at, city.gate, code)["reason"] for at in (here, there)] == ["suspended"] * 2


def test_residents_that_either_wrote_are_found_by_both(city):
    staff = city.town.staff("city_admin")["Authorization"].removeprefix("Bearer ")
    for here, there in city.both_ways():
        person = sign_in_named(here)
        assert sign_in(there, person.phone).id == person.id
        assert issued(there, person)
        for at in (here, there):
            body = {"phone": person.phone, "case_number": "CASE-20261001-1"}
            row = at.api.get("POST", "/residents/look-up", token=staff, body=body).data
            assert row["phone"] == f"{person.phone[:3]}****{person.phone[7:]}"
            assert row["id"] != person.id, "a look-up gives an id of its own"


def test_a_sign_in_goes_on_at_the_other(city):
    for here, there in city.both_ways():
        person = sign_in(here, random_phone())
        grant = {"grant_type": "refresh_token", "refresh_token": person.refresh}
        one, again = (at.api.get("POST", "/auth/token", body=grant).data for at in (there, here))
        assert one["refresh_token"] == again["refresh_token"]
        # ended at one, it is ended at both
        assert there.api.ask("POST", "/auth/revoke", body={"token": again["refresh_token"]}).status == 200
        for at in (there, here):
            refused = at.api.ask("POST", "/auth/token", body=grant | {"refresh_token": again["refresh_token"]})
            assert refused.status == 400, at


def test_changes_of_either_are_in_the_sealed_audit_log(city):
    admin, auditor = (
        city.town.staff(role)["Authorization"].removeprefix("Bearer ") for role in ("city_admin", "auditor")
    )
    body = {"name": "书城", "district": "370202", "address": "香港中路67号", "scene": "culture-tourism"}
    venues = []
    for at in (city.old, city.new, city.old):
        venue = at.api.get("POST", "/venues", token=admin, body=body, status=201).data["id"]
        assert releases.enrol_scanner(at, admin, city.parts.settings.issuer)
        venues.append(venue)
    for at in (city.old, city.new):
        events = at.api.get("GET", "/audit?action=venues.create&limit=100", token=auditor).data["items"]
        assert set(venues) <= {event["subject"] for event in events}, at
    with city.parts.database.transaction() as session:
        newest = session.execute(text("SELECT max(id) FROM audit_events")).scalar_one()

    def is_sealed():
        with city.parts.database.transaction() as session:
            return session.execute(text("SELECT coalesce(max(top), 0) FROM audit_seals")).scalar_one() >= newest

    wait_for(is_sealed, lambda: "the new worker seals nothing")
    with city.parts.database.transaction() as session:
        audit.hold_still(session)
        assert list(audit.Check(session, datetime.now(UTC), []).run()) == []


def test_both_serve_the_catalogue_and_the_pages(city):
    for path in ("/items?q=%E7%A4%BE%E4%BF%9D", "/halls", "/halls/city", "/zones", "/openapi.json"):
        for at in (city.old, city.new):
            assert at.api.ask("GET", path).status == 200, (at, path)


def test_the_schedules_of_both_workers_run(city):
    names = {"keys.ahead", "sweep", "zones.sunset", "audit.seal", "months", "wards.end"}

    def missing():
        with city.parts.database.transaction() as session:
            return names - set(session.scalars(text("SELECT name FROM schedules WHERE last_run_at IS NOT NULL")))

    # a run is noted when it is over
    wait_for(lambda: not missing(), lambda: f"did not run: {missing()}")
    with city.parts.database.transaction() as session:
        assert session.execute(text("SELECT count(*) FROM worker_beats")).scalar_one() >= 2


def test_nobody_logged_a_fault(city):
    # the last in the file: what the others did is in the logs
    programs = [program for at in (city.old, city.new) for program in at.programs]
    faults = {program.output.name: program.faults() for program in programs}
    assert not any(faults.values()), {name: lines[:3] for name, lines in faults.items() if lines}
    assert all(program.process.poll() is None for program in programs)
