"""Puts a sample's topics, synonyms and first popularity beside what is there; nothing that staff changed is touched."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Text, any_, bindparam, select
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.orm import Session

from qe_ban.items.models import Entry, Item, SynonymGroup, Topic
from qe_ban.items.service.synonyms import id_of
from qe_ban.items.words import text


def missing(session: Session, codes: Sequence[str]) -> set[str]:
    """Give those of these items that there are not, ended or scheduled ones counted as there."""
    asked = bindparam("codes", list(codes), ARRAY(Text))
    return set(codes) - set(session.scalars(select(Item.code).where(Item.code == any_(asked))))


def topics(session: Session, rows: Sequence[Mapping[str, Any]], now: datetime) -> None:
    """Insert topics (`slug`, `name`, `audience`, `parent`) that are not there; parents come before their children."""
    known = [{"parent": None, **row, "position": place, "updated_at": now} for place, row in enumerate(rows)]
    session.execute(insert(Topic).on_conflict_do_nothing(), known)


def synonyms(session: Session, groups: Sequence[Sequence[str]], now: datetime) -> None:
    """Insert groups of words that mean the same; each once, however often it is called."""
    spelled = [list(dict.fromkeys(text.compact(text.normalise(word)) for word in words)) for words in groups]
    rows = [{"id": id_of(words), "words": words, "updated_at": now} for words in spelled]
    session.execute(insert(SynonymGroup).on_conflict_do_nothing(index_elements=["id"]), rows)


def popularity(session: Session, used: Mapping[str, float]) -> None:
    """Tell how much entries are used at first; those that have been used already keep what was counted."""
    statement = insert(Entry)
    first = statement.on_conflict_do_update(
        index_elements=["entry"], set_={"popularity": statement.excluded.popularity}, where=Entry.popularity == 0
    )
    # in one order, as whoever else writes entries
    session.execute(first, [{"entry": entry, "popularity": used[entry]} for entry in sorted(used)])
