"""Words that mean the same to those who search: kept by staff, effective with the next query."""

import hashlib
from collections.abc import Sequence
from typing import Final
from uuid import NAMESPACE_URL, UUID, uuid5

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from qe_ban.audit import service as audit
from qe_ban.items.errors import SynonymsExist, SynonymsInvalid, SynonymsNotFound
from qe_ban.items.models import SynonymGroup
from qe_ban.items.rules import supplies
from qe_ban.items.words import text as texts
from qe_ban.kernel.ids import new_id

FEWEST: Final = 2
MOST: Final = 30
LONGEST: Final = 30
_SUPPLIED: Final = uuid5(NAMESPACE_URL, "qe-ban:sample-catalogue")
_WRITERS: Final = text("LOCK TABLE synonym_groups IN SHARE ROW EXCLUSIVE MODE")


def listed(session: Session, *, word: str | None, after: UUID | None, limit: int) -> Sequence[SynonymGroup]:
    """Give at most `limit` groups in the order of their ids; `word`: only those with this very word."""
    wanted = select(SynonymGroup).order_by(SynonymGroup.id).limit(limit)
    if word is not None:
        wanted = wanted.where(SynonymGroup.words.contains([_spelled(word)]))
    if after is not None:
        wanted = wanted.where(SynonymGroup.id > after)
    return session.scalars(wanted).all()


def group(session: Session, group_id: UUID) -> SynonymGroup:
    """Give one group. Raises SynonymsNotFound."""
    found = session.get(SynonymGroup, group_id)
    if found is None:
        raise SynonymsNotFound
    return found


def state(held: SynonymGroup) -> str:
    """Give what stands for a group as it is: it changes when the words do."""
    return hashlib.sha256("\n".join(held.words).encode()).hexdigest()[:16]


def create(session: Session, words: Sequence[str], change: audit.Change) -> SynonymGroup:
    """Make a group. Raises SynonymsInvalid, SynonymsExist."""
    spelled = _checked(words)
    session.execute(_WRITERS)
    _require_new(session, spelled, None)
    made = SynonymGroup(id=new_id(), words=spelled, updated_at=change.at)
    session.add(made)
    audit.record_change(session, change, "items.create_synonyms", str(made.id), before=None, after={"words": spelled})
    return made


def add(session: Session, said: object, change: audit.Change | audit.AtShell) -> int:
    """Make the groups of a JSON file (a list of lists of words) that are not there; gives how many it made.

    A group has its id of its words: one that staff changed afterwards is there and stays as it is. Raises
    SynonymsInvalid, with every fault by its place in the file.
    """
    groups, faults = supplies.words(said)
    spelled = []
    for place, words in enumerate(groups, 1):
        try:
            spelled.append(_checked(words))
        except SynonymsInvalid as invalid:
            faults[f"第{place}组"] = invalid.fields["words"]
    if faults:
        raise SynonymsInvalid(fields=faults)
    session.execute(_WRITERS)
    held = session.scalars(select(SynonymGroup)).all()
    ids, known, made = {one.id for one in held}, {frozenset(one.words) for one in held}, 0
    for words in spelled:
        group_id = id_of(words)
        if group_id in ids or frozenset(words) in known:
            continue
        ids.add(group_id)
        session.add(SynonymGroup(id=group_id, words=words, updated_at=change.at))
        audit.record_change(
            session, change, "items.create_synonyms", str(group_id), before=None, after={"words": words}
        )
        made += 1
    session.flush()
    return made


def id_of(words: Sequence[str]) -> UUID:
    """Give the id of a group that comes in a file: the same words get the same one, so that they come once."""
    return uuid5(_SUPPLIED, ",".join(sorted(words)))


def replace(
    session: Session, group_id: UUID, words: Sequence[str], precondition: audit.Precondition, change: audit.Change
) -> SynonymGroup:
    """Give a group other words. Raises SynonymsInvalid, SynonymsExist, SynonymsNotFound, what the precondition says."""
    spelled = _checked(words)
    session.execute(_WRITERS)
    held = group(session, group_id)
    precondition(state(held))
    _require_new(session, spelled, group_id)
    before, held.words, held.updated_at = held.words, spelled, change.at
    audit.record_change(
        session, change, "items.replace_synonyms", str(group_id), before={"words": before}, after={"words": spelled}
    )
    return held


def remove(session: Session, group_id: UUID, precondition: audit.Precondition, change: audit.Change) -> None:
    """Take a group away. Raises SynonymsNotFound, and what the precondition says."""
    session.execute(_WRITERS)
    held = group(session, group_id)
    precondition(state(held))
    session.delete(held)
    audit.record_change(
        session, change, "items.remove_synonyms", str(group_id), before={"words": held.words}, after=None
    )


def _checked(words: Sequence[str]) -> list[str]:
    """Give the words as queries are spelled, each once. Raises SynonymsInvalid."""
    spelled = list(dict.fromkeys(_spelled(word) for word in words))
    if not FEWEST <= len(spelled) <= MOST:
        raise SynonymsInvalid(fields={"words": f"须有 {FEWEST} 至 {MOST} 个不同的词"})
    if not all(0 < len(word) <= LONGEST for word in spelled):
        raise SynonymsInvalid(fields={"words": f"每个词须有 1 至 {LONGEST} 个文字、字母或数字"})
    return spelled


def _spelled(word: str) -> str:
    return texts.compact(texts.normalise(word))


def _require_new(session: Session, words: Sequence[str], but: UUID | None) -> None:
    alike = session.scalars(select(SynonymGroup).where(SynonymGroup.words.contains(list(words)))).all()
    if any(set(one.words) == set(words) and one.id != but for one in alike):
        raise SynonymsExist
