"""The command line of the soak: `python -m soak --help`."""

import math
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path
from typing import NoReturn

import click
from rich.console import Console

from qe_ban.cli import installation
from qe_ban.cli.refusals import Refused
from qe_ban.embedded.errors import EngineError
from soak import proof, report, running
from soak.faults import FAULTS
from soak.system import System

CALM = 2.0
WIDTH = 150
"""Columns of the table, also where no terminal shows it."""


@click.command()
@click.option("--minutes", type=click.FloatRange(0.5, 1440), default=10, show_default=True, help="How long.")
@click.option(
    "--home",
    type=click.Path(path_type=Path, file_okay=False),
    default=None,
    help="A sandbox's home, kept afterwards; by default a temporary one, kept when something is wrong.",
)
@click.option("--workers", type=click.IntRange(1, 64), default=2, show_default=True, help="Web worker processes.")
@click.option(
    "--rest",
    type=click.FloatRange(1, 3600),
    default=10,
    show_default=True,
    help="Seconds of good answers between two faults.",
)
@click.option("--fault", "names", type=click.Choice(list(FAULTS)), multiple=True, help="Only these, once each.")
def soak(minutes: float, home: Path | None, workers: int, rest: float, names: Sequence[str]) -> int:  # fmt: skip
    """Let residents, scanners, canteens and staff work while parts are killed, and count.

    Starts a sandbox of its own and harms nothing else. Exit code 0 when nothing committed was lost, nothing
    counted twice, no verdict was wrong, and answers were good again soon after each fault; else 1.
    """
    console = Console(width=WIDTH, soft_wrap=True)
    directory = home or Path(tempfile.mkdtemp(prefix="qe-soak-"))
    system = System(directory, workers)
    console.print(f"starting a sandbox in {directory} (log: {system.log})")
    try:
        system.start()
        sound = _soak(console, system, minutes, rest, names)
    finally:
        system.stop()
    if sound and home is None:
        shutil.rmtree(directory, ignore_errors=True)
    return 0 if sound else 1


def _soak(console: Console, system: System, minutes: float, rest: float, names: Sequence[str]) -> bool:
    load = running.load(system, minutes)
    load.start()
    ends = time.monotonic() + minutes * 60
    running.require_good(load, running.ANSWER_TIMEOUT)
    time.sleep(CALM)
    faults = [FAULTS[name] for name in names] or cycle(FAULTS.values())
    windows = []
    for window in running.inject_faults(system, load.observations, faults, math.inf if names else ends, rest):
        windows.append(window)
        console.print(report.describe(report.row_of(load.observations, window)))
    load.stop()
    running.check_kept(system, load)
    rows = [report.row_of(load.observations, window) for window in windows]
    for finding in (*report.faults_of(rows), *(f"there was no {what}" for what in load.observations.missing())):
        load.observations.note_fault(finding)
    comparison = _compare(system, load)
    report.show(console, rows, load.observations, comparison)
    return not (comparison.lost or comparison.doubled or comparison.wrong)


def _compare(system: System, load: running.Load) -> proof.Proof:
    with installation.open_installation(system.home) as sandbox:
        running.await_messages(sandbox.database, load.observations)
        with sandbox.database.transaction() as session:
            return proof.compare(session, load.observations)


def main() -> NoReturn:
    """Run the command line; what a person can mend is one line on standard error and exit code 2."""
    try:
        sys.exit(soak.main(prog_name="make soak", standalone_mode=False))
    except (Refused, EngineError, click.ClickException) as error:
        message = error.format_message() if isinstance(error, click.ClickException) else str(error)
        click.echo(f"soak: {message}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
