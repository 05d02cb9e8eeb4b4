"""The phases of an import that decide and write: what the file says is published, what it lacks may end."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from qe_ban.audit import service as audit
from qe_ban.items.models import Import
from qe_ban.items.queries import staged
from qe_ban.items.rules import rights
from qe_ban.items.rules.planning import Draft
from qe_ban.items.rules.schedule import VersionSource
from qe_ban.items.service import departments, progress, publishing
from qe_ban.items.service.comparing import gather
from qe_ban.items.service.departments import NewDepartment
from qe_ban.items.service.progress import STEP, Importer, Phase
from qe_ban.jobs import service as jobs
from qe_ban.kernel.principal import Actor, Place, PrincipalKind


def decide(importer: Importer, work: jobs.JobContext, asked: Import) -> None:
    """Decide whether anything is to be written. Raises JobFailed where errors forbid it, or too much would end.

    A dry run is over with it, and tells in `refusals` why the real one would fail here: none, and it would not.
    """
    with work.step() as session:
        leaving, has_items = _leaving(session, importer, work, asked)
        refusals = list(_refusals(work, asked, leaving, has_items=has_items))
        if asked.dry_run:
            _finish(session, importer, work, asked, result={"ended": leaving, "refusals": refusals})
            return
        if not refusals:
            if leaving and staged.put_down_leaving(session, work.id, **_scope(importer, asked)) > asked.ending_at_most:
                # between the counting and the keeping somebody made more of them
                raise jobs.JobFailed("目录正在变化，将终止的事项超过允许的数量，没有导入任何内容；请重新提交")
            progress.enter(session, work, Phase.APPLYING, total=staged.count_codes(session, work.id))
    if refusals:
        raise jobs.JobFailed(f"{'；'.join(refusals)}，没有导入任何内容")


def apply(importer: Importer, work: jobs.JobContext, asked: Import) -> None:
    """Publish what the file says, upon what the items say at this moment: staff may have changed them meanwhile."""
    while True:
        with work.step() as session:
            codes = staged.codes(session, work.id, work.cursor["after"], STEP)
            if not codes:
                progress.enter(session, work, Phase.ENDING, total=work.cursor.get("leaving", 0))
                return
            existing = publishing.hold(session, codes)
            now = publishing.moment(existing, importer.clock())
            batch = gather(session, work, asked, codes, existing, now)
            _register_departments(session, work, asked, batch.drafts, now)
            outcomes = publishing.put(
                session, batch.drafts, by=asked.imported_by, source=VersionSource.IMPORT, now=now, existing=existing
            )
            counts = Counter(outcome.value for outcome in outcomes)
            late = [wrong for wrong in batch.wrongs if wrong.severity == "error"]
            progress.report(session, work, late)
            counts["skipped"] = len({wrong.spot.code for wrong in late})
            progress.after(session, work, codes[-1], done=len(codes), result=progress.counted(work, counts))


def end(importer: Importer, work: jobs.JobContext, asked: Import) -> None:
    """Let those items end that the file lacked when it was decided, and that still are the importer's."""
    place = Place(district=asked.district, department=asked.department)
    while True:
        with work.step() as session:
            codes = staged.ending(session, work.id, work.cursor["after"], STEP)
            if not codes:
                progress.enter(session, work, Phase.FINISHING)
                return
            existing, now = publishing.hold(session, codes), importer.clock()
            own = [
                code
                for code, item in existing.items()
                if rights.may_edit(place, department=item.department, district=item.district)
            ]
            ended = publishing.end(session, own, at=now, now=now)
            result = progress.counted(work, {"ended": ended})
            progress.after(session, work, codes[-1], done=len(codes), result=result)


def finish(importer: Importer, work: jobs.JobContext, asked: Import) -> None:
    """Let go of the file, and record what came of it."""
    with work.step() as session:
        _finish(session, importer, work, asked, result={})


def _leaving(session: Session, importer: Importer, work: jobs.JobContext, asked: Import) -> tuple[int, bool]:
    """Count and tell, within a step, how many items the file lacks, if they are to end; and whether it has any."""
    if asked.missing != "end":
        return 0, True
    leaving = staged.count_leaving(session, work.id, **_scope(importer, asked))
    work.save(session, cursor={**work.cursor, "leaving": leaving}, result={"ending": leaving})
    return leaving, staged.has_items(session, work.id)


def _refusals(work: jobs.JobContext, asked: Import, leaving: int, *, has_items: bool) -> Iterator[str]:
    """Say why nothing may be imported: errors, too little said for an end, too many ends."""
    errors, unreadable = progress.errors(work), work.cursor.get("unreadable")
    if errors and not asked.skip_invalid:
        yield f"文件有 {errors} 处错误"
    if asked.missing == "end" and unreadable:
        yield f"有 {unreadable} 行的事项编码无法识别，不能据此终止缺失的事项"
    if not has_items:
        yield "文件中没有事项表，不能据此终止缺失的事项"
    if leaving > asked.ending_at_most:
        yield f"将终止 {leaving} 个事项，超过允许的 {asked.ending_at_most} 个"


def _scope(importer: Importer, asked: Import) -> Mapping[str, Any]:
    return {"now": importer.clock(), "district": asked.district, "department": asked.department}


def _register_departments(
    session: Session, work: jobs.JobContext, asked: Import, drafts: Sequence[Draft], now: datetime
) -> None:
    wanted = sorted({draft.content["department"] for draft in drafts})
    found = staged.new_departments(session, work.id, wanted)
    rows = [NewDepartment(**content) for content in found.values()]
    departments.register(session, rows, by=_actor(asked), import_id=work.id, now=now)


def _actor(asked: Import) -> Actor | None:
    return Actor(PrincipalKind.STAFF, asked.imported_by) if asked.imported_by else None


def _finish(
    session: Session, importer: Importer, work: jobs.JobContext, asked: Import, *, result: Mapping[str, Any]
) -> None:
    counts: dict[str, Any] = dict.fromkeys(("created", "changed", "unchanged", "reopened", "ended", "skipped"), 0)
    counts |= {name: work.result.get(name, 0) for name in counts} | dict(result)
    progress.enter(session, work, Phase.OVER, result=counts)
    if not asked.dry_run:
        audit.record(
            session,
            at=importer.clock(),
            actor=_actor(asked),
            action="items.imported",
            subject=str(work.id),
            details=counts,
        )
    staged.forget(session, work.id)
