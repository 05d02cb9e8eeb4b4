"""The worker of jobs, as it is put together: it seals, writes heads, keeps as long as is due, and turns the months."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from qe_ban.app import assemble, create_worker
from qe_ban.audit import service
from qe_ban.config import Retention
from qe_ban.keys.models import Ring
from tests.factories.chains import Log


def test_the_worker_does_what_records_need(settings, tmp_path):
    now = datetime.now(UTC)
    log = Log(settings, "worker", began=now - timedelta(days=250))
    log.fill(2)
    log.now = now
    log.rotate()
    log.record(2)
    heads = tmp_path / "heads.jsonl"
    worker_settings = replace(log.settings, audit_heads=heads, retention=Retention(audit=200))
    worker = create_worker(worker_settings)
    worker.run_pending()
    worker._database.dispose()
    with log.database.transaction() as session:
        event_ids = session.scalars(text("SELECT id FROM audit_events WHERE action = 'test.do' ORDER BY id")).all()
        unsealed_ids = service.unsealed_ids(session, now + timedelta(hours=1))
    assert event_ids == [7, 8]
    assert len(unsealed_ids) <= 1  # what retention itself has recorded waits for the next seal
    file_heads, _ = service.read_heads(heads.read_text().splitlines())
    assert [head.n for head in file_heads] == [1, 2, 3]
    assert log.check(heads=file_heads) == []
    log.database.dispose()


def test_a_web_process_is_not_put_together_with_the_sealing_key(settings):
    parts = assemble(settings)
    assert Ring.AUDIT not in parts.rings.snapshot().signing
    assert parts.rings.public(Ring.AUDIT)
    parts.database.dispose()
