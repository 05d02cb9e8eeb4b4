"""Says what was measured: a table for people, a JSON file for programs."""

import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.alone import Verification
from bench.items import Items
from bench.load import CONNECTIONS
from bench.pages import Pages
from bench.rounds import Load
from bench.trips import Trips

LATEST = Path(__file__).parent / "results" / "latest.json"
TOKEN_GOAL, PICTURE_GOAL, MEMORY_GOAL = 0.6, 3.0, 150.0


@dataclass(frozen=True, slots=True)
class Results:
    """All that one run found. Pictures in milliseconds, memory in MiB (resident, proportional)."""

    floor: Load
    loads: list[Load]
    trips: dict[str, Trips]
    tokens: dict[str, Verification]
    picture: float
    memory: tuple[float, float]
    options: str
    load_average: tuple[float, float]
    quick: bool
    at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def goals(self) -> list[tuple[str, float, str, float, bool]]:
        """Return what was wanted: name, measured, `at least` or `at most`, the value, whether it is met."""
        rows = [(f"{one.name}: ratio to the floor", one.ratio, "at least", one.goal)
                 for one in self.loads if one.goal is not None]  # fmt: skip
        rows += [(f"token, {name}: ratio to bare ES256", figure.ratio, "at least", TOKEN_GOAL)
                  for name, figure in self.tokens.items()]  # fmt: skip
        rows += [("one PNG, ms", self.picture, "at most", PICTURE_GOAL),
                  ("memory of a worker, MiB", self.memory[0], "at most", MEMORY_GOAL)]  # fmt: skip
        return [
            (name, figure, how, value, figure >= value if how == "at least" else figure <= value)
            for name, figure, how, value in rows
        ]

    def document(self) -> dict[str, Any]:
        """Return everything as JSON data."""
        return {
            "at": self.at.isoformat(timespec="seconds"),
            "quick": self.quick,
            "machine": {"cpu": _cpu(), "cores": os.cpu_count(), "python": platform.python_version(),
                        "load_average": self.load_average},
            "server": self.options,
            "floor": _figures(self.floor),
            "loads": {one.name: _figures(one) | {"round_trips": asdict(self.trips[one.name])} for one in self.loads},
            "token": {name: asdict(verification) for name, verification in self.tokens.items()},
            "png_ms": self.picture,
            "memory_mib": {"resident": self.memory[0], "proportional": self.memory[1]},
            "wanted": _goals_document(self.goals()),
        }  # fmt: skip


def show(results: Results) -> None:
    """Print the tables."""
    console = Console() if sys.stdout.isatty() else Console(width=100)
    loads = [results.floor, *results.loads]
    for table in (_loads_table(loads, results.trips), _times_table(loads), _goals_table(results.goals())):
        console.print(table)
    console.print(
        f"Load average {results.load_average[0]:.1f} before and {results.load_average[1]:.1f} after (the run itself "
        "is part of the latter): a busy machine moves all figures, the ratios least.\n"
        "The floor: base45, CBOR and the ES256 check of a code in a bare Flask view, started with the same options. "
        "At half load each connection pauses at random between requests, so that about half of the full rate is asked.",
        highlight=False,
    )


def show_items(results: Items) -> None:
    """Print the tables of search, and write its JSON file beside the other."""
    console = Console() if sys.stdout.isatty() else Console(width=100)
    console.print(results.table())
    console.print(_goals_table(results.goals()))
    path = LATEST.with_name("items.json")
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(results.document(), ensure_ascii=False, indent=2) + "\n", "utf-8")
    console.print(f"written: {path}", highlight=False)


