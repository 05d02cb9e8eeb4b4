"""Judges guesses: is what a way names any better than naming people by lot?

A way gives each trail a score for each person. A trail is the scans of one holder's hash, or one scan where nothing
joins scans. It is judged on one trail for each person, the longest, by two figures. Nothing about anybody was fixed but
by lot. So while residents' rows and scans share nothing, each assignment of people to trails is as likely as any other:

* hits: how many trails have their highest score for the right person. Guesses are fixed beforehand, so each set of r
  right ones out of n has a chance of at most (n - r)!/n!, and there are n!/(r! (n - r)!) such sets: r or more hits have
  a chance of at most 1/r!, whatever the guesses are. Where what is open by design cuts people into c kinds (wards, for
  whom guardians act, and others), of at most c^r/r!;
* ranks: the place of the right person among all, from 0 to 1, equal scores in the middle: on average 0.5. The sum of n
  such places is all but normal, with tails lighter than the normal law's, and its variance is at most n/12.

The smaller of the two chances, doubled, is the chance p of the way. There are two verdicts:

* `make test` has one city, and a way succeeds where p times the number of ways is less than 1/1000. Of any number of
  ways that tell nothing, one succeeds in less than one run of 1,000 (Bonferroni). With 500 ways that is p < 2e-6: 13
  hits, or of 60 people a mean rank of 0.33.
* `make attack` has three cities, and a way also succeeds where p < 0.01 in each of them: of at most 2,000 ways that
  tell nothing, that happens to one in less than 2000 * 0.01^3, two runs of 1,000. So smaller leaks are found too.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

OPEN_KINDS = 2
ALONE = 0.01
FAMILY = 0.001

Scores = Mapping[str, Mapping[str, float]]
"""For each trail a score for each person; who is not named has 0."""


@dataclass(frozen=True)
class Finding:
    """What a way reached: `hits` trails of `trails` were given to the right person, whose mean rank was `rank`."""

    trails: int
    hits: int
    rank: float
    chance: float

    def is_better_alone(self) -> bool:
        return self.chance < ALONE

    def succeeds(self, ways: int) -> bool:
        """Tell whether it is better than chance, among so many ways that were tried."""
        return self.chance * ways < FAMILY


def judge(scores: Scores, truth: Mapping[str, str], population: list[str]) -> Finding:
    """Judge scores by the person whose each trail is: one trail for each person."""
    hits, ranks = 0, []
    for trail, person in truth.items():
        of_trail = scores.get(trail, {})
        own = of_trail.get(person, 0.0)
        best = max(of_trail.values(), default=0.0)
        # several best: the guess is one of them, the same each time, and independent of who is right
        hits += bool(of_trail) and own == best and person == min(p for p, score in of_trail.items() if score == best)
        others = [score for p, score in of_trail.items() if p != person]
        unnamed = len(population) - 1 - len(others)
        higher = sum(score > own for score in others) + (unnamed if own < 0 else 0)
        equal = sum(score == own for score in others) + (unnamed if own == 0 else 0)
        ranks.append((higher + equal / 2) / max(1, len(population) - 1))
    mean = sum(ranks) / len(ranks) if ranks else 0.5
    return Finding(len(truth), hits, mean, min(1.0, 2 * min(chance_of_hits(hits), chance_of_rank(mean, len(ranks)))))


def chance_of_hits(hits: int) -> float:
    """Return an upper bound of the chance of so many hits, or more."""
    return min(1.0, math.exp(hits * math.log(OPEN_KINDS) - math.lgamma(hits + 1)))


def chance_of_rank(mean: float, trails: int) -> float:
    """Return the chance of such a mean rank, or a smaller one."""
    if trails == 0:
        return 1.0
    return 0.5 * math.erfc((0.5 - mean) * math.sqrt(12 * trails) / math.sqrt(2))
