"""What a version of a page says, also when it is no longer in force: what people agreed to stays readable."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from qe_ban.publishing.queries import versions as queries
from qe_ban.publishing.rules.states import PageKind


def content_of(session: Session, kind: PageKind, slug: str, number: int) -> Mapping[str, Any] | None:
    """Give what a version says; None where there is no such version."""
    found = queries.one(session, kind, slug, number)
    return found[0].content if found is not None else None
