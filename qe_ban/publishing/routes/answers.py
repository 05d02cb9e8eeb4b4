"""How drafts and publications are answered, and what a write believes to be there."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import Response

from qe_ban.audit import service as audit
from qe_ban.kernel.shapes import Fault
from qe_ban.keys.rings import KeyRings
from qe_ban.publishing.schemas import desk as schemas
from qe_ban.publishing.service.drafts import Draft
from qe_ban.publishing.service.page_documents import PAGES
from qe_ban.publishing.service.publications import PagePublication
from qe_ban.reviewing.models import DraftColumns, VersionColumns
from qe_ban.reviewing.rules.states import DRAFT_STATE_NAMES, DraftState
from qe_ban.reviewing.rules.versions import VersionPeriod
from qe_ban.reviewing.service import reasons
from qe_ban.reviewing.service.scheduled import ScheduledOutcome
from qe_ban.web import conditional, guard, requests
from qe_ban.web.parts import now, part

NOBODY_WROTE = "0"
"""The state of a page that has no draft yet: to `If-None-Match: *` it is not there."""


@dataclass(frozen=True, slots=True)
class Believed:
    """What a write believes of a page; `seen`: the state that was looked at before, which must still be there."""

    said: conditional.Precondition
    seen: str | None = None

    def __call__(self, state: str | None) -> None:
        """Raise PreconditionFailed unless the page is in this state."""
        if self.seen is not None and state != self.seen:
            raise conditional.changed(state)
        absent = state == NOBODY_WROTE and self.said.match is None
        self.said(None if absent else state)


def believed() -> Believed:
    """Give what the request says in If-Match or `If-None-Match: *`. Raises PreconditionRequired for neither."""
    return Believed(conditional.required())


def change() -> audit.Change:
    """Give who changes something now, in this request."""
    return audit.Change(guard.principal(), now(), requests.request_id())


def draft(found: Draft) -> dict[str, Any]:
    """Give a draft as its schema dumps it."""
    dumped: dict[str, Any] = schemas.DraftSchema().dump(_fields(found.page) | _about(found))
    return dumped


def written(found: Draft, **more: Any) -> Response:
    """Answer a write with the draft as it stands now."""
    return conditional.written(draft(found), found.tag, **more)


def published(answer: PagePublication) -> Response:
    """Answer a publication with the version that was published and the scheduled ones."""
    publication, marks = answer.publication, schemas.MarkSchema()
    return written(
        answer.draft,
        published=marks.dump(_to_mark(publication.version)),
        upcoming=marks.dump([_to_mark(period) for period in publication.upcoming], many=True),
        later=later(publication.later),
    )


def _to_mark(version: VersionColumns | VersionPeriod | ScheduledOutcome) -> dict[str, Any]:
    return {"version": version.number, "starts_at": version.starts_at, "ends_at": version.ends_at}


def later(versions: Sequence[ScheduledOutcome]) -> list[dict[str, Any]]:
    """Return what became of scheduled versions, as their schema dumps it."""
    rows = [_to_mark(version) | {"outcome": version.outcome} for version in versions]
    dumped: list[dict[str, Any]] = schemas.LaterVersionSchema().dump(rows, many=True)
    return dumped


def saved(found: Draft, warnings: Sequence[Fault]) -> Response:
    """Answer a save with the draft, and with what was noticed in what was sent beside what it tells anyway."""
    noticed = schemas.NoticedSchema().dump([*warnings, *found.warnings], many=True)
    return written(found, warnings=noticed)


def _fields(page: DraftColumns) -> dict[str, Any]:
    names = (
        "kind",
        "slug",
        "state",
        "content",
        "base",
        "latest",
        "editors",
        "edited_at",
        "submitted_by",
        "submitted_at",
        "reviewed_by",
        "reviewed_at",
        "ends_at",
    )
    reason = reasons.read_rejection(part(KeyRings), PAGES, page)
    return {name: getattr(page, name) for name in names} | {"reason": reason}


def _about(found: Draft) -> dict[str, Any]:
    return {
        "name": found.name,
        "state_name": DRAFT_STATE_NAMES[DraftState(found.page.state)],
        "in_force": found.in_force,
        "outdated": found.page.base < found.page.latest,
        "findings": found.findings,
        "scheduled": [
            {"version": one.number, "starts_at": one.starts_at, "ends_at": one.ends_at, "overlaps": one.overlaps}
            for one in found.scheduled
        ],
        "warnings": found.warnings,
    }
