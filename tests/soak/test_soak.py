"""The soak finds what is lost, doubled or wrong, tells truly how a fault was borne, and holds on a real system."""

import os
import subprocess
import sys
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from qe_ban.app import assemble
from qe_ban.cli.api import Answer, Api
from soak import callers, proof, report
from soak.actors import Probe
from soak.callers import Actor, Caller
from soak.faults import FAULTS
from soak.observations import AnswerTiming, Observations, ProbeResult, Verdict, meal_of
from soak.people import Person, Terminal
from soak.report import Window
from tests.factories.cities import API
from tests.factories.codes import Town

REPOSITORY = Path(__file__).parents[2]
DAY = timedelta(days=1)


@pytest.fixture
def town(settings):
    parts = assemble(settings)
    yield Town(parts)
    parts.database.dispose()


class Day:
    """Scans as the soak's clients make and note them."""

    def __init__(self, town, client):
        self.town, self.client, self.observations = town, client, Observations(datetime.now(UTC))
        self.window, self.till = town.terminal("meal-redemption"), town.terminal("settlement")

    def scan(self, person, kind, terminal, purpose, code=None):
        code = code or self.client.post(f"{API}/codes/{kind}/issue", headers=person.headers).get_json()["code"]
        body = {"scan_id": str(uuid.uuid4()), "code": code, "purpose": purpose}
        told = self.client.post(f"{API}/codes/verify", json=body, headers=terminal.headers).get_json()
        subject = f"code {code}" if purpose == "settlement" else None
        noted = Verdict(
            terminal.id, uuid.UUID(body["scan_id"]), purpose, told["accepted"], told["reason"], 1, code, subject
        )
        self.observations.note_verdict(noted)
        meal = meal_of(person.phone, told["detail"])
        if meal is not None:
            self.observations.note_meal(meal, noted)
        return noted

    def proved(self):
        with self.town.parts.database.transaction() as session:
            return proof.compare(session, self.observations)

    def counts(self):
        proved = self.proved()
        return proved.lost, proved.doubled, proved.wrong

    def execute(self, statement, **values):
        with self.town.parts.database.transaction() as session:
            session.execute(text(statement), values)


@pytest.fixture
def day(town, client):
    made = Day(town, client)
    # a test with a clock that runs ahead leaves messages that would seem to be of this day
    made.execute("DELETE FROM outbox WHERE created_at > now()")
    for person in (town.resident(), town.resident()):
        made.scan(person, "dining", made.window, "meal-redemption")
        made.scan(person, "dining", made.window, "meal-redemption")
        settled = made.scan(person, "medical", made.till, "settlement")
        made.scan(person, "medical", made.till, "settlement", settled.code)
    return made


def test_where_all_is_right_nothing_is_found(day):
    assert sorted({told.reason for told in day.observations.verdicts}) == ["ok", "replayed", "used"]
    proved = day.proved()
    assert proved.findings == []
    assert (proved.verdicts, proved.meals, proved.settled) == (8, 2, 2)


def changed(told, **what):
    return Verdict(
        **{
            name: what.get(name, getattr(told, name))
            for name in ("scanner", "scan", "purpose", "accepted", "reason", "firsts", "code", "subject")
        }
    )


def test_a_verdict_that_was_told_and_is_not_kept_is_lost(day):
    day.observations.note_verdict(changed(day.observations.verdicts[0], scan=uuid.uuid4()))
    assert day.counts() == (1, 0, 0)


def test_a_verdict_that_is_kept_otherwise_is_wrong(day):
    day.observations.verdicts[0] = changed(day.observations.verdicts[0], accepted=False, reason="expired")
    assert day.counts() == (0, 0, 1)


def test_what_a_client_saw_as_wrong_is_wrong(day):
    day.observations.note_fault("an answer made no sense")
    assert day.counts() == (0, 0, 1)


def test_a_scan_that_was_new_twice_is_doubled(day):
    day.observations.verdicts[0] = changed(day.observations.verdicts[0], firsts=2)
    assert day.counts() == (0, 1, 0)


