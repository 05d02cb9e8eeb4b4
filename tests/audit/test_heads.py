"""The file of heads: it grows, survives half a line, and is not written where it and the database tell different."""

import json
import stat

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from qe_ban.audit import service
from qe_ban.audit.models import Alarm
from qe_ban.audit.rules.alarms import AlarmKind
from qe_ban.audit.service import heads
from qe_ban.kernel.clock import system_clock
from tests.factories.chains import Log


@pytest.fixture
def log(settings):
    audit_log = Log(settings, "heads")
    audit_log.fill(3)
    yield audit_log
    audit_log.database.dispose()


def append(log, path):
    with log.database.transaction() as session:
        heads.append(session, path)


def test_the_file_has_each_head_once(log, tmp_path):
    path = tmp_path / "heads.jsonl"
    append(log, path)
    log.fill(2)
    append(log, path)
    append(log, path)
    lines = path.read_text().splitlines()
    assert [json.loads(line)["n"] for line in lines] == [1, 2, 3, 4, 5]
    assert service.read_heads(lines) == (log.heads(), 0)
    assert not stat.S_IMODE(path.stat().st_mode) & 0o027
    assert log.check(heads=service.read_heads(lines)[0]) == []


@pytest.mark.parametrize("cut", [1, 5, 200])
def test_half_a_line_is_reported_anew(log, tmp_path, cut):
    path = tmp_path / "heads.jsonl"
    append(log, path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    append(log, path)
    file_heads, unreadable = service.read_heads(path.read_text().splitlines())
    assert [head.n for head in file_heads] == [1, 2, 3]
    assert unreadable == (cut > 1)


def test_a_file_that_tells_of_another_chain_is_left_alone(log, tmp_path):
    path = tmp_path / "heads.jsonl"
    append(log, path)
    content = path.read_bytes()
    with log.tampering() as connection:
        connection.execute(text("DELETE FROM audit_seals WHERE n = 3"))
        with Session(connection) as session, pytest.raises(heads.HeadsDiffer):
            heads.append(session, path)
    assert path.read_bytes() == content


def test_a_chain_that_is_not_the_file_s_opens_an_alarm(log, tmp_path):
    path = tmp_path / "heads.jsonl"
    sealer = service.Sealer(log.database, log.rings, system_clock, path)
    sealer.run()
    *before, last = path.read_text().splitlines()
    path.write_text("\n".join([*before, json.dumps(json.loads(last) | {"head": "00" * 32})]) + "\n")
    for _ in range(2):
        sealer.run()
    with log.database.transaction() as session:
        alarms = session.scalars(select(Alarm).where(Alarm.kind == AlarmKind.AUDIT_HEADS)).all()
    assert [(alarm.subject, alarm.count) for alarm in alarms] == [("audit", 2)]


NO_HEADS = ["x", "[]", "{}", "null", "[" * 99999, '{"n": "1", "at": "0", "leaves": 1, "head": "ab"}', '{"n": 1}']


@pytest.mark.parametrize("line", NO_HEADS, ids=range(len(NO_HEADS)))
def test_a_line_that_is_no_head_is_counted_and_skipped(line):
    assert service.read_heads([line, ""]) == ([], 1)
