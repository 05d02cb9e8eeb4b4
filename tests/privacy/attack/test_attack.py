"""Nobody who steals or pries puts scans to people better than by lot, but in the ways that `known` names."""

import re
from pathlib import Path

import pytest

from tests.privacy.attack import insiders, known, leaks
from tests.privacy.attack.thieves import Attempt, attempts, exposed
from tests.privacy.attack.trial import run_trial
from tests.privacy.attack.words import Phrases, search, spellings

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("privacy"), pytest.mark.timeout(1800)]
DOCUMENT = Path(__file__).parents[3] / "docs" / "privacy.md"
OPEN = re.compile(r"^\| (`[a-z -]+`) \|", re.MULTILINE)
RESIDENTS, VISITS = 60, (3, 8)


@pytest.fixture(scope="module")
def trial():
    with run_trial(RESIDENTS, VISITS) as trial:
        yield trial


@pytest.fixture(scope="module")
def results(trial):
    return trial.attempts()


def successes(results: list[Attempt], ways: int | None = None) -> set[str]:
    return {one.way for one in results if one.finding.succeeds(ways or len(results))}


def test_the_ways_that_succeed_are_those_that_are_known(results):
    ways = successes(results)
    assert not known.unexplained(known.WAYS, ways), "\n".join(
        f"{one.way}: {one.finding}" for one in results if one.way in known.unexplained(known.WAYS, ways)
    )
    assert not known.superfluous(known.WAYS, ways)


def test_no_number_stands_anywhere_as_a_plain_hash_but_where_it_is_known(trial):
    tables = set(trial.exposed())
    assert not known.unexplained(known.HASHES, tables)
    assert not known.superfluous(known.HASHES, tables)


def test_no_word_stands_anywhere_in_clear_but_where_it_is_known(trial):
    hits = {f"{hit.what} in {hit.place} ({hit.spelling})" for hit in trial.hits}
    assert len(trial.phrases.words) > 14
    assert not known.unexplained(known.WORDS, hits)
    assert not known.superfluous(known.WORDS, hits)


def test_what_is_known_stands_in_the_document():
    names = {f"`{row.name}`" for row in (*known.WAYS, *known.HASHES, *known.WORDS)}
    assert names == set(OPEN.findall(DOCUMENT.read_text("utf-8")))


def test_every_thief_tried_many_ways(results):
    """A way that finds no table any more, because something was renamed, would succeed never."""
    kinds = {(one.way.partition(":")[0], one.way.partition(": ")[2].split(" ")[0]) for one in results}
    assert kinds >= {
        ("dump", "time"), ("dump", "order"), ("dump", "number"), ("dump", "length"),
        ("live SQL", "neighbouring"), ("disk", "neighbouring"), ("disk", "order"), ("disk", "number"),
        ("sign-ins in a dump", "order"), ("refresh tokens in a dump", "order"),
        ("guardians' disputes in a dump", "order"), ("guardians' disputes by their data keys", "order"),
        ("scanner with auditor", "subject"), ("scanner with district", "id"), ("scanner with district", "moment"),
    }  # fmt: skip
    # with so many the arithmetic of `statistic` reckons; how many there are depends on what lengths differ by chance
    assert len(results) < 2000


@pytest.mark.parametrize(("leak", "way"), leaks.IN_ROWS.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_a_leak_that_is_slipped_in_is_found(trial, results, leak, way):
    data = leak(leaks.only_planted(trial.data.without_planted()))
    ways = successes(attempts(data, {way.partition(":")[0]}), len(results))
    assert any(one.startswith(way) for one in ways), ways


@pytest.fixture(scope="module")
def results_with_planted(trial):
    return attempts(leaks.only_planted(trial.data), {"live SQL", "disk"})


@pytest.mark.parametrize("way", leaks.IN_DATABASE)
def test_a_leak_in_the_database_s_files_is_found(results, results_with_planted, way):
    assert way in successes(results_with_planted, len(results))


def test_a_plain_hash_that_is_slipped_in_is_found(trial):
    data = leaks.a_phone_as_a_plain_hash(trial.data)
    assert exposed(data.live, data.hashes)["planted"] == RESIDENTS


def test_insiders_find_what_is_slipped_in(trial, results):
    day, ways = trial.day, len(results)
    _, finding = insiders.scanner_with_auditor(day, leaks.of_one_subject(day, trial.disclosures))
    assert finding.succeeds(ways)
    by_id, _ = insiders.scanner_with_district(day, leaks.with_the_scan(day, trial.disputes))
    _, by_moment = insiders.scanner_with_district(day, leaks.with_the_moment(day, trial.disputes))
    assert by_id[1].succeeds(ways)
    assert by_moment[1].succeeds(ways)
    log = leaks.lines_with_looked_up_ids(day, trial.look_ups, trial.data.log)
    timed = {way for way, finding in insiders.clerk_with_log(day, log, trial.look_ups) if finding.succeeds(ways)}
    assert any("time of log planted" in way for way in timed)


@pytest.mark.parametrize("spelling", spellings("欧阳菁菁"))
def test_a_word_is_found_in_every_spelling(spelling):
    phrases = Phrases({"name": "欧阳菁菁"})
    content = b"\x01\x02" + spellings("欧阳菁菁")[spelling] + b"\xff" * 9
    (hit,) = search(phrases, iter([("planted", content)]))
    assert (hit.what, hit.place) == ("name", "planted")
