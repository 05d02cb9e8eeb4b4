"""The phases of an import that decide and write: what the file says is published, what it lacks may end."""

from collections import Counter
from collections.abc import Sequence

from sqlalchemy.orm import Session

from qe_ban.audit import service as audit
from qe_ban.items.models import Import
from qe_ban.items.queries import staged
from qe_ban.items.rules.planning import Draft
from qe_ban.items.service import departments, progress, publishing
from qe_ban.items.service.comparing import gather
from qe_ban.items.service.departments import NewDepartment
from qe_ban.items.service.progress import STEP, Importer, Phase
from qe_ban.jobs import service as jobs

SOURCE = "import"


def decide(importer: Importer, work: jobs.Work, asked: Import) -> None:
    """Decide whether anything is to be written. Raises JobFailed where errors forbid it, or too much would end."""
    errors = progress.errors(work)
    if errors and not asked.skip_invalid:
        raise jobs.JobFailed(f"文件有 {errors} 处错误，没有导入任何内容；请按提示修改后重新提交")
    leaving = _leaving(importer, work, asked) if asked.missing == "end" else 0
    with work.step() as session:
        if asked.dry_run:
            _finish(session, importer, work, asked, result={"ended": leaving})
            return
        total = staged.count_codes(session, work.id)
        progress.enter(session, work, Phase.APPLYING, total=total)


def apply(importer: Importer, work: jobs.Work, asked: Import) -> None:
    """Publish what the file says, upon what the items say at this moment: staff may have changed them meanwhile."""
    while True:
        with work.step() as session:
            codes = staged.codes(session, work.id, work.cursor["after"], STEP)
            if not codes:
                progress.enter(session, work, Phase.ENDING, total=work.cursor.get("leaving", 0))
                return
            now = importer.clock()
            held = publishing.hold(session, codes)
            batch = gather(session, work, asked, codes, held, now)
            _ensure_departments(session, importer, work, batch.drafts)
            outcomes = publishing.put(session, batch.drafts, by=asked.imported_by, source=SOURCE, now=now)
            counts = Counter(outcome.value for outcome in outcomes)
            late = [wrong for wrong in batch.wrongs if wrong.severity == "error"]
            progress.report(session, work, late)
            counts["skipped"] = len({wrong.spot.code for wrong in late})
            progress.after(session, work, codes[-1], done=len(codes), result=progress.counted(work, counts))


def end(importer: Importer, work: jobs.Work) -> None:
    """Let those items end that the file lacked when it was decided."""
    while True:
        with work.step() as session:
            codes = staged.ending(session, work.id, work.cursor["after"], STEP)
            if not codes:
                progress.enter(session, work, Phase.FINISHING)
                return
            now = importer.clock()
            ended = publishing.end(session, codes, at=now, now=now)
            result = progress.counted(work, {"ended": ended})
            progress.after(session, work, codes[-1], done=len(codes), result=result)


def finish(importer: Importer, work: jobs.Work, asked: Import) -> None:
    """Let go of the file, and record what came of it."""
    with work.step() as session:
        _finish(session, importer, work, asked, result={})


def _leaving(importer: Importer, work: jobs.Work, asked: Import) -> int:
    """Put down which items are to end. Raises JobFailed where the file does not say enough, or they are too many."""
    if work.cursor.get("unreadable"):
        raise jobs.JobFailed(f"有 {work.cursor['unreadable']} 行的事项编码无法识别，不能据此终止缺失的事项")
    of = {"now": importer.clock(), "district": asked.district, "department": asked.department}
    with work.step() as session:
        has_items = staged.has_items(session, work.id)
        leaving = staged.count_leaving(session, work.id, **of)
        work.save(session, cursor={**work.cursor, "leaving": leaving})
        if leaving <= asked.ending_at_most and not asked.dry_run:
            staged.put_down_leaving(session, work.id, **of)
    if not has_items:
        raise jobs.JobFailed("文件中没有事项表，不能据此终止缺失的事项")
    if leaving > asked.ending_at_most:
        raise jobs.JobFailed(f"将终止 {leaving} 个事项，超过允许的 {asked.ending_at_most} 个，没有导入任何内容")
    return leaving


def _ensure_departments(session: Session, importer: Importer, work: jobs.Work, drafts: Sequence[Draft]) -> None:
    wanted = sorted({draft.content["department"] for draft in drafts})
    found = staged.new_departments(session, work.id, wanted)
    departments.ensure(session, [NewDepartment(**content) for content in found.values()], importer.clock())


def _finish(session: Session, importer: Importer, work: jobs.Work, asked: Import, *, result: dict[str, int]) -> None:
    counts = dict.fromkeys(("created", "changed", "unchanged", "reopened", "ended", "skipped"), 0)
    counts |= {name: work.result.get(name, 0) for name in counts} | result
    progress.enter(session, work, Phase.OVER, result=counts)
    if not asked.dry_run:
        audit.record(
            session,
            at=importer.clock(),
            actor=None,
            action="items.imported",
            subject=str(work.id),
            details=counts,
        )
    staged.forget(session, work.id)
