"""The whole attack, as `make attack` runs it: cities of full size, and every way that comes below p = 0.01.

`python -m tests.privacy.attack [--residents 300] [--cities 3]` prints what succeeds, by itself or below p = 0.01 in
every city; it ends with 1 where something succeeds that is not known.
"""

import argparse
import sys
import time

from tests.privacy.attack import known
from tests.privacy.attack.thieves import Attempt
from tests.privacy.attack.trial import Trial, run_trial

VISITS = (6, 14)
REPEATED = 3


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.privacy.attack", description="attacks cities with ground truth"
    )
    parser.add_argument("--residents", type=int, default=300)
    parser.add_argument("--cities", type=int, default=3)
    options = parser.parse_args()
    open_ways: set[str] = set()
    below: list[set[str]] = []
    for number in range(options.cities):
        began = time.monotonic()
        with run_trial(options.residents, VISITS) as trial:
            results = trial.attempts()
            scans, disputes, took = len(trial.day.truth), len(trial.day.disputes), time.monotonic() - began
            print(f"City {number + 1}: {options.residents} residents, {scans} scans, {disputes} disputes,", end=" ")
            print(f"{len(results)} ways, {took:.0f} s")
            open_ways |= _ways(results) | _rest(trial)
        below.append({one.way for one in results if one.finding.is_better_alone()})
    for row in (*known.WAYS, *known.HASHES, *known.WORDS):
        print(f"  known: {row.ways}: {row.why}")
    # of fewer cities, some way is below p = 0.01 in all of them by chance
    always = set.intersection(*below) if options.cities >= REPEATED else set()
    open_ways |= known.unexplained(known.WAYS, always)
    for way in sorted(open_ways):
        print(f"  SUCCEEDS: {way}")
    print("Something succeeds that is not known." if open_ways else "Nothing succeeds but what is known.")
    return 1 if open_ways else 0


def _ways(results: list[Attempt]) -> set[str]:
    """Print the ways that succeeded, best first; return those that are not known."""
    successes = {one.way for one in results if one.finding.succeeds(len(results))}
    unknown = known.unexplained(known.WAYS, successes)
    for one in sorted(results, key=lambda one: one.finding.chance):
        if one.finding.is_better_alone():
            word = "NEW" if one.way in unknown else "known" if one.way in successes else "alone"
            finding = one.finding
            print(f"  {word:5} {one.way}: {finding.hits} of {finding.trails} people, mean rank {finding.rank:.3f},"
                  f" p = {finding.chance:.2g}")  # fmt: skip
    return unknown


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
