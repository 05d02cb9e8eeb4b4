"""Searches a whole database for what leads to one resident: ids, hashes and words, in every column, sealed or not."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy import table as sql_table
from sqlalchemy.sql import column as sql_column

from qe_ban.accounts.service import attempts, fresh_consents, sign_ins
from qe_ban.codes.models import Entitlement
from qe_ban.codes.service import hashing
from qe_ban.db.base import Base
from qe_ban.halls.service import list_owners
from qe_ban.keys import vault
from qe_ban.keys.data_files import DataKeyDestroyed
from qe_ban.keys.resealing import SEALED_COLUMNS
from qe_ban.keys.rings import KeyMissing


@dataclass(frozen=True)
class Person:
    """Somebody as a search knows them: the account's id, and what nobody may read after it is closed."""

    id: UUID
    words: tuple[str, ...]
    numbers: tuple[int, ...] = ()
    hashes: tuple[bytes, ...] = field(default=(), repr=False)


def person(session, rings, resident_id, words, now):
    """Gather all by which the tables may name a resident now."""
    plain = UUID(str(resident_id))
    numbers = session.scalars(select(Entitlement.number).where(Entitlement.resident_id == plain)).all()
    hashes = [pseudonym.bytes for pseudonym in sign_ins.pseudonyms(rings, plain)]
    hashes += [owner.bytes for owner in list_owners.owner_ids(rings, plain)[:-1]]
    subjects = attempts.subjects_of(rings, plain)
    hashes += [attempts._key(allowance, subject) for allowance in attempts.OF_RESIDENTS for subject in subjects]
    hashes += fresh_consents._owner_hashes(rings, plain, now)
    for number in numbers:
        hashes += [hashing.holder_hash(rings, number, now), *hashing.dispute_hashes(rings, number)]
        hashes += hashing.answer_hashes(rings, number, now)
    return Person(plain, tuple(words), tuple(numbers), tuple(hashes))


def in_clear(session, someone: Person) -> Mapping[str, set[tuple[str, str]]]:
    """Return the columns that have the id, a hash, a number of an entitlement or a word, by which of these it is."""
    found: dict[str, set[tuple[str, str]]] = {"id": set(), "hash": set(), "number": set(), "word": set()}
    needles = {
        "id": [str(someone.id), someone.id.hex],
        # pseudonyms of sign-ins and lists stand as UUIDs
        "hash": [form for one in someone.hashes for form in (one.hex(), str(UUID(bytes=one[:16])))],
        "word": [form for word in someone.words for form in (word, word.encode().hex())],
    }
    for table in Base.metadata.sorted_tables:
        for column in table.columns:
            name = f'CAST("{column.name}" AS text)'
            for sort, words in needles.items():
                patterns = [f"%{word}%" for word in words]
                there = text(f'SELECT EXISTS (SELECT FROM "{table.name}" WHERE {name} LIKE ANY(:patterns))')
                if session.scalar(there, {"patterns": patterns}):
                    found[sort].add((table.name, column.name))
            there = text(f'SELECT EXISTS (SELECT FROM "{table.name}" WHERE {name} = ANY(:numbers))')
            is_number = column.name in ("number", "entitlement", "holder")
            if is_number and session.scalar(there, {"numbers": [str(number) for number in someone.numbers]}):
                found["number"].add((table.name, column.name))
    return found


def sealed(session, rings, someone: Person) -> set[tuple[str, str]]:
    """Return the sealed columns that say the id or a word to whoever opens them."""
    needles, found = (str(someone.id), *someone.words), set()
    for one in SEALED_COLUMNS:
        name = one.name or f"{one.table}.{one.column.removesuffix('_sealed')}"
        columns = [sql_column(key) for key in (*one.key, one.column)]
        rows = select(*columns).select_from(sql_table(one.table, *columns)).where(columns[-1].is_not(None))
        for *key, value in session.execute(rows):
            try:
                opened = vault.unseal(rings, name, vault.row_key(tuple(key)), bytes(value))
            except (vault.SealBroken, KeyMissing, DataKeyDestroyed):
                continue
            if any(needle in opened for needle in needles):
                found.add((one.table, one.column))
    return found