def test_a_meal_that_was_told_twice_or_never_is_doubled(day):
    meal, tries = next(iter(day.observations.meals.items()))
    day.observations.meals[meal] = [one for one in tries if not one.accepted]
    assert day.counts() == (0, 1, 0)
    day.observations.meals[meal] = [one for one in tries if one.accepted] * 2
    assert day.counts() == (0, 1, 0)


def test_a_code_that_was_accepted_twice_is_doubled(day):
    again = next(told for told in day.observations.verdicts if told.subject and told.accepted)
    day.observations.note_verdict(again)
    assert day.counts() == (0, 1, 0)


def test_a_second_acceptance_in_the_database_is_doubled(day):
    day.execute(
        """CREATE TEMPORARY TABLE copied ON COMMIT DROP AS SELECT * FROM scans
           WHERE scanner_id = :scanner AND accepted LIMIT 1;
           UPDATE copied SET id = :id, scan_id = :id;
           INSERT INTO scans SELECT * FROM copied""".replace(":id", f"'{uuid.uuid4()}'").replace(
            ":scanner", f"'{day.window.id}'"
        )
    )
    assert day.proved().doubled == 2, "the same code, and the same meal"


def test_a_use_of_which_no_scan_is_kept_is_lost(day):
    day.execute(
        "INSERT INTO uses VALUES (:subject, 0, :scanner, 'settlement', now(), now())",
        subject=uuid.uuid4().bytes,
        scanner=day.till.id,
    )
    assert day.counts() == (1, 0, 0)


def test_a_venue_that_was_promised_is_lost_and_one_that_was_not_is_not(day):
    day.observations.note_venue("无此场所", str(uuid.uuid4()))
    day.observations.note_venue("从未答复", None)
    assert day.counts() == (1, 0, 0)


def test_a_message_that_lies_there_still_or_was_given_up_is_lost(day):
    columns = "INSERT INTO outbox (id, topic, payload, created_at, due_at, attempts, given_up_at) VALUES"
    lying, given_up = uuid.uuid4(), uuid.uuid4()
    day.execute(f"{columns} (:id, 'test', 'x', now(), now() + interval '1 day', 1, NULL)", id=lying)
    day.execute(f"{columns} (:id, 'test', NULL, now(), now(), 1, now())", id=given_up)
    try:
        assert day.proved().findings == ["messages that were not delivered: 2"]
        day.execute("UPDATE outbox SET created_at = :began WHERE topic = 'test'", began=day.observations.began - DAY)
        assert day.counts() == (0, 0, 0)
    finally:
        day.execute("DELETE FROM outbox WHERE topic = 'test'")


def test_where_something_was_not_done_at_all_that_is_said(day):
    assert day.observations.missing() == ["venue"]
    assert Observations(datetime.now(UTC)).missing() == ["accepted verdict", "meal", "settlement", "venue"]


class Broken(Actor):
    """A client that breaks down, each time otherwise."""

    def __init__(self, observations):
        super().__init__("broken", None, observations, 0.001)
        self.errors = [KeyError("x"), ZeroDivisionError("y")]

    def act(self):
        raise self.errors.pop(0)


def test_an_answer_that_makes_no_sense_is_told_of_and_a_client_that_breaks_down_is_too():
    made = Observations(datetime.now(UTC))
    with pytest.raises(ZeroDivisionError):
        Broken(made).run()
    assert made.wrong == [
        "broken: an answer is not as described (KeyError: 'x')",
        "broken: ended by an error of its own",
    ]


class Answering(Api):
    """Answers what it was given, in turn."""

    def __init__(self, *answers):
        super().__init__("http://127.0.0.1:1")
        self.answers = list(answers)

    def ask(self, method, path, **_):
        return self.answers.pop(0)


def answer(status, **data):
    return Answer(status, b"", data)


