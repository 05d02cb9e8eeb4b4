"""The whole attack, as `make attack` runs it: cities of full size, and every way that comes below p = 0.01.

`python -m tests.privacy.attack [--residents 300] [--cities 3]` prints what succeeds, by itself or below p = 0.01 in
every city; it ends with 1 where something succeeds that is not known.
"""

import argparse
import sys
import time

from tests.privacy.attack import known
from tests.privacy.attack.thieves import Attempt
from tests.privacy.attack.trial import Trial, held

VISITS = (6, 14)
REPEATED = 3


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.privacy.attack", description="attacks cities with ground truth"
    )
    parser.add_argument("--residents", type=int, default=300)
    parser.add_argument("--cities", type=int, default=3)
    given = parser.parse_args()
    open_ways: set[str] = set()
    below: list[set[str]] = []
    for number in range(given.cities):
        began = time.monotonic()
        with held(given.residents, VISITS) as trial:
            tried = trial.attempts()
            scans, disputes, took = len(trial.day.truth), len(trial.day.disputes), time.monotonic() - began
            print(f"City {number + 1}: {given.residents} residents, {scans} scans, {disputes} disputes,", end=" ")
            print(f"{len(tried)} ways, {took:.0f} s")
            open_ways |= _ways(tried) | _rest(trial)
        below.append({one.way for one in tried if one.finding.is_better_alone()})
    for row in (*known.WAYS, *known.HASHES, *known.WORDS):
        print(f"  known: {row.ways}: {row.why}")
    # of fewer cities, some way is below p = 0.01 in all of them by chance
    always = set.intersection(*below) if given.cities >= REPEATED else set()
    open_ways |= known.unexplained(known.WAYS, always)
    for way in sorted(open_ways):
        print(f"  SUCCEEDS: {way}")
    print("Something succeeds that is not known." if open_ways else "Nothing succeeds but what is known.")
    return 1 if open_ways else 0


def _ways(tried: list[Attempt]) -> set[str]:
    """Print the ways that succeeded, best first; return those that are not known."""
    found = {one.way for one in tried if one.finding.succeeds(len(tried))}
    new = known.unexplained(known.WAYS, found)
    for one in sorted(tried, key=lambda one: one.finding.chance):
        if one.finding.is_better_alone():
            word = "NEW" if one.way in new else "known" if one.way in found else "alone"
            finding = one.finding
            print(f"  {word:5} {one.way}: {finding.hits} of {finding.trails} people, mean rank {finding.rank:.3f},"
                  f" p = {finding.chance:.2g}")  # fmt: skip
    return new


def _rest(trial: Trial) -> set[str]:
    """Print what stands in clear or as a plain hash; return what is not known."""
    hashes = trial.exposed()
    words = {f"{hit.what} in {hit.place} ({hit.spelling})" for hit in trial.hits}
    for table, people in sorted(hashes.items()):
        print(f"  plain hashes of {people} people in {table}")
    for word in sorted(words):
        print(f"  in clear: {word}")
    return known.unexplained(known.HASHES, set(hashes)) | known.unexplained(known.WORDS, words)


if __name__ == "__main__":
    sys.exit(main())
