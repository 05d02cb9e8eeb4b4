"""Who is too old is refused, and an answer that belongs to another statement is never taken for ours."""

import uuid
from datetime import UTC, datetime

import pytest

from qe_ban.cli import database_faults
from qe_ban.cli.refusals import Refused
from qe_ban.codes import queries
from qe_ban.db import connecting
from qe_ban.db.connecting import ForeignAnswer
from qe_ban.db.engine import Database, DatabaseUnavailable, DatabaseUnfit

NOW = datetime.now(UTC)
OURS, THEIRS = uuid.uuid4(), uuid.uuid4()


class SameRow:
    """A connection that gives everybody the same row."""

    def __init__(self, row):
        self.row = row

    def execute(self, *_words, **_more):
        return self

    def fetchone(self):
        return self.row

    def fetchall(self):
        return [self.row]


def outcome():
    return queries.Outcome(
        id=OURS, scanner=OURS, scan_id=OURS, request=b"", venue=OURS, at=NOW, purpose="gate-entry", accepted=True,
        reason="ok", kind="identity", profile="issued", cti=None, showing=None, holder=None, fields=(), detail={},
        as_of=None,
    )  # fmt: skip


FACTS = {
    "scanner": OURS, "scan_id": OURS, "number": None, "purpose": "gate-entry", "now": NOW, "again": b"", "subjects": ()
}  # fmt: skip
ASKING = {
    "facts": lambda at: queries.read_facts(at((OURS, [], b"", None, *[None] * 16, THEIRS)), **FACTS),
    "keep": lambda at: queries.keep(at((THEIRS,)), outcome()),
    "keep, and nothing comes": lambda at: queries.keep(at(None), outcome()),
    "holdings": lambda at: queries.holdings(at((1, "identity", False, THEIRS, "", b"", b"", *[None] * 6)), OURS, NOW),
    "keep a short number": lambda at: queries.keep_short_number(at((b"theirs",)), [b"ours"], b"", NOW),
    "a live short number": lambda at: queries.live_short_number(at((b"theirs", b"")), [b"ours", b"older"], [], NOW),
    "a kept short number": lambda at: queries.kept_short_number(at((b"theirs", b"")), [b"ours"]),
}


@pytest.mark.parametrize("asking", ASKING.values(), ids=ASKING)
def test_an_answer_that_belongs_to_another_statement_is_refused(asking):
    with pytest.raises(ForeignAnswer):
        asking(SameRow)


def test_whoever_got_a_foreign_answer_hears_503_and_the_connection_goes(database):
    with database.statements() as connection:
        before = connection.info.backend_pid
    with pytest.raises(DatabaseUnavailable), database.statements() as connection:
        connecting.require_own(THEIRS, OURS)
    with database.statements() as connection:
        assert connection.info.backend_pid != before


def test_an_old_postgresql_is_refused_in_one_line(settings, monkeypatch):
    monkeypatch.setattr(connecting, "OLDEST", 99_00_00)
    database = Database(settings.database_url)
    with pytest.raises(DatabaseUnfit, match="系统繁忙") as unfit, database.statements():
        pass
    assert "too old: 99 or newer is needed" in unfit.value.reason
    with pytest.raises(Refused, match=r"^PostgreSQL \d+ is too old: 99 or newer is needed$"):  # noqa: SIM117
        with database_faults.refused(), database.transaction() as session:
            session.connection()
