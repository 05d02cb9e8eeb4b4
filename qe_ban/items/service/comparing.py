"""The second phase of an import: each item as it would become is checked as a whole; a dry run counts what would be."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from qe_ban.items.models import Import
from qe_ban.items.queries import staged, writing
from qe_ban.items.rules import merging
from qe_ban.items.rules.fields import Content
from qe_ban.items.rules.merging import Rows, Wrong
from qe_ban.items.rules.planning import Draft, Held
from qe_ban.items.service import progress, publishing
from qe_ban.items.service.progress import STEP, Importer, Phase
from qe_ban.jobs import service as jobs
from qe_ban.kernel.principal import Place


@dataclass(frozen=True, slots=True)
class Batch:
    """Some items of the file: what can be published, what is wrong, and what is left out."""

    drafts: Sequence[Draft]
    wrongs: Sequence[Wrong]
    faulty: Sequence[str]


def compare(importer: Importer, work: jobs.JobContext, asked: Import) -> None:
    """Look at all items that the file is about. Nothing of the catalogue is touched."""
    while True:
        with work.step() as session:
            codes = staged.codes(session, work.id, work.cursor["after"], STEP)
            if not codes:
                progress.enter(session, work, Phase.DECIDING)
                return
            now = importer.clock()
            batch = gather(session, work, asked, codes, writing.look(session, codes), now)
            staged.mark_faulty(session, work.id, batch.faulty)
            progress.report(session, work, batch.wrongs)
            counts = Counter({"skipped": len(batch.faulty)})
            if asked.dry_run:
                counts.update(outcome.value for outcome in publishing.foresee(session, batch.drafts, now))
            progress.after(session, work, codes[-1], done=len(codes), result=progress.counted(work, counts))


def gather(
    session: Session,
    work: jobs.JobContext,
    asked: Import,
    codes: Sequence[str],
    held: Mapping[str, Held],
    now: datetime,
) -> Batch:
    """Make drafts of the file's rows upon what the items say now, and check them as wholes.

    What is new is the file's word alone: once it was compared, it needs no second look.
    """
    compared = progress.of(work) is not Phase.COMPARING
    rows = staged.rows_of(session, work.id, codes)
    columns = progress.columns(work)
    bases = _bases(session, rows, held, now)
    faulty = [row.code for row in rows if row.is_faulty]
    drafts = [merging.draft(row, bases.get(row.code), held.get(row.code), columns) for row in rows if not row.is_faulty]
    departments = _departments(session, work, drafts)
    place = Place(district=asked.district, department=asked.department)
    # held until the commit: what is published here names no topic that somebody deletes at this moment
    topics = frozenset(
        writing.hold_topics(session, {slug for one in drafts for slug in one.content.get("topics") or ()})
    )
    found, sound = [], []
    by_code = {row.code: row for row in rows}
    for draft in drafts:
        gone = merging.gone_topics(by_code[draft.code], draft, topics)
        if gone:
            found.extend(gone)
            faulty.append(draft.code)
            continue
        if compared and draft.code not in held and by_code[draft.code].item is not None:
            sound.append(draft)
            continue
        wrongs = merging.wrongs(by_code[draft.code], draft, held.get(draft.code), place, departments, now)
        found.extend(wrongs)
        if any(wrong.severity == "error" for wrong in wrongs):
            faulty.append(draft.code)
        else:
            sound.append(draft)
    return Batch(sound, found, faulty)


def _bases(session: Session, rows: Sequence[Rows], held: Mapping[str, Held], now: datetime) -> dict[str, Content]:
    """Give what each item says at the moment from which the file's word is to hold."""
    numbers = {
        item.id: item.times.at(max(now, row.starts_at or now)).number
        for row in rows
        if (item := held.get(row.code)) is not None
    }
    said = writing.contents(session, numbers)
    return {code: said[item.id] for code, item in held.items() if item.id in said}


def _departments(session: Session, work: jobs.JobContext, drafts: Sequence[Draft]) -> frozenset[str]:
    """Give which of the drafts' departments there are, or will be by the file's own word."""
    wanted = {draft.content.get("department") for draft in drafts}
    names = sorted(name for name in wanted if isinstance(name, str))
    known = staged.known_departments(session, names)
    return known | frozenset(staged.new_departments(session, work.id, names))
