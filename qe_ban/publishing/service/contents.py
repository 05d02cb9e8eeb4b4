"""What a version of a page contains, also when it is no longer in force: what people agreed to stays readable."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from qe_ban.publishing.models import PageVersion
from qe_ban.publishing.rules.states import PageKind


def content_of(session: Session, kind: PageKind, slug: str, number: int) -> Mapping[str, Any] | None:
    """Return what a version contains; None where there is no such version."""
    version = session.get(PageVersion, (kind.value, slug, number))
    return version.content if version is not None else None
