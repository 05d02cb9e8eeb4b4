"""`qe-ban keys` and `qe-ban proposals`: what an operator types, rightly and wrongly; denying takes two persons."""

import base64
import re
import secrets
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from qe_ban import migrations
from qe_ban.accounts.models import Proposal, Staff
from qe_ban.audit.models import AuditEvent
from qe_ban.db.engine import Database
from qe_ban.kernel.clock import system_clock
from qe_ban.keys import lifecycle, wrapping
from qe_ban.keys.models import Key, Ring
from qe_ban.keys.rings import KeyRings
from tests.cli.conftest import refused
from tests.factories import databases
from tests.factories.accounts import StaffFactory


@pytest.fixture(scope="module")
def other(settings):
    return databases.another(settings, "keys")


@pytest.fixture(scope="module")
def database(other):
    own = Database(other.database_url, pool=2)
    migrations.upgrade(own.engine)
    with own.transaction() as session:
        lifecycle.init(session, other.master_key, system_clock() - timedelta(days=2))
        lifecycle.make_ahead(session, other.master_key, system_clock())
    yield own
    own.dispose()


@pytest.fixture
def run(qe, other, database):
    env = {"QE_DATABASE_URL": other.database_url, "QE_MASTER_KEY": base64.b64encode(other.master_key).decode()}
    return lambda *words, stdin=None, **more: qe(*words, stdin=stdin, **(env | more))


@pytest.fixture
def officer(other, database, tmp_path):
    """Make a security_admin; gives the options that prove it."""

    def make(roles=("security_admin",), password=None):
        member = StaffFactory(roles=roles)
        member.create(database, KeyRings(database, other.master_key), system_clock())
        path = tmp_path / member.username
        path.write_text(f"{password or member.password}\n")
        path.chmod(0o600)
        return "--as", member.username, "--password-file", path, "--totp", member.code(system_clock())

    return make


def output_of(result):
    assert result.exit_code == 0, result.stderr
    return result.stdout.strip()


def list_keys(run, *words):
    rows = [line.split() for line in output_of(run("keys", "list", *words)).splitlines()[1:]]
    return {row[0]: row[1:] for row in rows}


def key_states(run):
    """The keys as they stand, but for what the clock alone changes: a key of a test before begins after ten seconds."""
    return {kid: ["live" if word == "ahead" else word for word in words] for kid, words in list_keys(run).items()}


def kid_of(database, ring):
    with database.transaction() as session:
        newest = select(Key.kid).where(Key.ring == ring, Key.wrapped.is_not(None)).order_by(Key.not_before)
        return session.scalars(newest).first()


def rotate(run, database, ring):
    """Rotate a signing ring, and let the new key begin; gives the kid before and the new one."""
    before, new = kid_of(database, ring), output_of(run("keys", "rotate", ring))
    with database.transaction() as session:
        values = {"not_before": system_clock() - timedelta(minutes=5), "seal": None}
        session.execute(update(Key).where(Key.kid == new).values(**values))
    return before, new


def audit_event(database, action, subject):
    with database.transaction() as session:
        events = select(AuditEvent).where(AuditEvent.action == action, AuditEvent.subject == subject)
        return session.scalars(events).one()


def test_the_list_tells_ring_state_slot_and_what_lies_under_a_key(run, database, officer):
    officer()
    rows = list_keys(run)
    assert rows[kid_of(database, Ring.BLIND_PHONE)][-1] == "0"
    assert "live" in rows[kid_of(database, Ring.TOKEN)]
    with database.transaction() as session:
        today = session.scalars(select(Key.kid).where(Key.ring == Ring.COLUMN, Key.day == system_clock().date())).one()
    assert int(list_keys(run, "--count")[today][-1]) >= 1


@pytest.mark.parametrize("ring", [ring.value for ring in Ring if ring is not Ring.ROOT])
def test_every_ring_is_rotated_and_it_is_audited(run, database, ring):
    before = list_keys(run)
    result = run("keys", "rotate", ring)
    kid = output_of(result).splitlines()[0]
    assert re.fullmatch("[0-9a-f]{8}", kid)
    assert "in use from" in result.stderr
    assert kid not in before
    assert list_keys(run)[kid][3] == "ahead"
    event = audit_event(database, "keys.rotate", kid)
    assert event.details["after"]["ring"] == ring