@pytest.mark.parametrize(
    ("answers", "good", "wrong"),
    [
        ([answer(200, code="c"), answer(200, reason="ok")], True, []),
        ([answer(200, code="c"), answer(200, reason="replayed")], False, ["probe: replayed where ok is right"]),
        ([answer(200, code="c"), answer(503)], False, []),
        ([answer(403, code="forbidden", detail="x")], False, ["probe: issue: 403 forbidden: x"]),
        ([answer(401)], None, []),
    ],
)
def test_a_probe_tells_wrong_from_away(answers, good, wrong):
    made = Observations(datetime.now(UTC))
    probe = Probe("http://127.0.0.1:1", made, Person("1", token="t"), Terminal(None, "gate-entry", token="t"))
    probe._api = Answering(*answers)
    assert probe._good() is good
    assert made.wrong == wrong


def test_a_sign_in_is_counted_as_an_answer_and_one_that_fails_for_long_is_wrong(monkeypatch):
    made = Observations(datetime.now(UTC))
    caller = Caller("http://127.0.0.1:1", made, 0.0)
    for wrong in (0, 1):
        assert caller._once("GET", "/codes", Person("13900000000"), None, None) is None
        assert [one.status for one in made.answers] == [0] * (wrong + 1)
        assert len(made.wrong) == wrong
        monkeypatch.setattr(callers, "SIGN_IN_SECONDS", -1.0)


KILLED, HELD = Window(FAULTS["postgres"], 100.0, 100.0, 120.0), Window(FAULTS["postgres-stopped"], 100.0, 108.0, 120.0)


def observations(*probes):
    made = Observations(datetime.now(UTC))
    for began, ended, good in probes:
        made.probes.append(ProbeResult(began, ended, good))
    return made


@pytest.mark.parametrize(
    ("window", "probes", "again"),
    [
        (KILLED, [(99, 99.5, False), (100, 101, True), (110, 111, True)], 0.0),
        (KILLED, [(99, 102, False), (102, 103, False), (103, 103.5, True), (119, 119.5, True)], 3.5),
        (KILLED, [(101, 102, True), (103, 104, False), (105, 106, True)], 6.0),
        (HELD, [(101, 107, False), (107, 107.5, True), (112, 112.5, True)], 0.0),
        (HELD, [(101, 107, False), (107, 109, False), (109, 109.5, True)], 1.5),
        (KILLED, [(101, 102, False), (121, 122, True)], None),
    ],
)
def test_the_time_to_good_answers_is_counted_from_the_undoing_to_the_first_after_the_last_bad_one(
    window, probes, again
):
    assert report.row_of(observations(*probes), window).again == again


def test_a_row_counts_what_was_answered_meanwhile_and_says_when_it_was_too_slow():
    made = observations((100, 101, True))
    made.answers = [
        AnswerTiming(90, 5, 200),
        AnswerTiming(99, 2, 503),
        AnswerTiming(101, 13, 200),
        AnswerTiming(102, 20, 0),
    ]
    row = report.row_of(made, KILLED)
    assert (row.refused, row.unanswered, row.slowest, row.good, row.probes) == (1, 1, 13, 1, 1)
    assert report.faults_of([row]) == ["kill -9: PostgreSQL's main process: an answer took 13.0 s"]
    late = report.row_of(observations((100, 101, False)), KILLED)
    assert len(report.faults_of([late])) == 1


def soak(*words):
    """What `make soak` runs, in a process of its own."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("QE_")}
    return subprocess.run(
        [sys.executable, "-m", "soak", *words], check=False, capture_output=True, text=True, cwd=REPOSITORY, env=env
    )


@pytest.mark.slow
def test_what_a_person_can_mend_is_one_line():
    done = soak("--fault", "nonsense")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "nonsense" in done.stderr


@pytest.mark.slow
def test_on_a_real_system_a_worker_and_a_backend_go_and_nothing_is_lost(tmp_path):
    names = ("web-worker", "postgres-backend")
    faults = [word for name in names for word in ("--fault", name)]
    words = ["--minutes", "0.5", "--rest", "1", "--home", str(tmp_path / "home"), *faults]
    done = soak(*words)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "lost 0, doubled 0, wrong 0" in done.stdout
    assert done.stdout.count("good answers again") == len(names)
