"""Whose key signed the chain: what the check tells of keys that somebody put into the table."""

from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import text
from sqlalchemy.orm import Session

from qe_ban.audit import service as audit
from qe_ban.audit.models import Seal
from qe_ban.audit.queries import rows
from qe_ban.audit.rules import merkle, statement
from qe_ban.audit.rules.findings import What
from qe_ban.audit.service.heads import statement_of
from qe_ban.keys import wrapping
from qe_ban.keys.integrity import Judge
from qe_ban.keys.models import Key, Ring
from tests.factories.chains import Log

HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def log(settings):
    """Nine seals."""
    audit_log = Log(settings, "verifying_keys")
    audit_log.fill(9)
    audit_log.now += timedelta(minutes=1)
    yield audit_log
    audit_log.database.dispose()


def test_a_chain_that_was_signed_anew_by_a_key_of_the_forgers_is_named(log):
    """Whoever owns the database, but has no master key, brings a key of their own."""
    with log.tampering() as connection, Session(connection) as session:
        key, kid = ec.generate_private_key(ec.SECP256R1()), "ffffffff"
        jwk = wrapping.public_jwk(key.public_key(), kid)
        begins, ends = log.now - 2 * HOUR, log.now + HOUR
        moments = {"not_before": begins, "expires": ends, "made_at": begins, "changed_at": begins}
        session.add(Key(kid=kid, ring=Ring.AUDIT, public=jwk, **moments))
        session.execute(text("UPDATE audit_events SET subject = 'nobody' WHERE id = 1"))
        resign(session, key, kid)
        without_judge = audit.Check(session, log.now)
        assert list(without_judge.run()) == []
        assert without_judge.thumbprints[kid] == wrapping.thumbprint(jwk).hex()
        check = audit.Check(session, log.now, judge=Judge(log.settings.master_key))
        findings = list(check.run())
    assert kid not in check.thumbprints
    assert (What.FOREIGN_KEY, kid) in {(one.what, one.key) for one in findings}
    assert [one.seal for one in findings if one.what is What.UNKNOWN_KEY] == list(range(1, 10))
    assert str(findings[0]).startswith("foreign key: key ffffffff stands in the table")


ROWS_OF_SEAL = f"""
SELECT l.salt, e.at::text, {rows.ROW}
FROM audit_leaves l JOIN audit_events e ON e.id = l.event_id
WHERE l.seal = :n ORDER BY l.position
"""


def resign(session, key, kid):
    """Write the whole chain anew over the rows as they are now."""
    before = statement.NONE_BEFORE
    for seal in session.query(Seal).order_by(Seal.n).all():
        sealed_rows = session.execute(text(ROWS_OF_SEAL), {"n": seal.n}).all()
        leaves = [merkle.leaf(salt, rows.row(at, values).content) for salt, at, *values in sealed_rows]
        seal.hashes, seal.root, seal.previous, seal.kid = b"".join(leaves), merkle.root(leaves), before, kid
        seal.signature = statement_of(seal).sign(kid, key)
        before = statement_of(seal).head(kid, seal.signature)
    session.flush()


def test_our_own_keys_are_known_by_the_master_key(log):
    with log.database.transaction() as session:
        check = audit.Check(session, log.now, judge=Judge(log.settings.master_key))
        assert list(check.run()) == []
    assert len(check.thumbprints) == 1
