"""Loads the sample catalogue through the services: what is there already stays as it is, what is missing comes."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from qe_ban.db.engine import Database
from qe_ban.items.service import departments, indexing, publishing, seeding
from qe_ban.sandbox.catalogue import files
from qe_ban.sandbox.catalogue.contents import Contents
from qe_ban.sandbox.catalogue.entries import Entry, entries
from qe_ban.sandbox.catalogue.offices import Office, Offices

_AT_ONCE: Final = 500

Place = tuple[str, Entry, Office]


def places(offices: Offices) -> list[Place]:
    """Return the code, entry and office of every item, in the order of their loading."""
    return [
        (office.code(entry.code), entry, office)
        for entry in entries()
        for office in offices.of(entry.kind["by"], entry.kind.get("offices", "both"))
    ]


def count_missing(database: Database) -> int:
    """Return how many items of the sample are not there: a look that needs no dictionary of words."""
    with database.transaction() as session:
        return len(seeding.missing(session, [code for code, _, _ in places(Offices())]))


def load(database: Database, now: datetime, selection: Sequence[Place] | None = None) -> int:
    """Load what is not there yet of all items or of a selection, 500 a transaction; return how many came.

    Stopped in the middle, it goes on the next time. Items that staff changed or ended are there and stay so. Topics and
    synonyms come with the first items, so that what staff took away stays away.
    """
    offices = Offices()
    candidates = places(offices) if selection is None else selection
    with database.transaction() as session:
        missing = seeding.missing(session, [code for code, _, _ in candidates])
    if not missing:
        return 0
    with database.transaction() as session:
        departments.ensure(session, offices.departments(), now)
        seeding.topics(session, files.read("topics"), now)
        seeding.synonyms(session, files.read("synonyms"), now)
    coming, contents = [place for place in candidates if place[0] in missing], Contents()
    for start in range(0, len(coming), _AT_ONCE):
        with database.transaction() as session:
            _store(session, contents, coming[start : start + _AT_ONCE], now)
    with database.transaction() as session:
        indexing.tidy(session, now)
    return len(coming)


def _store(session: Session, contents: Contents, coming: Sequence[Place], now: datetime) -> None:
    # before the items: search weighs a wording by its entry when it is made
    seeding.popularity(session, {entry.code: entry.popularity for _, entry, _ in coming})
    drafts = [publishing.Draft(code, contents.content(entry, office, code)) for code, entry, office in coming]
    publishing.put(session, drafts, by=None, source=publishing.VersionSource.SAMPLE, now=now)
