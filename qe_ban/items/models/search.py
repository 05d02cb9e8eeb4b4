"""The tables of search: what items are found by, the words there are, synonyms, and what was not found."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, SmallInteger, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import ARRAY, TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from qe_ban.db.base import Base

PENDING: Final = {"gin_pending_list_limit": 64}
"""kB of entries that a GIN index keeps unsorted: every look-up reads them all, until a vacuum comes at 4 MB of them."""


class ItemText(Base):
    """One wording of an entry, shared by every item that has it: its words are made once.

    `digest` is over what is searched for (name, aliases, topics, result). `names` are the name and the aliases as they
    are compared (`words.text`), `others` the rest. `weight` is how popular the entry is, in quarters of a doubling
    (`queries.wordings.REWEIGH`), so coarse that it seldom changes.
    """

    __tablename__ = "item_texts"
    __table_args__ = (
        UniqueConstraint("entry", "digest"),
        Index("ix_item_texts_words", "words", postgresql_using="gin", postgresql_with=PENDING),
        Index("ix_item_texts_weight_name", text("weight DESC"), "name"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    entry: Mapped[str] = mapped_column(ForeignKey("entries.entry"))
    digest: Mapped[bytes]
    name: Mapped[str]
    names: Mapped[list[str]] = mapped_column(ARRAY(Text))
    others: Mapped[str]
    weight: Mapped[int] = mapped_column(SmallInteger)
    words: Mapped[Any] = mapped_column(TSVECTOR)


class ItemHead(Base):
    """What somebody may begin to type to come to a wording.

    `key`: 0 for the beginning of a name or alias, 1 for a later word of it; h, p or i for characters, pinyin or
    initials; then the text. `weight` is the wording's: the best of thousands are found in the index alone.
    """

    __tablename__ = "item_heads"
    __table_args__ = (Index("ix_item_heads_key", "key", postgresql_include=["text_id", "weight"]),)

    text_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("item_texts.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    key: Mapped[str] = mapped_column(primary_key=True)
    weight: Mapped[int] = mapped_column(SmallInteger)


class SearchTerm(Base):
    """A word of the catalogue: in how many wordings it is, how it sounds, the grams that slips are mended by.

    `word` tells a real word from two characters that merely stand together somewhere.
    """

    __tablename__ = "search_terms"
    __table_args__ = (
        Index("ix_search_terms_grams", "grams", postgresql_using="gin", postgresql_with=PENDING),
        Index("ix_search_terms_pinyin", "pinyin"),
        Index("ix_search_terms_initials", "initials"),
    )

    term: Mapped[str] = mapped_column(primary_key=True)
    texts: Mapped[int]
    word: Mapped[bool]
    pinyin: Mapped[str]
    initials: Mapped[str]
    grams: Mapped[list[str]] = mapped_column(ARRAY(Text))


class SynonymGroup(Base):
    """Words that mean the same to those who search."""

    __tablename__ = "synonym_groups"
    __table_args__ = (Index("ix_synonym_groups_words", "words", postgresql_using="gin"),)

    id: Mapped[UUID] = mapped_column(primary_key=True)
    words: Mapped[list[str]] = mapped_column(ARRAY(Text))
    updated_at: Mapped[datetime]


class SearchMiss(Base):
    """A query that found nothing, for administrators to learn from; nobody's number is among them.

    Moments begin days of the city. `networks`: how many asked at least; 0 where the previous release kept it, which
    is shown to nobody.
    """

    __tablename__ = "search_misses"
    __table_args__ = (Index("ix_search_misses_last_at", "last_at"),)

    query: Mapped[str] = mapped_column(primary_key=True)
    hall: Mapped[str] = mapped_column(primary_key=True, server_default=text("''"))
    count: Mapped[int]
    networks: Mapped[int] = mapped_column(server_default=text("0"))
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]
