"""What counts as better than chance."""

import random

import pytest

from tests.privacy.attack.statistic import chance_of_hits, chance_of_rank, judge

PEOPLE = [f"person {n}" for n in range(100)]
TRUTH = {f"trail {n}": person for n, person in enumerate(PEOPLE)}


def by_lot(rng):
    return {trail: {person: rng.random() for person in rng.sample(PEOPLE, 12)} for trail in TRUTH}


def test_guesses_by_lot_are_below_one_in_a_hundred_about_once_in_a_hundred_times():
    rng = random.Random(20260101)
    findings = [judge(by_lot(rng), TRUTH, PEOPLE) for _ in range(1000)]
    assert sum(finding.is_better_alone() for finding in findings) <= 20
    assert not [finding for finding in findings if finding.succeeds(1000)]


def test_one_guess_for_all_hits_once():
    finding = judge({trail: {"person 3": 1.0} for trail in TRUTH}, TRUTH, PEOPLE)
    assert finding.hits == 1
    assert finding.rank == pytest.approx(0.5)
    assert not finding.is_better_alone()


def test_right_guesses_of_few_trails_succeed_where_others_are_not_guessed():
    assert judge({f"trail {n}": {f"person {n}": 1.0} for n in range(15)}, TRUTH, PEOPLE).succeeds(1000)
    assert not judge({f"trail {n}": {f"person {n}": 1.0} for n in range(5)}, TRUTH, PEOPLE).succeeds(1000)


def test_a_leak_that_never_names_the_right_one_first_succeeds_by_its_ranks():
    scores = {trail: dict.fromkeys(PEOPLE[n - 20 : n + 20], 1.0) for n, trail in enumerate(TRUTH)}
    finding = judge(scores, TRUTH, PEOPLE)
    assert finding.hits < 15
    assert finding.succeeds(1000)


def test_bounds_are_what_the_arithmetic_says():
    assert chance_of_hits(0) == 1.0
    assert chance_of_hits(13) == pytest.approx(2**13 / 6227020800)
    assert chance_of_rank(0.5, 100) == pytest.approx(0.5)
    assert chance_of_rank(0.5 - 3 / 1200**0.5, 100) == pytest.approx(0.00135, rel=0.01)
