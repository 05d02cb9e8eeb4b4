"""`python -m bench.beside OTHER [--load verify|wallet] [--turns 40]`: this checkout beside another one.

For a machine that others use, too: both serve in turns of 150 requests, seconds apart, and only processor time counts,
of the process that serves and of its PostgreSQL. Both run with this environment's packages.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from bench.turns import LOADS

HERE = Path(__file__).parents[1]
COUNT = 150


def main() -> int:
    """Print medians and quartiles, of each and of the ratios of neighbouring turns.

    Gives 1 where one of the two did not start or an answer was wrong.
    """
    parser = argparse.ArgumentParser(prog="python -m bench.beside", description=__doc__)
    parser.add_argument("other", type=Path, help="another checkout, such as a git worktree of the previous release")
    parser.add_argument("--load", choices=LOADS, default="verify")
    parser.add_argument("--turns", type=int, default=40)
    arguments = parser.parse_args()
    trees = {"this": HERE, "other": arguments.other.resolve()}
    with ExitStack() as stack:
        servers = {name: stack.enter_context(_start(tree)) for name, tree in trees.items()}
        try:
            figures = _measure(servers, arguments.load, max(2, arguments.turns))
        except (BrokenPipeError, json.JSONDecodeError):
            sys.stderr.write("bench: one of the two did not serve\n")
            return 1
    for number, whose in enumerate(("the server's", "PostgreSQL's")):
        this, other = ([turn[number] for turn in figures[name]] for name in trees)
        # of neighbours in time: what else the machine does moves both alike
        ratios = [one / two for one, two in zip(this, other, strict=True)]
        summary = f"this {_summary(this, 0)}, other {_summary(other, 0)}, ratio {_summary(ratios, 3)}"
        sys.stdout.write(f"{arguments.load}, {whose} share, µs: {summary}\n")
    return 0


def _start(tree: Path) -> "subprocess.Popen[str]":
    words = [sys.executable, str(HERE / "bench" / "turns.py")]
    env = {name: value for name, value in os.environ.items() if not name.startswith("QE_")} | {"PYTHONPATH": str(tree)}
    return subprocess.Popen(words, cwd=tree, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _measure(
    servers: dict[str, "subprocess.Popen[str]"], load: str, turns: int
) -> dict[str, list[tuple[float, float]]]:
    for server in servers.values():
        if _read_line(server) != "ready":
            raise BrokenPipeError
    figures: dict[str, list[tuple[float, float]]] = {name: [] for name in servers}
    for turn in range(turns + 1):
        for name in sorted(servers, reverse=turn % 2 == 1):
            stdin = servers[name].stdin
            if stdin is None:
                raise BrokenPipeError
            stdin.write(f"{load} {COUNT}\n")
            stdin.flush()
            ours, engine = json.loads(_read_line(servers[name]))
            # the first turn warms up
            if turn:
                figures[name].append((ours, engine))
    return figures


def _read_line(server: "subprocess.Popen[str]") -> str:
    return server.stdout.readline().strip() if server.stdout is not None else ""


def _summary(figures: Sequence[float], digits: int) -> str:
    low, median, high = statistics.quantiles(figures, n=4)
    return f"{median:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


if __name__ == "__main__":
    sys.exit(main())
