"""The only writer of items and versions: staff, imports and the sample catalogue all publish through `put`.

Everything is done for many items together. Locks are taken in one order by everybody, so that no two can wait for each
other: the names of topics, the right to make items, items by code, entries, topics, wordings.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy.orm import Session

from qe_ban.items.queries import writing
from qe_ban.items.rules import planning
from qe_ban.items.rules.codes import parse
from qe_ban.items.rules.fields import Content
from qe_ban.items.rules.planning import UNSET, Draft, ExistingItem, Outcome, Plan, Unset
from qe_ban.items.rules.schedule import Mark, Timeline, VersionSource
from qe_ban.items.service import indexing
from qe_ban.kernel.ids import new_id

__all__ = [
    "UNSET",
    "Draft",
    "ExistingItem",
    "Outcome",
    "Unset",
    "VersionSource",
    "end",
    "foresee",
    "hold",
    "moment",
    "put",
    "reopen",
    "reword",
    "turn",
]

AT_ONCE: Final = 1000
TURNS: Final = 5
"""So many batches in one go: the other schedules wait for it."""


def hold(session: Session, codes: Sequence[str]) -> dict[str, ExistingItem]:
    """Lock items until the transaction ends and return those that there are, by code; nobody can make the others."""
    return writing.hold(session, codes)


def moment(existing: Mapping[str, ExistingItem], now: datetime) -> datetime:
    """Return the moment from which a change of locked items can hold: after whatever was done to them already.

    Who waited for a lock, or has a slower clock, would else replace what somebody has said meanwhile as if it had never
    been in force.
    """
    last = max((item.updated_at for item in existing.values()), default=now)
    return last + timedelta(microseconds=1) if last > now else now


def put(
    session: Session,
    drafts: Sequence[Draft],
    *,
    by: UUID | None,
    source: VersionSource,
    now: datetime,
    existing: Mapping[str, ExistingItem] | None = None,
) -> list[Outcome]:
    """Publish drafts, each of another item; gives what became of each, in their order.

    A draft that says what the item will say at that moment anyway makes no version. Departments must exist. `source`:
    `staff`, `import` or `sample`. `existing`: what `hold` gave of them in this transaction, where it was called.
    """
    if existing is None:
        existing = writing.hold(session, [draft.code for draft in drafts])
    now = moment(existing, now)
    plans = [planning.plan(draft, existing.get(draft.code), now) for draft in drafts]
    ids = {plan.code: plan.existing.id if plan.existing else new_id() for plan in plans}
    _write_items(session, plans, ids, now)
    versions = [(ids[plan.code], plan.version, plan.encoded, plan.digest) for plan in plans if plan.version is not None]
    writing.insert_versions(session, versions, by=by, source=source, now=now)
    return [plan.outcome for plan in plans]


def _write_items(session: Session, plans: Sequence[Plan], ids: Mapping[str, UUID], now: datetime) -> None:
    """Insert the items that are new, and update the times of the others, and what lists show of them."""
    new_plans = [plan for plan in plans if plan.existing is None]
    writing.add_entries(session, {_entry(plan.code) for plan in new_plans})
    in_force = {plan.code: (plan.times, plan.times.at(now), plan.plain) for plan in plans if plan.in_force(now)}
    list_rows = _list_rows(session, in_force)
    new_rows = [
        _times(plan, now) | list_rows[plan.code] | {"id": ids[plan.code], "code": plan.code, "entry": _entry(plan.code)}
        for plan in new_plans
    ]
    writing.write(session, writing.INSERT, new_rows)
    _update_items(session, [plan for plan in plans if plan.changes_existing], ids, list_rows, now)


def _update_items(
    session: Session,
    plans: Sequence[Plan],
    ids: Mapping[str, UUID],
    list_rows: Mapping[str, Mapping[str, Any]],
    now: datetime,
) -> None:
    times = [_times(plan, now) | {"id": ids[plan.code]} for plan in plans]
    writing.write(session, writing.SCHEDULE, times)
    new_list_rows = [{**list_rows[plan.code], "id": ids[plan.code]} for plan in plans if plan.code in list_rows]
    writing.write(session, writing.SHOW, new_list_rows)


def foresee(session: Session, drafts: Sequence[Draft], now: datetime) -> list[Outcome]:
    """Return what `put` would make of drafts if it were called now; writes nothing and locks nothing."""
    existing = writing.look(session, [draft.code for draft in drafts])
    return [planning.plan(draft, existing.get(draft.code), now).outcome for draft in drafts]


def end(session: Session, codes: Sequence[str], *, at: datetime, now: datetime) -> int:
    """Let items end at a moment, unless they have ended before; gives how many it changed."""
    existing = writing.hold(session, codes)
    ending = [item.id for item in existing.values() if item.ends_at is None or now < item.ends_at != at]
    writing.set_ends(session, ending, at, now)
    return len(ending)


def reopen(session: Session, codes: Sequence[str], *, now: datetime) -> int:
    """Take the end of items away, past or planned; gives how many it changed."""
    existing = writing.hold(session, codes)
    ending = [item.id for item in existing.values() if item.ends_at is not None]
    writing.set_ends(session, ending, None, now)
    return len(ending)


def turn(session: Session, now: datetime) -> int:
    """Bring lists and filters up to the versions whose time has come; gives how many items it turned.

    Items that somebody else holds are left for the next time. Reading one item does not wait for this.
    """
    count = 0
    for _ in range(TURNS):
        due = writing.hold_due(session, now, AT_ONCE)
        count += _show_anew(session, due, now)
        if len(due) < AT_ONCE:
            break
    return count


def reword(session: Session, topic: str, now: datetime) -> int:
    """Let the items under a topic be found by its new name; gives how many there are."""
    count, after = 0, ""
    while existing := writing.hold_of_topic(session, topic, after, AT_ONCE):
        count, after = count + _show_anew(session, existing, now), max(existing)
    return count


def _show_anew(session: Session, existing: Mapping[str, ExistingItem], now: datetime) -> int:
    marks = {item.id: item.times.at(now) for item in existing.values()}
    contents = writing.contents(session, {item_id: mark.number for item_id, mark in marks.items()})
    in_force = {code: (item.times, marks[item.id], contents[item.id]) for code, item in existing.items()}
    rows = [row | {"id": existing[code].id} for code, row in _list_rows(session, in_force).items()]
    writing.write(session, writing.SHOW, rows)
    return len(existing)


def _list_rows(session: Session, in_force: Mapping[str, tuple[Timeline, Mark, Content]]) -> dict[str, dict[str, Any]]:
    """Return what lists show of items, by code, and when they next show something else."""
    slugs = {slug for _, _, content in in_force.values() for slug in content.get("topics", ())}
    names = writing.hold_topics(session, slugs)
    wordings = [_wording(code, content, names) for code, (_, _, content) in in_force.items()]
    text_ids = indexing.text_ids(session, wordings)
    return {
        code: planning.list_columns(content)
        | {"text_id": text_id, "version": mark.number, "turns_at": times.after(mark.number)}
        for (code, (times, mark, content)), text_id in zip(in_force.items(), text_ids, strict=True)
    }


def _times(plan: Plan, now: datetime) -> dict[str, Any]:
    existing = plan.existing
    return {
        "latest": plan.latest,
        "revision": existing.revision + 1 if existing else 1,
        "starts_at": plan.times.starts_at,
        "ends_at": plan.ends_at,
        "turns_at": plan.times.after(existing.shown) if existing else None,
        "updated_at": now,
    }


def _wording(code: str, content: Content, names: Mapping[str, str]) -> indexing.Wording:
    return indexing.Wording(
        entry=_entry(code),
        name=content["name"],
        aliases=tuple(content.get("aliases", ())),
        topics=tuple(names[slug] for slug in content.get("topics", ()) if slug in names),
        result=content.get("result_name"),
    )


def _entry(code: str) -> str:
    """Return what is the same item at every office. Raises ValueError for what is no code: callers have checked."""
    parsed = parse(code)
    if parsed is None:
        raise ValueError("not an item's code")
    return parsed.entry
