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
from qe_ban.items.rules.planning import Draft, ExistingItem
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


def compare(importer: Importer, work: jobs.JobContext, import_: Import) -> None:
    """Look at all items that the file is about. Nothing of the catalogue is touched."""
    while True:
        with work.step() as session:
            codes = staged.codes(session, work.id, work.cursor["after"], STEP)
            if not codes:
                progress.enter(session, work, Phase.DECIDING)
                return
            now = importer.clock()
            batch = gather(session, work, import_, codes, writing.look(session, codes), now)
            staged.mark_faulty(session, work.id, batch.faulty)
            progress.report(session, work, batch.wrongs)
            counts = Counter({"skipped": len(batch.faulty)})
            if import_.dry_run:
                counts.update(outcome.value for outcome in publishing.foresee(session, batch.drafts, now))
            progress.after(session, work, codes[-1], done=len(codes), result=progress.counted(work, counts))


def gather(
    session: Session,
    work: jobs.JobContext,
    import_: Import,
    codes: Sequence[str],
    existing: Mapping[str, ExistingItem],
    now: datetime,
) -> Batch:
    """Make drafts of the file's rows upon what the items say now, and check them as wholes."""
    rows = staged.rows_of(session, work.id, codes)
    columns = progress.columns(work)
    bases = _bases(session, rows, existing, now)
    faulty = [row.code for row in rows if row.is_faulty]
    readable = [row for row in rows if not row.is_faulty]
    drafts = [merging.draft(row, bases.get(row.code), existing.get(row.code), columns) for row in readable]
    checks = _Checks(
        existing=existing,
        place=Place(district=import_.district, department=import_.department),
        departments=_departments(session, work, drafts),
        topics=_hold_topics(session, drafts),
        is_second_look=progress.of(work) is not Phase.COMPARING,
        now=now,
    )
    wrongs: list[Wrong] = []
    sound: list[Draft] = []
    for row, draft in zip(readable, drafts, strict=True):
        wrongs_of_draft = checks.wrongs(row, draft)
        wrongs.extend(wrongs_of_draft)
        if any(wrong.severity == "error" for wrong in wrongs_of_draft):
            faulty.append(draft.code)
        else:
            sound.append(draft)
    return Batch(sound, wrongs, faulty)


@dataclass(frozen=True, slots=True)
class _Checks:
    """What the drafts of a batch are checked against."""

    existing: Mapping[str, ExistingItem]
    place: Place
    departments: frozenset[str]
    topics: frozenset[str]
    is_second_look: bool
    now: datetime

    def wrongs(self, rows: Rows, draft: Draft) -> list[Wrong]:
        """Return what is wrong with a draft."""
        gone = merging.gone_topics(rows, draft, self.topics)
        if gone:
            return gone
        existing = self.existing.get(draft.code)
        if self.is_second_look and existing is None and rows.item is not None:
            # what is new is the file's word alone: once it was compared, it needs no second look
            return []
        return merging.wrongs(rows, draft, existing, self.place, self.departments, self.now)


def _hold_topics(session: Session, drafts: Sequence[Draft]) -> frozenset[str]:
    """Return which of the drafts' topics there are.

    They are locked until the commit: what is published here names no topic that somebody deletes at this moment.
    """
    slugs = {slug for draft in drafts for slug in draft.content.get("topics") or ()}
    return frozenset(writing.hold_topics(session, slugs))


def _bases(
    session: Session, rows: Sequence[Rows], existing: Mapping[str, ExistingItem], now: datetime
) -> dict[str, Content]:
    """Return what each item says at the moment from which the file's word is to hold."""
    numbers = {
        item.id: item.times.at(max(now, row.starts_at or now)).number
        for row in rows
        if (item := existing.get(row.code)) is not None
    }
    contents = writing.contents(session, numbers)
    return {code: contents[item.id] for code, item in existing.items() if item.id in contents}


def _departments(session: Session, work: jobs.JobContext, drafts: Sequence[Draft]) -> frozenset[str]:
    """Return which of the drafts' departments there are, or will be by the file's own word."""
    values = {draft.content.get("department") for draft in drafts}
    names = sorted(name for name in values if isinstance(name, str))
    known = staged.known_departments(session, names)
    return known | frozenset(staged.new_departments(session, work.id, names))