def test_of_a_blind_index_only_two_keys_live_and_the_old_one_goes_when_all_is_written(run, database):
    def second(session):
        aged = update(Key).where(Key.ring == Ring.BLIND_PHONE, Key.slot == 1)
        return session.execute(aged.values(not_before=system_clock() - timedelta(minutes=5), seal=None)).rowcount

    with database.transaction() as session:
        rotated_before = second(session)
    if not rotated_before:
        output_of(run("keys", "rotate", "blind-phone"))
        with database.transaction() as session:
            assert second(session) == 1
    refused(run("keys", "rotate", "blind-phone"), "rotation_under_way")
    old = kid_of(database, Ring.BLIND_PHONE)
    assert output_of(run("keys", "backfill", "blind-phone")) == "0 rows written"
    assert output_of(run("keys", "backfill", "holder")) == "0 rows written"
    with database.transaction() as session:
        old = session.scalars(select(Key.kid).where(Key.ring == Ring.BLIND_PHONE, Key.slot == 0)).one()
    assert output_of(run("keys", "retire", old)) == f"{old} is retired"
    assert output_of(run("keys", "retire", old)) == f"{old} is retired", "a cut-off emptying goes on"
    assert "retired" in list_keys(run)[old]
    refused(run("keys", "rotate", "blind-phone"), "一分钟后")
    assert audit_event(database, "keys.retire", old).details["after"]["kids"] == [old]


def test_a_signing_key_is_retired_when_another_signs(run, database):
    old, new = rotate(run, database, Ring.TOKEN)
    assert output_of(run("keys", "retire", old)) == f"{old} is retired"
    assert "verifies" in list_keys(run)[old]
    refused(run("keys", "retire", old), "retired already")
    assert "live" in list_keys(run)[new]


def test_denying_takes_two_persons(run, database, officer):
    old, _ = rotate(run, database, Ring.CODE)
    one, two = officer(), officer()
    proposal = output_of(run("keys", "deny", old, *one))
    assert "live" in list_keys(run)[old]
    again = run("keys", "deny", old, *officer())
    assert (output_of(again), "somebody else proposed it already" in again.stderr) == (proposal, True)
    line = next(line for line in output_of(run("proposals", "list")).splitlines() if line.startswith(proposal))
    assert line.split("\t")[1:3] == ["keys.deny", old]
    # a dynamic code counts once
    refused(run("proposals", "approve", proposal, *one), "")
    assert "live" in list_keys(run)[old]
    assert output_of(run("proposals", "approve", proposal, *two)) == f"keys.deny {old}: done"
    assert "denied" in list_keys(run)[old]
    assert audit_event(database, "keys.deny", old).actor_id is not None
    refused(run("proposals", "approve", proposal, *officer()), "accounts.proposal_over")
    refused(run("keys", "deny", old, *officer()), "denied already")
    assert output_of(run("proposals", "list")).splitlines()[0].split("\t") == [
        "id",
        "action",
        "subject",
        "expires",
        "details",
    ]
    assert proposal not in output_of(run("proposals", "list"))


def test_who_proposed_it_does_not_approve_it(run, database, officer, other):
    old, _ = rotate(run, database, Ring.AUDIT)
    words = officer()
    proposal = output_of(run("keys", "deny", old, *words))
    with database.transaction() as session:
        session.execute(update(Staff).where(Staff.username == words[1]).values(last_step=0))
    refused(run("proposals", "approve", proposal, *words), "accounts.own_proposal")
    assert "denied" not in " ".join(list_keys(run)[old])
    assert output_of(run("proposals", "withdraw", proposal, *officer())) == f"keys.deny {old}: withdrawn"
    refused(run("proposals", "approve", proposal, *officer()), "accounts.proposal_over")


def test_the_dynamic_code_comes_from_a_file_or_from_stdin(run, database, officer, tmp_path):
    old, _ = rotate(run, database, Ring.TOKEN)
    words = officer()
    (tmp_path / "code").write_text(f"{words[-1]}\n")
    refused(run("keys", "deny", old, *words, "--totp-file", tmp_path / "code"), "--totp or --totp-file")
    proposal = output_of(run("keys", "deny", old, *words[:-2], "--totp-file", tmp_path / "code"))
    other = officer()
    assert output_of(run("proposals", "withdraw", proposal, *other[:-2], "--totp-file", "-", stdin=f"{other[-1]}\n"))


def test_a_proposal_that_nobody_approved_in_a_day_is_over(run, database, officer):
    old, _ = rotate(run, database, Ring.CODE_PRINTED)
    proposal = output_of(run("keys", "deny", old, *officer()))
    with database.transaction() as session:
        session.execute(update(Proposal).values(expires_at=system_clock()))
    refused(run("proposals", "approve", proposal, *officer()), "accounts.proposal_over")
    assert "denied" not in " ".join(list_keys(run)[old])


