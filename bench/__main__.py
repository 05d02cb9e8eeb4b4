"""`python -m bench [--quick] [--check] [--only codes|items|pages]`: measure, print, write bench/results/."""

import argparse
import gc
import os
import sys
from dataclasses import dataclass

from rich.console import Console

from bench import alone, items, load, pages, report
from bench.load import BenchFailed
from bench.people import People
from bench.rounds import Load, Rounds
from bench.stand import Stand
from bench.trips import SAMPLES, WARM_UP, Counter, Trips
from qe_ban.cli.refusals import Refused
from qe_ban.embedded.errors import EngineError

ACCEPTED, ALL_ISSUED, ONE_ISSUED, PICTURE = '"accepted":true', '"refused":[]', '"code":"QE1:', "IHDR"
FLOOR_CODES = 2000


@dataclass(frozen=True, slots=True)
class Extent:
    """How long a run takes; seconds of each stretch."""

    residents: int
    rounds: int
    seconds: float
    half_seconds: float
    alone_rounds: int


FULL = Extent(residents=4000, rounds=5, seconds=2, half_seconds=4, alone_rounds=100)
QUICK = Extent(residents=1000, rounds=1, seconds=1, half_seconds=1, alone_rounds=40)


def main() -> int:
    """Return 0, 1 when an answer was wrong or, with --check, when what is wanted was not met."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="at most 40 seconds, less sure of its figures")
    parser.add_argument("--check", action="store_true", help="exit 1 when a wanted value is not met")
    parser.add_argument(
        "--only", choices=("codes", "items", "pages"), help="the code wallet, search, or halls; else all"
    )
    arguments = parser.parse_args()
    goals = []
    try:
        if arguments.only in (None, "items"):
            item_results = items.measure(items.FEW_ITEMS if arguments.quick else items.ITEMS)
            report.show_items(item_results)
            goals += item_results.goals()
        if arguments.only in (None, "pages"):
            page_results = _pages(QUICK if arguments.quick else FULL, quick=arguments.quick)
            report.show_pages(page_results)
            goals += page_results.goals()
        if arguments.only in (None, "codes"):
            results = measure(QUICK if arguments.quick else FULL, quick=arguments.quick)
            report.show(results)
            sys.stdout.write(f"written: {report.write(results)}\n")
            goals += results.goals()
    except (BenchFailed, EngineError, Refused) as error:
        sys.stderr.write(f"bench: {error}\n")
        return 1
    return 1 if arguments.check and not all(is_met for *_, is_met in goals) else 0


def measure(extent: Extent, *, quick: bool) -> report.Results:
    """Run everything once. Raises BenchFailed, EngineError, Refused."""
    wrk, busy = load.find_wrk(), os.getloadavg()[0]
    with Console(stderr=True).status("starting ...") as status, Stand() as stand:
        status.update("making residents, wallets and scanners ...")
        people = People(stand.parts, residents=extent.residents)
        floor, loads = _loads(stand, people)
        rounds = Rounds(wrk, floor, loads, stand.check)
        status.update("warming up ...")
        verify, wallet, one, picture = loads
        # the wallets of all residents: from then on their tokens are known, as those of people who are using the app
        rounds.warm_up(wallet, extent.residents, 30)
        for first, count in ((floor, FLOOR_CODES), (verify, 2000), (one, 2000), (picture, 1000)):
            rounds.warm_up(first, count, 1)
        for number in rounds.run(extent.rounds, extent.seconds):
            status.update(f"round {number} of {extent.rounds} is over ...")
        status.update("once more at half the load ...")
        rounds.run_at_half(extent.half_seconds)
        memory = stand.memory()
        status.update("counting round trips ...")
        trips, options, codes = _trips(stand, loads), stand.options(), people.codes(300)
        status.update("stopping, then measuring without HTTP ...")
    # as a worker does once it has started
    gc.collect()
    gc.freeze()
    tokens = {profile: alone.verification(profile, extent.alone_rounds) for profile in alone.CODES}
    png = alone.picture(codes)
    return report.Results(floor, loads, trips, tokens, png, memory, options, (busy, os.getloadavg()[0]), quick)


def _pages(extent: Extent, *, quick: bool) -> pages.Pages:
    with Console(stderr=True).status("") as status:
        return pages.measure(extent.rounds, extent.seconds, extent.half_seconds, quick=quick, say=status.update)


def _loads(stand: Stand, people: People) -> tuple[Load, list[Load]]:
    checks = [load.raw_request("POST", "/", body=code.encode(), content_type="text/plain")
              for code in people.codes(FLOOR_CODES)]  # fmt: skip
    floor = Load("floor", stand.floor, lambda _: checks, "verified", again=True)
    return floor, [
        Load("verify", stand.product, people.verify, ACCEPTED, goal=0.2),
        Load("wallet of five", stand.product, people.wallet, ALL_ISSUED, goal=0.15),
        Load("one code", stand.product, people.one, ONE_ISSUED),
        Load("one code as PNG", stand.product, people.pictures, PICTURE),
    ]


def _trips(stand: Stand, loads: list[Load]) -> dict[str, Trips]:
    with Counter(stand.settings) as counter:
        return {one.name: counter.count(one.make(WARM_UP + SAMPLES), one.right.encode()) for one in loads}


if __name__ == "__main__":
    sys.exit(main())
