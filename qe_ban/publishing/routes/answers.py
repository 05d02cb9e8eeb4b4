"""How drafts and publications are answered, and what a write believes to be there."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import Response

from qe_ban.kernel.shapes import Fault
from qe_ban.keys.rings import KeyRings
from qe_ban.publishing.schemas import editing as schemas
from qe_ban.publishing.service.drafts import Draft
from qe_ban.publishing.service.outlook import ScheduledVersion
from qe_ban.publishing.service.page_documents import PAGES
from qe_ban.publishing.service.publications import PagePublication
from qe_ban.reviewing.models import DraftColumns, VersionColumns
from qe_ban.reviewing.rules.states import DRAFT_STATE_NAMES, DraftState
from qe_ban.reviewing.rules.versions import VersionPeriod
from qe_ban.reviewing.service import reasons
from qe_ban.reviewing.service.scheduled import ScheduledOutcome
from qe_ban.web import conditional
from qe_ban.web.parts import part

NOBODY_WROTE = "0"
"""The state of a page that has no draft yet: to `If-None-Match: *` it is not there."""


@dataclass(frozen=True, slots=True)
class DraftPrecondition:
    """What a write expects of a page; `tag`: the state that was read before, which must still be the same."""

    header: conditional.Precondition
    tag: str | None = None

    def __call__(self, state: str | None) -> None:
        """Raise PreconditionFailed unless the page is in this state."""
        if self.tag is not None and state != self.tag:
            raise conditional.precondition_failed(state)
        is_absent = state == NOBODY_WROTE and self.header.match is None
        self.header(None if is_absent else state)


def require_precondition() -> DraftPrecondition:
    """Return what the request says in If-Match or `If-None-Match: *`. Raises PreconditionRequired for neither."""
    return DraftPrecondition(conditional.read_precondition())


def dump_draft(draft: Draft) -> dict[str, Any]:
    """Return a draft as its schema dumps it."""
    body: dict[str, Any] = schemas.DraftSchema().dump(_dump_page(draft.page) | _dump_context(draft))
    return body


def answer_draft(draft: Draft, **more: Any) -> Response:
    """Answer a write with the draft as it stands now."""
    return conditional.respond_written(dump_draft(draft), draft.tag, **more)


def answer_publication(answer: PagePublication) -> Response:
    """Answer a publication with the version that was published and the scheduled ones."""
    publication, marks = answer.publication, schemas.MarkSchema()
    return answer_draft(
        answer.draft,
        published=marks.dump(_to_mark(publication.version)),
        upcoming=marks.dump([_to_mark(period) for period in publication.upcoming], many=True),
        later=dump_outcomes(publication.later),
    )


def _to_mark(version: VersionColumns | VersionPeriod | ScheduledOutcome | ScheduledVersion) -> dict[str, Any]:
    return {"version": version.number, "starts_at": version.starts_at, "ends_at": version.ends_at}


def dump_outcomes(outcomes: Sequence[ScheduledOutcome]) -> list[dict[str, Any]]:
    """Return what became of scheduled versions, as their schema dumps it."""
    rows = [_to_mark(outcome) | {"outcome": outcome.outcome} for outcome in outcomes]
    items: list[dict[str, Any]] = schemas.LaterVersionSchema().dump(rows, many=True)
    return items


def answer_save(draft: Draft, warnings: Sequence[Fault]) -> Response:
    """Answer a save with the draft, and with what was noticed in what was sent beside what it tells anyway."""
    rows = schemas.NoticedSchema().dump([*warnings, *draft.warnings], many=True)
    return answer_draft(draft, warnings=rows)


def _dump_page(page: DraftColumns) -> dict[str, Any]:
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


def _dump_context(draft: Draft) -> dict[str, Any]:
    return {
        "name": draft.name,
        "state_name": DRAFT_STATE_NAMES[DraftState(draft.page.state)],
        "in_force": draft.in_force,
        "outdated": draft.page.base < draft.page.latest,
        "findings": draft.findings,
        "scheduled": [{**_to_mark(version), "overlaps": version.overlaps} for version in draft.scheduled],
        "warnings": draft.warnings,
    }
