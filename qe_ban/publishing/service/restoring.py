"""A draft started anew from what was saved earlier, or from a version: the one in force, say."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from qe_ban.audit import service as audit
from qe_ban.kernel.shapes import Fault
from qe_ban.publishing import errors
from qe_ban.publishing.queries import versions as queries
from qe_ban.publishing.rules.states import PageKind
from qe_ban.publishing.service import access, drafts, saves
from qe_ban.publishing.service.desks import Desks
from qe_ban.publishing.service.drafts import Draft


def restore(
    session: Session,
    desks: Desks,
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
    access.desk_of(desks, kind, slug, change.by.place)
    if save is not None:
        content = saves.one(session, desks, kind, slug, save, reader=change.by).content
    else:
        row = queries.version(session, kind, slug, version or 0)
        if row is None:
            raise errors.VersionNotFound
        content = row.content
    return drafts.save(session, desks, kind, slug, content, precondition=precondition, change=change)
