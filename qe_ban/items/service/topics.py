"""Topics: life events of residents and stages of firms, in trees that nobody can bend into a circle."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from qe_ban.audit import service as audit
from qe_ban.items import errors
from qe_ban.items.models import Topic
from qe_ban.items.queries import catalogue as queries
from qe_ban.items.queries import writing
from qe_ban.items.rules import supplies, vocabulary
from qe_ban.items.service import publishing


@dataclass(frozen=True, slots=True)
class NewTopic:
    """What a topic is made of; `audience` is `person` or `firm`, `position` orders those under one parent."""

    slug: str
    name: str
    audience: str
    parent: str | None = None
    position: int = 0


@dataclass(frozen=True, slots=True)
class TopicView:
    """A topic with its depth in the tree (a root has 0) and the number of current items that name it."""

    slug: str
    name: str
    audience: str
    parent: str | None
    position: int
    depth: int
    items: int

    @property
    def tag(self) -> str:
        """What changes whenever the topic itself does."""
        return _tag(NewTopic(self.slug, self.name, self.audience, self.parent, self.position))


def topics(session: Session, *, audience: str | None, now: datetime) -> list[TopicView]:
    """Return all topics, or those of residents or firms, each after its parent, in order of position and slug."""
    counts = queries.items_by_topic(session, now)
    rows = [row for row in _rows(session) if audience is None or row.audience == audience]
    return list(_tree(rows, counts, None, 0))


def topic(session: Session, *, slug: str, now: datetime) -> TopicView:
    """Return one topic. Raises TopicNotFound."""
    counts = {slug: queries.items_of_topic(session, slug, now)}
    view = next((row for row in _tree(_rows(session), counts, None, 0) if row.slug == slug), None)
    if view is None:
        raise errors.TopicNotFound
    return view


def put(session: Session, new: NewTopic, *, precondition: audit.Precondition, change: audit.Change) -> bool:
    """Make a topic or change it; returns whether it is new. Items under it are found by a new name immediately.

    Raises TopicInvalid (circles, more than five levels, a name that another has) and what the precondition raises.
    """
    if session.scalar(select(Topic.name).where(Topic.slug == new.slug)) not in (None, new.name):
        # before any other lock, as whoever writes items does
        writing.hold_names(session)
    known = _lock(session)
    row, before = asdict(new), known.pop(new.slug, None)
    precondition(_tag(before) if before else None)
    faults = vocabulary.faults_of_topic(row, {slug: asdict(topic) for slug, topic in known.items()})
    if len(known) >= vocabulary.MOST_TOPICS:
        faults["slug"] = f"最多 {vocabulary.MOST_TOPICS} 个主题"
    if faults:
        raise errors.TopicInvalid(fields=faults)
    if before is None:
        session.add(Topic(**row, updated_at=change.at))
        audit.record_change(session, change, "items.create_topic", new.slug, before=None, after=row)
    elif new != before:
        _change(session, before, new, change)
    session.flush()
    if before is not None and new.name != before.name:
        publishing.reword(session, new.slug, change.at)
    return before is None


def _change(session: Session, before: NewTopic, new: NewTopic, change: audit.Change) -> None:
    if new.name != before.name:
        # they are locked already, unless somebody renamed it between the look and the lock
        writing.hold_names(session)
    topic_row = session.get_one(Topic, new.slug)
    row = asdict(new)
    for name, value in row.items():
        setattr(topic_row, name, value)
    topic_row.updated_at = change.at
    was, now = audit.difference(asdict(before), row)
    audit.record_change(session, change, "items.change_topic", new.slug, before=was, after=now)


def add(session: Session, content: object, change: audit.Change | audit.AtShell) -> list[str]:
    """Make the topics of a JSON file that are not there; gives the slugs of those that it made.

    `content` is a list of objects (`slug`, `name`, `audience`, `parent`, `position`), in any order. What there is stays
    as it is, whatever the file says of it. Raises TopicInvalid, with every fault by its place in the file.
    """
    known = _lock(session)
    rows, faults = supplies.topics(content, {slug: asdict(topic) for slug, topic in known.items()})
    if faults:
        raise errors.TopicInvalid(fields=faults)
    for row in rows:
        session.add(Topic(**row, updated_at=change.at))
        # one by one: a parent is there before its children
        session.flush()
        audit.record_change(session, change, "items.create_topic", row["slug"], before=None, after=row)
    return [row["slug"] for row in rows]


def delete(session: Session, *, slug: str, precondition: audit.Precondition, change: audit.Change) -> None:
    """Remove a topic on which nothing hangs. Raises TopicNotFound, TopicInUse, and what the precondition raises."""
    known = _lock(session)
    before = known.get(slug)
    if before is None:
        raise errors.TopicNotFound
    precondition(_tag(before))
    # whoever puts an item under it holds it until the commit: then the item is seen here
    row = session.get_one(Topic, slug, with_for_update=True)
    if any(topic.parent == slug for topic in known.values()) or queries.topic_used(session, slug):
        raise errors.TopicInUse
    session.delete(row)
    audit.record_change(session, change, "items.delete_topic", slug, before=asdict(before), after=None)
    session.flush()


def _lock(session: Session) -> dict[str, NewTopic]:
    """Keep everybody else from changing any topic, and give all of them: two halves of a circle must not meet."""
    session.execute(text("LOCK TABLE topics IN SHARE ROW EXCLUSIVE MODE"))
    columns = select(Topic.slug, Topic.name, Topic.audience, Topic.parent, Topic.position)
    return {row.slug: NewTopic(*row) for row in session.execute(columns)}


def _rows(session: Session) -> Sequence[Topic]:
    return session.scalars(select(Topic).order_by(Topic.position, Topic.slug)).all()


def _tree(rows: Sequence[Topic], counts: Mapping[str, int], parent: str | None, depth: int) -> Iterator[TopicView]:
    for row in rows:
        if row.parent == parent:
            fields = (row.slug, row.name, row.audience, row.parent, row.position)
            yield TopicView(*fields, depth, counts.get(row.slug, 0))
            yield from _tree(rows, counts, row.slug, depth + 1)


def _tag(topic: NewTopic) -> str:
    fields: dict[str, Any] = asdict(topic)
    return vocabulary.tag_of(fields)
