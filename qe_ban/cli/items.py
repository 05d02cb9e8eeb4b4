"""`qe-ban items`: the catalogue as files, into the installation and out of it, for the whole city."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from gettext import gettext as _
from pathlib import Path
from typing import BinaryIO, Final
from uuid import UUID

import click

from qe_ban.app import load_city
from qe_ban.audit import service as audit
from qe_ban.cli import vocabulary
from qe_ban.cli.home import home_option
from qe_ban.cli.installation import Installation, open_installation
from qe_ban.cli.progress import Progress
from qe_ban.cli.refusals import Refused
from qe_ban.items.service import exporting, importing
from qe_ban.jobs import service as jobs
from qe_ban.kernel.clock import system_clock
from qe_ban.kernel.ids import parse_id
from qe_ban.kernel.principal import Place
from qe_ban.message import Message

FORMATS: Final[dict[str, importing.Format]] = {".csv": "csv", ".xlsx": "xlsx"}
MAX_FAULTS: Final = 20
COUNT_NAMES: Final = {
    "created": Message("created"),
    "changed": Message("changed"),
    "unchanged": Message("unchanged"),
    "reopened": Message("reopened"),
    "ended": Message("ended"),
    "skipped": Message("skipped"),
}


@click.group()
def items() -> None:
    """Service items: import, export, template, topics, synonyms."""


items.add_command(vocabulary.topics)
items.add_command(vocabulary.synonyms)


@items.command("import")
@home_option
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True), required=False)
@click.option("--dry-run", is_flag=True, help="Check and compare only.")
@click.option("--skip-invalid", is_flag=True, help="Import what is right although something is wrong.")
@click.option("--end-missing", is_flag=True, help="End the items of the file's departments that it does not name.")
@click.option("--at-most", type=click.IntRange(0), default=0, help="With --end-missing: how many may end.")
@click.option("--resume", "job", help="Go on with this job, which was cancelled, has failed or died.")
def import_(
    home: Path,
    file: Path | None,
    *,
    dry_run: bool,
    skip_invalid: bool,
    end_missing: bool,
    at_most: int,
    job: str | None,
) -> None:
    """Import items from FILE (.csv or .xlsx) for the whole city, in this process."""
    options = importing.Options(dry_run, skip_invalid, "end" if end_missing else "keep", at_most)
    _check_arguments(file, job, options)
    with open_installation(home) as installation:
        job_id = _submit(installation, file, options) if file is not None else _resume(installation, job or "")
        view = _run(installation, job_id)
    _report(view)


@items.command()
@home_option
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--table", type=click.Choice(exporting.TABLE_NAMES), help="Which table, for .csv.  [default: items]")
def export(home: Path, file: Path, table: str | None) -> None:
    """Export all items that have not ended to FILE (.csv or .xlsx), which must not be there yet."""
    kind = _format(file, table)
    with open_installation(home) as installation, _new(file) as target, installation.database.transaction() as session:
        exporting.export(
            session,
            load_city(installation.settings),
            target,
            format=kind,
            table=table or "items",
            place=Place(),
            now=system_clock(),
        )


@items.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--table", type=click.Choice(exporting.TABLE_NAMES), help="Which table, for .csv.  [default: items]")
def template(file: Path, table: str | None) -> None:
    """Write the template to fill in to FILE (.csv or .xlsx), which must not be there yet."""
    content = exporting.template(_format(file, table), table or "items")
    with _new(file) as new:
        new.write(content)


def _check_arguments(file: Path | None, job: str | None, options: importing.Options) -> None:
    if (file is None) == (job is None):
        raise Refused(_("name either a FILE or, with --resume, a job"))
    if job is not None and options != importing.Options():
        raise Refused(_("--resume goes on as the import was asked for: it takes no other option"))
    if options.ending_at_most and options.missing == "keep":
        raise Refused(_("--at-most is for --end-missing"))


def _submit(installation: Installation, path: Path, options: importing.Options) -> UUID:
    kind = _format(path, None)
    with path.open("rb") as file, installation.database.transaction() as session:
        return importing.submit(
            session,
            file=file,
            file_name=path.name,
            format=kind,
            options=options,
            owner=None,
            now=system_clock(),
        )


def _resume(installation: Installation, text: str) -> UUID:
    job_id = parse_id(text)
    if job_id is None:
        raise Refused(_("--resume {said}: that is no job").format(said=text))
    with installation.database.transaction() as session:
        jobs.resume(session, job_id=job_id, change=audit.AtShell(system_clock()))
    return job_id


def _run(installation: Installation, job_id: UUID) -> jobs.JobView:
    importer = importing.Importer(load_city(installation.settings), system_clock)
    runner = jobs.Jobs(installation.database, system_clock, {importing.KIND: partial(importing.run, importer)})
    try:
        with Progress() as progress:
            return runner.run_one(job_id, progress.show)
    except KeyboardInterrupt:
        click.echo(_("interrupted; go on with: qe-ban items import --resume {job_id}").format(job_id=job_id), err=True)
        raise


def _report(view: jobs.JobView) -> None:
    lines = _faults(view)
    if view.state is jobs.JobState.FAILED:
        raise Refused(view.error or _("the import failed"), *lines)
    if view.state is not jobs.JobState.DONE:
        raise Refused(_("the job was cancelled; go on with: qe-ban items import --resume {id}").format(id=view.id))
    for line in lines:
        click.echo(line, err=True)
    click.echo(_(", ").join(f"{name.translation()} {view.result.get(word, 0)}" for word, name in COUNT_NAMES.items()))
    # only a dry run has a word on what the real one would come to
    refusals = view.result.get("refusals")
    if refusals is not None:
        verdict = (
            _("the real import would be refused: {refusals}").format(refusals="；".join(refusals))
            if refusals
            else _("the real import can be done")
        )
        click.echo(_("this was a dry run, nothing was changed; {verdict}").format(verdict=verdict))


def _faults(view: jobs.JobView) -> Sequence[str]:
    """Return the first faults, by sheet, row and column, and how many more there are."""
    lines = []
    for fault in view.faults[:MAX_FAULTS]:
        place = [
            fault.sheet or "",
            _("row {row}").format(row=fault.row) if fault.row else "",
            f"“{fault.column}”" if fault.column else "",
        ]
        kind = _("warning: ") if fault.severity is jobs.Severity.WARNING else ""
        lines.append(" ".join([*filter(None, place), kind + fault.message]))
    more = sum(view.result.get("faults", {}).values()) - len(lines)
    return [*lines, _("and {more} more faults").format(more=more)] if more > 0 else lines


def _format(path: Path, table: str | None) -> importing.Format:
    kind = FORMATS.get(path.suffix.lower())
    if kind is None:
        raise Refused(
            _("{name}: the file must be .csv or .xlsx (save .xls and .xlsm as .xlsx first)").format(name=path.name)
        )
    if table is not None and kind == "xlsx":
        raise Refused(_("--table is for .csv: .xlsx holds all tables"))
    return kind


@contextmanager
def _new(path: Path) -> Iterator[BinaryIO]:
    """Open a new file, which goes again when it is not finished. Raises FileExistsError."""
    with path.open("xb") as file:
        try:
            yield file
        except BaseException:
            path.unlink()
            raise