def test_a_root_that_an_upgrade_left_without_a_seal_is_adopted_by_its_thumbprint(run, database, other):
    with database.transaction() as session:
        root = session.scalars(select(Key).where(Key.ring == Ring.ROOT)).first()
        root.seal = None
    thumbprint = wrapping.thumbprint(root.public).hex()
    refused(run("keys", "adopt", root.kid, "--thumbprint", "00" * 32), "another thumbprint")
    assert output_of(run("keys", "adopt", root.kid, "--thumbprint", thumbprint)).endswith(f"{root.kid} is adopted")
    refused(run("keys", "adopt", root.kid, "--thumbprint", thumbprint), "no root without a seal")
    assert audit_event(database, "keys.adopt", root.kid).details["after"] == {"ring": "root", "thumbprint": thumbprint}
    assert bytes.fromhex(root.kid) in KeyRings(database, other.master_key).snapshot().public


def test_only_a_security_admin_of_the_city_who_is_proven_denies(run, database, officer):
    kid = kid_of(database, Ring.TOKEN)
    refused(run("keys", "deny", kid, *officer(roles=("city_admin",))), "security_admin")
    refused(run("keys", "deny", kid, *officer(password="another-one-altogether")), "")
    words = officer()
    refused(run("keys", "deny", kid, *words[:-1], "000000"), "")
    refused(run("keys", "deny", kid, "--as", "nobody-there", *words[2:]), "")
    refused(run("keys", "deny", kid_of(database, Ring.DERIVE), *officer()), "no signing key")
    with database.transaction() as session:
        assert session.get_one(Key, kid).denied_at is None


def test_password_and_code_are_asked_for(run, database, officer):
    old, _ = rotate(run, database, Ring.TOKEN)
    words = officer()
    result = run("keys", "deny", old, "--as", words[1], stdin=f"{words[3].read_text()}{words[5]}\n")
    assert result.exit_code == 0, result.stderr
    assert words[3].read_text().strip() not in result.output


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (("rotate", "root"), "'root'"),
        (("rotate", "nonsense"), "'nonsense'"),
        (("rotate",), "RING"),
        (("backfill", "code"), "'code'"),
        (("backfill",), "RING"),
        (("retire",), "--unused"),
        (("retire", "abcdef01", "--unused"), "--unused"),
        (("retire", "ffffffff"), "no key has the kid"),
        (("retire", "'; DROP TABLE keys; --"), "no key has the kid"),
        (("retire", ""), "no key has the kid"),
        (("reseal", "--days", "-1"), "--days"),
        (("reseal", "--days", "x"), "--days"),
        (("rewrap",), "QE_MASTER_KEY_NEXT"),
        (("deny", "abcdef01"), "--as"),
        (("deny", "abcdef01", "--as", "x", "--password-file", "/nonexistent"), "/nonexistent"),
        (("list", "--home"), "--home"),
    ],
)
def test_a_wrong_argument_is_one_line(run, words, text):
    before = list_keys(run).keys()
    refused(run("keys", *words), text)
    assert list_keys(run).keys() == before


@pytest.mark.parametrize("ring", [Ring.ROOT, Ring.SEAL_ISSUED, Ring.HOLDER, Ring.DERIVE])
def test_a_key_that_is_needed_is_not_retired(run, database, ring):
    with database.transaction() as session:
        newest = select(Key.kid).where(Key.ring == ring, Key.denied_at.is_(None)).order_by(Key.not_before.desc())
        kid = session.scalars(newest).first()
    before = key_states(run)
    refused(run("keys", "retire", kid), "")
    assert key_states(run) == before


@pytest.mark.parametrize("proposal", ["x", "", "00000000-0000-0000-0000-000000000000", "'; DROP TABLE proposals; --"])
@pytest.mark.parametrize("verb", ["approve", "withdraw"])
def test_a_proposal_that_is_none_is_one_line(run, officer, verb, proposal):
    refused(run("proposals", verb, proposal, *officer()), "accounts.proposal_not_found")


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"QE_MASTER_KEY_NEXT": "c2hvcnQ="}, "the next master key must be 32 random bytes"),
        ({"QE_MASTER_KEY_NEXT_FILE": "/nonexistent"}, "QE_MASTER_KEY_NEXT_FILE /nonexistent cannot be read"),
    ],
)
def test_a_next_master_key_that_is_none_is_one_line(run, more, text):
    refused(run("keys", "rewrap", **more), text)


def test_the_next_master_key_is_another_one(run, other):
    same = base64.b64encode(other.master_key).decode()
    refused(run("keys", "rewrap", QE_MASTER_KEY_NEXT=same), "QE_MASTER_KEY_NEXT is the master key that is in use")


def test_neither_master_key_may_be_a_third_one(run, database):
    def key():
        return base64.b64encode(secrets.token_bytes(32)).decode()

    with database.transaction() as session:
        before = session.scalars(select(Key.wrapped).order_by(Key.kid)).all()
    refused(run("keys", "rewrap", QE_MASTER_KEY=key(), QE_MASTER_KEY_NEXT=key()), "does not open")
    with database.transaction() as session:
        assert session.scalars(select(Key.wrapped).order_by(Key.kid)).all() == before
