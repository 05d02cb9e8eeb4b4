"""Nobody who steals or pries puts scans to people better than by lot, but in the ways that `known` names."""

import re
from pathlib import Path

import pytest

from tests.privacy.attack import insiders, known, plants
from tests.privacy.attack.thieves import Attempt, attempts, exposed
from tests.privacy.attack.trial import held
from tests.privacy.attack.words import Said, search, spellings

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("privacy"), pytest.mark.timeout(600)]
DOCUMENT = Path(__file__).parents[3] / "docs" / "privacy.md"
OPEN = re.compile(r"^\| (`[a-z -]+`) \|", re.MULTILINE)
RESIDENTS, VISITS = 60, (3, 8)


@pytest.fixture(scope="module")
def trial():
    with held(RESIDENTS, VISITS) as trial:
        yield trial


@pytest.fixture(scope="module")
def tried(trial):
    return trial.attempts()


def successes(tried: list[Attempt], ways: int | None = None) -> set[str]:
    return {one.way for one in tried if one.finding.succeeds(ways or len(tried))}


def test_the_ways_that_succeed_are_those_that_are_known(tried):
    found = successes(tried)
    assert not known.unexplained(known.WAYS, found), "\n".join(
        f"{one.way}: {one.finding}" for one in tried if one.way in known.unexplained(known.WAYS, found)
    )
    assert not known.superfluous(known.WAYS, found)


def test_no_number_stands_anywhere_as_a_plain_hash_but_where_it_is_known(trial):
    found = set(trial.exposed())
    assert not known.unexplained(known.HASHES, found)
    assert not known.superfluous(known.HASHES, found)


def test_no_word_stands_anywhere_in_clear_but_where_it_is_known(trial):
    found = {f"{hit.what} in {hit.place} ({hit.spelling})" for hit in trial.hits}
    assert len(trial.said.words) > 14
    assert not known.unexplained(known.WORDS, found)
    assert not known.superfluous(known.WORDS, found)


def test_what_is_known_stands_in_the_document():
    names = {f"`{row.name}`" for row in (*known.WAYS, *known.HASHES, *known.WORDS)}
    assert names == set(OPEN.findall(DOCUMENT.read_text("utf-8")))


def test_every_thief_tried_many_ways(tried):
    """A way that finds no table any more, because something was renamed, would succeed never."""
    kinds = {(one.way.partition(":")[0], one.way.partition(": ")[2].split(" ")[0]) for one in tried}
    assert kinds >= {
        ("dump", "time"), ("dump", "order"), ("dump", "number"), ("dump", "length"),
        ("live SQL", "neighbouring"), ("disk", "neighbouring"), ("disk", "order"), ("disk", "number"),
        ("scanner with auditor", "subject"), ("scanner with district", "id"), ("scanner with district", "moment"),
    }  # fmt: skip
    assert len(tried) < 1000


@pytest.mark.parametrize(("plant", "way"), plants.IN_ROWS.items(), ids=lambda value: getattr(value, "__name__", ""))
def test_a_leak_that_is_slipped_in_is_found(trial, tried, plant, way):
    planted = plant(plants.alone(trial.booty.without_plants()))
    found = successes(attempts(planted, {way.partition(":")[0]}), len(tried))
    assert any(one.startswith(way) for one in found), found


@pytest.fixture(scope="module")
def tried_with_plants(trial):
    return attempts(plants.alone(trial.booty), {"live SQL", "disk"})


@pytest.mark.parametrize("way", plants.IN_DATABASE)
def test_a_leak_in_the_database_s_files_is_found(tried, tried_with_plants, way):
    assert way in successes(tried_with_plants, len(tried))


def test_a_plain_hash_that_is_slipped_in_is_found(trial):
    planted = plants.a_phone_as_a_plain_hash(trial.booty)
    assert exposed(planted.live, planted.hashes)["planted"] == RESIDENTS


def test_insiders_find_what_is_slipped_in(trial, tried):
    day, ways = trial.day, len(tried)
    _, finding = insiders.scanner_with_auditor(day, plants.of_one_subject(day, trial.disclosures))
    assert finding.succeeds(ways)
    by_id, _ = insiders.scanner_with_district(day, plants.with_the_scan(day, trial.disputes))
    _, by_moment = insiders.scanner_with_district(day, plants.with_the_moment(day, trial.disputes))
    assert by_id[1].succeeds(ways)
    assert by_moment[1].succeeds(ways)
    log = plants.lines_of_the_looked_up(day, trial.looked_up, trial.booty.log)
    found = {way for way, finding in insiders.clerk_with_log(day, log, trial.looked_up) if finding.succeeds(ways)}
    assert any("time of log planted" in way for way in found)


@pytest.mark.parametrize("spelling", spellings("欧阳菁菁"))
def test_a_word_is_found_in_every_spelling(spelling):
    said = Said({"name": "欧阳菁菁"})
    content = b"\x01\x02" + spellings("欧阳菁菁")[spelling] + b"\xff" * 9
    (hit,) = search(said, iter([("planted", content)]))
    assert (hit.what, hit.place) == ("name", "planted")
