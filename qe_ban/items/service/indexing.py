"""Makes what wordings are found by, once for each, and keeps the vocabulary true."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from qe_ban.items.queries import finding
from qe_ban.items.queries import wordings as statements
from qe_ban.items.words import lexemes, text

ROUNDS = 5
DROPPED_AT_ONCE = 5000
REWEIGHED_AT_ONCE = 1000
_FORM = "1"
"""Part of every digest: another way of making words is another digest."""


@dataclass(frozen=True, slots=True)
class Wording:
    """What an item is found by. `topics` are names of topics, `result` the name of what one gets."""

    entry: str
    name: str
    aliases: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    result: str | None = None

    @property
    def others(self) -> tuple[str, ...]:
        """What it is found by besides name and aliases."""
        return (*sorted(set(self.topics)), *([self.result] if self.result else []))

    def digest(self) -> bytes:
        """The SHA-256 of all that is searched for."""
        parts = [_FORM, self.name, list(self.aliases), self.others]
        return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode("utf-8", "surrogatepass")).digest()


_ALL = {"term": "", "word": False, "pinyin": "", "initials": "", "grams": []}
"""The empty word stands for all texts, so that it is counted with the others."""

_Key = tuple[str, bytes]


def text_ids(session: Session, wordings: Sequence[Wording]) -> list[int]:
    """Return the id of each wording's text, in their order; words are made for those only that nobody had before.

    The entries must exist. Rows are locked and written in one order, so that two imports at once never wait for each
    other in a ring; what is given stays until the transaction ends, even while no item points to it yet.
    """
    by_key = {(wording.entry, wording.digest()): wording for wording in wordings}
    ids: dict[_Key, int] = {}
    for _ in range(ROUNDS):
        missing = sorted(by_key.keys() - ids.keys())
        if not missing:
            break
        ids |= _find(session, missing)
        # another transaction may add the same one meanwhile: then it is found in the next round
        ids |= _add(session, {key: by_key[key] for key in missing if key not in ids})
    return [ids[wording.entry, wording.digest()] for wording in wordings]


def tidy(session: Session, now: datetime) -> None:  # noqa: ARG001 - a schedule's work takes the moment
    """Drop the texts that no item points to, weigh anew, and count how frequent words are if texts came or went."""
    unused = session.scalars(statements.UNUSED, {"most": DROPPED_AT_ONCE}).all()
    if unused:
        session.execute(statements.DROP, {"ids": list(unused)})
    while session.scalar(statements.REWEIGH, {"most": REWEIGHED_AT_ONCE}) == REWEIGHED_AT_ONCE:
        pass
    if unused or session.scalar(statements.CHANGED):
        session.execute(statements.RECOUNT)


def _find(session: Session, keys: Iterable[_Key]) -> dict[_Key, int]:
    entries, digests = zip(*keys, strict=True)
    rows = session.execute(statements.FIND, {"entries": list(entries), "digests": list(digests)})
    return {(row.entry, bytes(row.digest)): row.id for row in rows}


def _add(session: Session, wordings: Mapping[_Key, Wording]) -> dict[_Key, int]:
    if not wordings:
        return {}
    search_keys = {
        key: lexemes.make((wording.name, *wording.aliases), wording.others) for key, wording in wordings.items()
    }
    rows = [_row(key, wording, search_keys[key]) for key, wording in wordings.items()]
    new_texts = session.execute(statements.ADD_TEXTS, {"rows": json.dumps(rows, ensure_ascii=False)})
    new_ids = {(row.entry, bytes(row.digest)): int(row.id) for row in new_texts}
    _add_heads(session, [(head, text_id) for key, text_id in new_ids.items() for head in search_keys[key].heads])
    _add_terms(session, [term for keys in search_keys.values() for term in keys.terms])
    return new_ids


def _add_heads(session: Session, heads: Sequence[tuple[str, int]]) -> None:
    if heads:
        keys, ids = zip(*heads, strict=True)
        session.execute(statements.ADD_HEADS, {"keys": list(keys), "ids": list(ids)})


def _add_terms(session: Session, terms: Iterable[lexemes.Term]) -> None:
    """Add terms to the vocabulary, each once; what is a word in one wording is one."""
    by_name: dict[str, lexemes.Term] = {}
    for term in terms:
        if term.term not in by_name or term.word:
            by_name[term.term] = term
    rows = [asdict(by_name[name]) for name in sorted(by_name)] + [_ALL]
    session.execute(statements.ADD_TERMS, {"rows": json.dumps(rows, ensure_ascii=False)})


def _row(key: _Key, wording: Wording, search_keys: lexemes.SearchKeys) -> dict[str, object]:
    return {
        "entry": wording.entry,
        "digest": key[1].hex(),
        "name": wording.name,
        "names": [text.compact(text.normalise(name)) for name in (wording.name, *wording.aliases)],
        "others": " ".join(text.normalise(other) for other in wording.others),
        "words": " ".join(map(finding.quoted, search_keys.lexemes)),
    }