def show_pages(results: Pages) -> None:
    """Print the tables of pages, and write their JSON file beside the others."""
    console = Console() if sys.stdout.isatty() else Console(width=100)
    for table in (
        _loads_table(results.loads(), results.trips),
        _times_table(results.loads()),
        _goals_table(results.goals()),
    ):
        console.print(table)
    sizes = ", ".join(
        f"{page.name} {page.plain_bytes / 1024:.1f} KiB, gzipped {page.gzip_bytes / 1024:.1f}" for page in results.pages
    )
    console.print(
        f"Sizes: {sizes}. Memory of the worker: {results.memory[0]:.0f} MiB resident. Load average "
        f"{results.load_average[0]:.1f} before and {results.load_average[1]:.1f} after.\n"
        f"All pages in turns at half load, {results.quiet.rate:.0f} a second: p50 {results.quiet.p50:.1f} ms, p99 "
        f"{results.quiet.p99:.1f}; with a change every two seconds {results.with_edits.rate:.0f} a second, p50 "
        f"{results.with_edits.p50:.1f}, p99 {results.with_edits.p99:.1f}.\nThe floor of each page: a bare "
        "Flask view that gives the same gzipped bytes, started with the same options.",
        highlight=False,
    )
    document = {
        "quick": results.quick,
        "pages": {page.name: {"plain": page.plain_bytes, "gzipped": page.gzip_bytes} for page in results.pages},
        "loads": {one.name: _figures(one) for one in results.loads()},
        "all_pages": {"quiet": asdict(results.quiet), "edited": asdict(results.with_edits)},
        "memory_mib": {"resident": results.memory[0], "proportional": results.memory[1]},
        "load_average": results.load_average,
        "wanted": _goals_document(results.goals()),
    }
    path = LATEST.with_name("pages.json")
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(document, ensure_ascii=False, indent=2) + "\n", "utf-8")
    console.print(f"written: {path}", highlight=False)


def write(results: Results) -> Path:
    """Write the JSON file; return its path."""
    LATEST.parent.mkdir(exist_ok=True)
    LATEST.write_text(json.dumps(results.document(), ensure_ascii=False, indent=2) + "\n", "utf-8")
    return LATEST


def _loads_table(loads: Sequence[Load], trips_of: Mapping[str, Trips]) -> Table:
    table = Table(title="One worker on one core; the client, PostgreSQL (fsync on) and Valkey on the other")
    for name in ("request", "a second", "of the floor", "spread", "CPU, µs", "trips to PostgreSQL", "to Valkey"):
        table.add_column(name, justify="left" if name == "request" else "right")
    for one in loads:
        trips = trips_of.get(one.name)
        table.add_row(
            one.name, f"{one.rate:.0f}", f"{one.ratio:.3f}" if one.ratios else "1",
            f"{one.spread[0]:.2f} to {one.spread[1]:.2f}" if one.ratios else "", f"{one.cpu_micros:.0f}",
            f"{trips.postgresql}" if trips else "0", f"{trips.valkey}" if trips else "0",
        )  # fmt: skip
    return table


def _times_table(loads: Sequence[Load]) -> Table:
    table = Table(title=f"Time of an answer, ms, seen by {CONNECTIONS} connections")
    for name in ("request", "full load: p50", "p99", "half load: p50", "p99", "at so many a second"):
        table.add_column(name, justify="left" if name == "request" else "right")
    for one in loads:
        half = [f"{one.half.p50:.1f}", f"{one.half.p99:.1f}", f"{one.half.rate:.0f}"] if one.half else []
        table.add_row(one.name, *(f"{time:.1f}" for time in one.latency()), *half)
    return table


def _goals_table(goals: Sequence[tuple[str, float, str, float, bool]]) -> Table:
    table = Table(title="Wanted")
    for name in ("what", "measured", "wanted", ""):
        table.add_column(name, justify="left" if name == "what" else "right")
    for name, figure, how, value, is_met in goals:
        text = f"{figure:.3f}" if value < 1 else f"{figure:.1f}"
        table.add_row(name, text, f"{how} {value:g}", "[green]met[/]" if is_met else "[red]not met[/]")
    return table


def _goals_document(goals: Sequence[tuple[str, float, str, float, bool]]) -> list[dict[str, Any]]:
    return [
        {"what": name, "measured": figure, how.replace(" ", "_"): value, "met": is_met}
        for name, figure, how, value, is_met in goals
    ]


def _figures(one: Load) -> dict[str, Any]:
    p50, p99 = one.latency()
    figures: dict[str, Any] = {
        "per_second": one.rate,
        "per_second_of_each": [part.rate for part in one.slices],
        "p50_ms": p50,
        "p99_ms": p99,
        "cpu_us": one.cpu_micros,
        "half_load": asdict(one.half) if one.half else None,
    }
    if one.ratios:
        figures |= {"ratio": one.ratio, "ratio_of_each": one.ratios, "wanted": one.goal}
    return figures


def _cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
