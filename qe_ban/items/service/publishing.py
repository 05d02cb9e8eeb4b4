"""The only writer of items and versions: staff, imports and the sample catalogue all publish through `put`.

Everything is done for many items at once. Locks are taken in one order by everybody, so that no two can wait for each
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
from qe_ban.items.rules.planning import UNSET, Draft, Held, Outcome, Plan, Unset
from qe_ban.items.rules.schedule import Mark, Timeline, VersionSource
from qe_ban.items.service import indexing
from qe_ban.kernel.ids import new_id

__all__ = [
    "UNSET",
    "Draft",
    "Held",
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


def hold(session: Session, codes: Sequence[str]) -> dict[str, Held]:
    """Lock items until the transaction ends and give those that there are, by code; nobody can make the others."""
    return writing.hold(session, codes)


def moment(held: Mapping[str, Held], now: datetime) -> datetime:
    """Give the moment from which a change of held items can hold: after whatever was done to them already.

    Who waited for a lock, or has a slower clock, would else replace what somebody has said meanwhile as if it had never
    been in force.
    """
    last = max((item.updated_at for item in held.values()), default=now)
    return last + timedelta(microseconds=1) if last > now else now


def put(
    session: Session,
    drafts: Sequence[Draft],
    *,
    by: UUID | None,
    source: VersionSource,
    now: datetime,
    held: Mapping[str, Held] | None = None,
) -> list[Outcome]:
    """Publish drafts, each of another item; gives what became of each, in their order.

    A draft that says what the item will say at that moment anyway makes no version. Departments must exist. `source`:
    `staff`, `import` or `sample`. `held`: what `hold` gave of them in this transaction, where it was called.
    """
    held = writing.hold(session, [draft.code for draft in drafts]) if held is None else held
    now = moment(held, now)
    plans = [planning.plan(draft, held.get(draft.code), now) for draft in drafts]
    ids = {plan.code: plan.held.id if plan.held else new_id() for plan in plans}
    fresh = [plan for plan in plans if plan.held is None]
    known = [plan for plan in plans if plan.held is not None and plan.outcome is not Outcome.UNCHANGED]
    writing.add_entries(session, {_entry(plan.code) for plan in fresh})
    shown = {plan.code: (plan.times, plan.times.at(now), plan.plain) for plan in plans if plan.in_force(now)}
    shows = _shows(session, shown)
    items = [
        _times(plan, now) | shows[plan.code] | {"id": ids[plan.code], "code": plan.code, "entry": _entry(plan.code)}
        for plan in fresh
    ]
    writing.write(session, writing.INSERT, items)
    writing.write(session, writing.SCHEDULE, [_times(plan, now) | {"id": ids[plan.code]} for plan in known])
    seen = [shows[plan.code] | {"id": ids[plan.code]} for plan in known if plan.code in shows]
    writing.write(session, writing.SHOW, seen)
    rows = [(ids[plan.code], plan.version, plan.encoded, plan.digest) for plan in plans if plan.version is not None]
    writing.insert_versions(session, rows, by=by, source=source, now=now)
    return [plan.outcome for plan in plans]


def foresee(session: Session, drafts: Sequence[Draft], now: datetime) -> list[Outcome]:
    """Tell what `put` would make of drafts if it were called now; writes nothing and holds nothing."""
    held = writing.look(session, [draft.code for draft in drafts])
    return [planning.plan(draft, held.get(draft.code), now).outcome for draft in drafts]


def end(session: Session, codes: Sequence[str], *, at: datetime, now: datetime) -> int:
    """Let items end at a moment, unless they have ended before; gives how many it changed."""
    held = writing.hold(session, codes)
    ending = [item.id for item in held.values() if item.ends_at is None or now < item.ends_at != at]
    writing.set_ends(session, ending, at, now)
    return len(ending)


def reopen(session: Session, codes: Sequence[str], *, now: datetime) -> int:
    """Take the end of items away, past or planned; gives how many it changed."""
    held = writing.hold(session, codes)
    ending = [item.id for item in held.values() if item.ends_at is not None]
    writing.set_ends(session, ending, None, now)
    return len(ending)


def turn(session: Session, now: datetime) -> int:
    """Bring lists and filters up to the versions whose time has come; gives how many items it turned.

    Items that somebody else holds are left for the next time. Reading one item does not wait for this.
    """
    done = 0
    for _ in range(TURNS):
        held = writing.hold_due(session, now, AT_ONCE)
        done += _show_anew(session, held, now)
        if len(held) < AT_ONCE:
            break
    return done


def reword(session: Session, topic: str, now: datetime) -> int:
    """Let the items under a topic be found by its new name; gives how many there are."""
    done, after = 0, ""
    while held := writing.hold_of_topic(session, topic, after, AT_ONCE):
        done, after = done + _show_anew(session, held, now), max(held)
    return done


def _show_anew(session: Session, held: Mapping[str, Held], now: datetime) -> int:
    marks = {item.id: item.times.at(now) for item in held.values()}
    said = writing.contents(session, {item_id: mark.number for item_id, mark in marks.items()})
    shown = {code: (item.times, marks[item.id], said[item.id]) for code, item in held.items()}
    rows = [row | {"id": held[code].id} for code, row in _shows(session, shown).items()]
    writing.write(session, writing.SHOW, rows)
    return len(held)


def _shows(session: Session, shown: Mapping[str, tuple[Timeline, Mark, Content]]) -> dict[str, dict[str, Any]]:
    """Give what lists say of items, by code, and when they next say something else."""
    slugs = {slug for _, _, content in shown.values() for slug in content.get("topics", ())}
    names = writing.hold_topics(session, slugs)
    text_ids = indexing.text_ids(session, [_wording(code, content, names) for code, (_, _, content) in shown.items()])
    return {
        code: planning.listed(content)
        | {"text_id": text_id, "version": mark.number, "turns_at": times.after(mark.number)}
        for (code, (times, mark, content)), text_id in zip(shown.items(), text_ids, strict=True)
    }


def _times(plan: Plan, now: datetime) -> dict[str, Any]:
    held = plan.held
    return {
        "latest": plan.latest,
        "revision": held.revision + 1 if held else 1,
        "starts_at": plan.times.starts_at,
        "ends_at": plan.ends_at,
        "turns_at": plan.times.after(held.shown) if held else None,
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
    """Give what is the same item at every office. Raises ValueError for what is no code: callers have checked."""
    parsed = parse(code)
    if parsed is None:
        raise ValueError("not an item's code")
    return parsed.entry
