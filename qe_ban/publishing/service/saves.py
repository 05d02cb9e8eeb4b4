"""Earlier drafts of pages, as their staff read them, and how long they are kept."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from qe_ban.db.retention import Ending
from qe_ban.kernel.principal import Principal
from qe_ban.publishing.models import PAGE_TABLES, MediaUse, PageSave
from qe_ban.publishing.rules.states import PageKind
from qe_ban.publishing.service import access
from qe_ban.publishing.service.page_documents import PAGES, key_of
from qe_ban.publishing.service.page_types import PageTypes
from qe_ban.reviewing.models import SaveColumns
from qe_ban.reviewing.service import saves


def list_saves(
    session: Session, page_types: PageTypes, kind: PageKind, slug: str, *, reader: Principal
) -> Sequence[SaveColumns]:
    """Return the earlier drafts of a page, newest first. Raises PageNotFound, OtherPlace."""
    access.page_type_of(page_types, kind, slug, reader.place)
    return saves.list_saves(session, PAGE_TABLES, key_of(kind, slug))


def read_save(
    session: Session, page_types: PageTypes, kind: PageKind, slug: str, number: int, *, reader: Principal
) -> SaveColumns:
    """Return one earlier draft. Raises PageNotFound, OtherPlace, SaveNotFound."""
    access.page_type_of(page_types, kind, slug, reader.place)
    return saves.read_save(session, PAGE_TABLES, key_of(kind, slug), number)


def _delete_old(session: Session, before: datetime) -> int:
    return saves.delete_old(session, PAGES, before)


ENDINGS: Final = (Ending(PageSave, saves.MAX_AGE, _delete_old, also=(MediaUse,)),)
