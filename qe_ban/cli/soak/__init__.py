"""`qe-ban soak`: a mixed load on a system of real processes whose parts die, and a count that nothing was lost."""

import math
import shutil
import tempfile
import time
from collections.abc import Sequence
from gettext import gettext as _
from itertools import cycle
from pathlib import Path

import click
from rich.console import Console

from qe_ban.cli import installation
from qe_ban.cli.soak import proof, report, running
from qe_ban.cli.soak.faults import FAULTS
from qe_ban.cli.soak.system import System

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

    Starts a sandbox of its own and harms nothing else. Gives 0 when nothing committed was lost, nothing counted twice,
    no verdict was wrong, and answers were good again soon after each fault; else 1.
    """
    console = Console(width=WIDTH, soft_wrap=True)
    given = home or Path(tempfile.mkdtemp(prefix="qe-soak-"))
    system = System(given, workers)
    console.print(_("starting a sandbox in {given} (log: {log})").format(given=given, log=system.log))
    try:
        system.start()
        sound = _soak(console, system, minutes, rest, names)
    finally:
        system.stop()
    if sound and home is None:
        shutil.rmtree(given, ignore_errors=True)
    return 0 if sound else 1


def _soak(console: Console, system: System, minutes: float, rest: float, names: Sequence[str]) -> bool:
    load = running.load(system, minutes)
    load.start()
    ends = time.monotonic() + minutes * 60
    running.require_good(load, running.PATIENCE)
    time.sleep(CALM)
    windows = []
    faults = [FAULTS[name] for name in names] or cycle(FAULTS.values())
    for window in running.harm(system, load.book, faults, math.inf if names else ends, rest):
        windows.append(window)
        row = report.row_of(load.book, window)
        again = _("never") if row.again is None else _("after {again:.1f} s").format(again=row.again)
        console.print(
            _("{name}: good answers again {again}, slowest answer {slowest:.1f} s").format(
                name=window.fault.name.translated(), again=again, slowest=row.slowest
            )
        )
    load.stop()
    running.check_kept(system, load)
    rows = [report.row_of(load.book, window) for window in windows]
    for said in (
        *report.faults_of(rows),
        *(_("there was no {what}").format(what=what) for what in load.book.missing()),
    ):
        load.book.fault(said)
    with installation.opened(system.home) as opened:
        running.await_messages(opened.database, load.book)
        with opened.database.transaction() as session:
            proved = proof.held_against(session, load.book)
    report.show(console, rows, load.book, proved)
    return not (proved.lost or proved.doubled or proved.wrong)
