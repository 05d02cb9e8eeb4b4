"""`qe-ban audit`: checks the audit log against its seals."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from gettext import gettext as _
from pathlib import Path

import click

from qe_ban.audit import service
from qe_ban.cli.home import home_option
from qe_ban.cli.installation import (
    MASTER_KEY,
    MASTER_KEY_FILE,
    OWN_MASTER_KEY,
    Installation,
    new_master_key,
    open_installation,
)
from qe_ban.cli.refusals import Refused
from qe_ban.kernel.clock import rfc3339, system_clock
from qe_ban.keys import rewrapping
from qe_ban.keys.integrity import Judge

EXIT_FINDINGS = 1
GAPS = 20
"""How many times without seals are told one by one, the newest."""


@click.group()
def audit() -> None:
    """Audit: check that nobody bent the log of who did what."""


@audit.command()
@home_option
@click.option(
    "--heads",
    "files",
    type=click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True),
    multiple=True,
    help="Heads that were kept outside (QE_AUDIT_HEADS); several files may be given.",
)
def verify(home: Path, files: tuple[Path, ...]) -> int:
    """Check every row against its seal, and the chain of seals against HEADS.

    A line for each row or seal that is not as it was. Exit code 0: nothing was found; 1: something was. It reads all
    and changes nothing, and may run on a copy of the database. A cut tail and a chain that was written anew with the
    right key show by HEADS only. With the master key it knows our own audit keys from others; without, it believes
    those of the table: compare the thumbprints that it prints.
    """
    heads: list[service.Head] = []
    unreadable = 0
    for file in files:
        with click.open_file(str(file), encoding="utf-8", errors="replace") as lines:
            file_heads, bad = service.read_heads(lines)
        heads, unreadable = heads + file_heads, unreadable + bad
    if files and not heads:
        raise Refused(_("there is no head in what --heads names"))
    with _open(home) as (installation, judge), installation.database.transaction() as session:
        service.hold_still(session)
        check = service.Check(session, system_clock(), heads, judge=judge)
        count = 0
        for finding in check.run():
            count += 1
            click.echo(finding.line().translation())
    for line in _warnings(check, has_judge=judge is not None, has_heads=bool(heads)):
        click.echo(line, err=True)
    scope = _("{seals} seals and {rows} rows checked against {heads} heads").format(
        seals=check.seals, rows=check.rows, heads=len(heads)
    )
    result = _("{count} findings").format(count=count) if count else _("nothing found")
    click.echo(_("{looked}: {result}").format(looked=scope, result=result))
    if unreadable:
        click.echo(_("{unreadable} lines of the heads could not be read").format(unreadable=unreadable), err=True)
    return EXIT_FINDINGS if count else 0


@contextmanager
def _open(home: Path) -> Iterator[tuple[Installation, Judge | None]]:
    """Open the database, and where there is a master key, what knows our own keys by it. Raises Refused."""
    if any(os.environ.get(name) for name in (MASTER_KEY, MASTER_KEY_FILE)) or (home / OWN_MASTER_KEY).is_file():
        with open_installation(home) as installation:
            settings = installation.settings
            # another master key than the one that the keys lie under would make all of them foreign
            with installation.database.transaction() as session:
                rewrapping.require_master(session, settings.master_key, settings.master_key_next)
            yield installation, Judge(settings.master_key, settings.master_key_next)
        return
    # nothing is opened, so that an auditor needs the database alone: a key made up here stands for the master key
    with open_installation(home, {**os.environ, MASTER_KEY: new_master_key()}) as installation:
        yield installation, None


def _warnings(check: service.Check, *, has_judge: bool, has_heads: bool) -> Iterator[str]:
    """Return by which keys it was believed, and what this check could not know."""
    for kid, thumbprint in check.thumbprints.items():
        yield _("believed: audit key {kid}, thumbprint {thumbprint}").format(kid=kid, thumbprint=thumbprint)
    if not has_judge:
        yield _("WARNING: no master key was given: whoever can write the table of keys can add one to these")
    if not has_heads:
        yield _("WARNING: no heads were given: a tail that was cut, or a chain that was written anew, does not show")
    if not check.seals:
        yield _("WARNING: there is no seal at all")
    for gap in check.gaps[-GAPS:]:
        since, until = (rfc3339(datetime.fromtimestamp(at, UTC)) for at in (gap.since, gap.until))
        yield _("WARNING: no seal from {since} to {until}, after seal {seal}: no worker ran, or seals were cut").format(
            since=since, until=until, seal=gap.seal
        )
    if len(check.gaps) > GAPS:
        yield _("WARNING: {count} such times before").format(count=len(check.gaps) - GAPS)
