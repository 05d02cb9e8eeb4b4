"""A draft started anew from what was saved earlier, or from a version: the one in force, say."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from qe_ban.audit import service as audit
from qe_ban.kernel.shapes import Fault
from qe_ban.publishing.rules.states import PageKind
from qe_ban.publishing.service import access, drafts, saves
from qe_ban.publishing.service.drafts import Draft
from qe_ban.publishing.service.page_documents import PAGES, key_of
from qe_ban.publishing.service.page_types import PageTypes
from qe_ban.reviewing.service import history


def restore(
    session: Session,
    page_types: PageTypes,
    kind: PageKind,
    slug: str,
    *,
    version: int | None,
    save: int | None,
    precondition: audit.Precondition,
    change: audit.Change,
) -> tuple[Draft, Sequence[Fault]]:
    """Save the content of a version, or of an earlier save, as the draft; just one of the two is given.

    It is checked and reviewed like any other. Raises VersionNotFound, SaveNotFound, and what `drafts.save` raises.
    """
    access.page_type_of(page_types, kind, slug, change.by.place)
    if save is not None:
        content = saves.read_save(session, page_types, kind, slug, save, reader=change.by).content
    else:
        content = history.read_row(session, PAGES.tables, key_of(kind, slug), version or 0)[0].content
    return drafts.save(session, page_types, kind, slug, content, precondition=precondition, change=change)
