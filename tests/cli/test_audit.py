"""`qe-ban audit verify`, as an auditor runs it: with the database, the heads, and no master key."""

import base64

import pytest
from sqlalchemy import text

from qe_ban.keys import wrapping
from qe_ban.keys.models import Ring
from tests.cli.conftest import refused
from tests.factories.chains import Log


@pytest.fixture
def log(settings):
    chain = Log(settings, "audit_cli")
    chain.fill(3)
    yield chain
    chain.database.dispose()


@pytest.fixture
def verify(qe, log):
    return lambda *words, **more: qe("audit", "verify", *words, QE_DATABASE_URL=log.settings.database_url, **more)


def test_a_whole_log_is_exit_code_0(verify, log, tmp_path):
    file = tmp_path / "heads"
    file.write_text("".join(head.line() + "\n" for head in log.heads()) + "half a li")
    result = verify("--heads", file)
    assert (result.exit_code, result.stdout) == (0, "3 seals and 9 rows checked against 3 heads: nothing found\n")
    assert "1 lines" in result.stderr
    assert "no heads" not in result.stderr


def test_it_says_whom_it_believes_and_what_it_cannot_know(verify, log):
    thumbprint = wrapping.thumbprint(dict(log.rings.public(Ring.AUDIT)[0].jwk)).hex()
    alone = verify().stderr
    master = base64.b64encode(log.settings.master_key).decode()
    result = verify(QE_MASTER_KEY=master)
    assert (result.exit_code, f"thumbprint {thumbprint}" in result.stderr) == (0, True)
    assert thumbprint in alone
    assert "no master key was given" in alone
    assert "no master key was given" not in result.stderr
    assert "no heads were given" in result.stderr
    assert "no seal from" in result.stderr
    assert "WARNING" not in result.stdout
    refused(verify(QE_MASTER_KEY=base64.b64encode(bytes(32)).decode()), "master key")


def test_with_the_master_key_a_key_of_somebody_elses_is_a_finding(verify, log):
    with log.database.transaction() as session:
        session.execute(text("UPDATE ring_keys SET expires = expires + interval '1 year' WHERE ring = 'audit'"))
    assert verify().exit_code == 0
    result = verify(QE_MASTER_KEY=base64.b64encode(log.settings.master_key).decode())
    assert result.exit_code == 1
    assert result.stdout.startswith("foreign key: key ")


def test_a_bent_log_is_exit_code_1_and_a_line_for_each_finding(verify, log):
    with log.database.transaction() as session:
        session.execute(text("ALTER TABLE audit_events DISABLE TRIGGER USER"))
        session.execute(text("UPDATE audit_events SET subject = 'x' WHERE id = 4"))
        session.execute(text("DELETE FROM audit_events WHERE id = 9"))
    result = verify()
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "altered: event 4 (seal 2) is not what was sealed",
        "removed: event 9 (seal 3) was sealed and is gone",
        "3 seals and 9 rows checked against 0 heads: 2 findings",
    ]


def test_a_cut_tail_shows_by_the_heads(verify, log, tmp_path):
    file = tmp_path / "heads"
    file.write_text("".join(head.line() + "\n" for head in log.heads()))
    with log.database.transaction() as session:
        session.execute(text("SET LOCAL session_replication_role = 'replica'"))
        session.execute(text("DELETE FROM audit_seals WHERE n = 3"))
        session.execute(text("DELETE FROM audit_events WHERE id > 6"))
        session.execute(text("DELETE FROM audit_leaves WHERE event_id > 6"))
    assert verify().exit_code == 0
    result = verify("--heads", file)
    assert result.exit_code == 1
    assert result.stdout.startswith("cut: seal 3 was told outside and is gone")


def test_a_file_that_is_not_there_or_holds_no_head_is_one_line(verify, tmp_path):
    refused(verify("--heads", "/nonexistent"), "/nonexistent")
    for content in ("", "root:x:0:0\n", "[]\n{}\n"):
        file = tmp_path / "none"
        file.write_text(content)
        refused(verify("--heads", file), "no head")
