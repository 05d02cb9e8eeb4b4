"""Imports of items as long jobs: a file is handed in, checked row by row, compared, and only then applied."""

import hashlib
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Final, Literal
from uuid import UUID

from sqlalchemy import delete, exists, insert, or_, select
from sqlalchemy.orm import Session

from qe_ban.audit import service as audit
from qe_ban.db.retention import Ending
from qe_ban.items.errors import FileInvalid, ImportGone, ImportInvalid, OtherPlace
from qe_ban.items.models import Import, ImportChunk, ImportRow
from qe_ban.items.queries import staged
from qe_ban.items.service import applying, checking, comparing
from qe_ban.items.service.progress import KIND, Importer, Phase, of
from qe_ban.items.sheets.formats import sniff
from qe_ban.jobs import service as jobs
from qe_ban.kernel.principal import Place, Principal

__all__ = ["ENDINGS", "KIND", "Format", "Importer", "Options", "forget_files", "run", "submit"]

CHUNK: Final = 1 << 20
LARGEST: Final = 256 << 20
FILE_KEPT: Final = timedelta(days=7)
SWEPT_AT_ONCE: Final = 3
_LONGEST_NAME = 255

Format = Literal["csv", "xlsx"]


@dataclass(frozen=True, slots=True)
class Options:
    """What is to be done with a file.

    `skip_invalid`: import what is right although something is wrong. `missing`: whether items of the file's departments
    that the file does not name are to end; never more than `ending_at_most`.
    """

    dry_run: bool = False
    skip_invalid: bool = False
    missing: Literal["keep", "end"] = "keep"
    ending_at_most: int = 0


def submit(
    session: Session,
    *,
    file: BinaryIO,
    file_name: str,
    format: Format,  # noqa: A002 - what it is called everywhere
    options: Options,
    owner: Principal | None,
    now: datetime,
    request_id: str | None = None,
) -> UUID:
    """Hand in a file of at most 256 MiB; gives the job that imports it. Without an owner it acts for the whole city.

    Raises FileInvalid for what is plainly no such file, ImportInvalid, OtherPlace for staff who answer for no items.
    """
    place = owner.place if owner else Place()
    if place.hall is not None or place.zone is not None:
        raise OtherPlace
    if options.missing == "keep" and options.ending_at_most:
        raise ImportInvalid(fields={"ending_at_most": "只有缺失的事项须终止时才能填写"})
    sniff(file, format)
    job_id = jobs.start(session, kind=KIND, lane=KIND, owner=owner, place=place, now=now)
    made = Import(
        job_id=job_id,
        file_name=Path(file_name).name[:_LONGEST_NAME] or f"items.{format}",
        format=format,
        size=0,
        digest=b"",
        imported_by=owner.id if owner else None,
        district=place.district,
        department=place.department,
        created_at=now,
        **asdict(options),
    )
    session.add(made)
    session.flush()
    made.size, made.digest = _keep(session, job_id, file)
    details = {**asdict(options), "format": format, "size": made.size, "sha256": made.digest.hex()}
    audit.record(
        session,
        at=now,
        actor=owner,
        action="items.import",
        subject=str(job_id),
        details=details,
        request_id=request_id,
    )
    return job_id


def run(importer: Importer, work: jobs.JobContext) -> None:
    """Do an import from where it is: the runner of its kind. Raises JobFailed, FileInvalid, ImportGone."""
    if of(work) is Phase.OVER:
        return
    with work.step() as session:
        asked = session.get(Import, work.id)
        if asked is None or not _has_file(session, work.id):
            raise ImportGone
        session.expunge(asked)
    phases: Mapping[Phase, Callable[[], None]] = {
        Phase.CHECKING: lambda: _check(importer, work, asked),
        Phase.COMPARING: lambda: comparing.compare(importer, work, asked),
        Phase.DECIDING: lambda: applying.decide(importer, work, asked),
        Phase.APPLYING: lambda: applying.apply(importer, work, asked),
        Phase.ENDING: lambda: applying.end(importer, work, asked),
        Phase.FINISHING: lambda: applying.finish(importer, work, asked),
    }
    order = list(phases)
    for phase in order[order.index(of(work)) :]:
        phases[phase]()
        if of(work) is Phase.OVER:
            return


def forget_files(session: Session, before: datetime) -> int:
    """Delete the files and rows of imports whose jobs ended before a moment; they cannot be resumed then.

    A few imports at a time, each in statements of its own: one of a whole city takes seconds. Returns how many.
    """
    tables = (ImportRow, ImportChunk)
    held = select(Import.job_id).where(or_(*(exists().where(table.job_id == Import.job_id) for table in tables)))
    over = jobs.find_ended(session, among=held, before=before, limit=SWEPT_AT_ONCE)
    for job_id in over:
        for table in tables:
            session.execute(delete(table).where(table.job_id == job_id).execution_options(synchronize_session=False))
    return len(over)


ENDINGS: Final = (Ending(ImportChunk, FILE_KEPT, forget_files, also=(ImportRow,)),)
"""What names the import and its file goes with its job."""


def _keep(session: Session, job_id: UUID, file: BinaryIO) -> tuple[int, bytes]:
    digest, size, number = hashlib.sha256(), 0, 0
    while piece := file.read(CHUNK):
        size += len(piece)
        if size > LARGEST:
            raise FileInvalid(f"文件过大，最多 {LARGEST >> 20} MiB；请分成几个文件")
        digest.update(piece)
        session.execute(insert(ImportChunk).values(job_id=job_id, number=number, data=piece))
        number += 1
    return size, digest.digest()


def _has_file(session: Session, job_id: UUID) -> bool:
    return bool(session.scalar(select(exists().where(ImportChunk.job_id == job_id))))


def _check(importer: Importer, work: jobs.JobContext, asked: Import) -> None:
    with _file(work) as path:
        checking.check(importer, work, path, asked.format)


@contextmanager
def _file(work: jobs.JobContext) -> Iterator[Path]:
    """Give the import's file on this machine, for the time of the block."""
    with tempfile.NamedTemporaryFile(prefix="qe-import-") as file:
        number = 0
        while True:
            with work.step() as session:
                pieces = staged.chunks(session, work.id, number, 8)
            if not pieces:
                break
            for piece in pieces:
                file.write(piece)
            number += len(pieces)
        file.flush()
        yield Path(file.name)
