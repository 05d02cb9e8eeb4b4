"""How drafts and publications are answered, and what a write believes to be there."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import Response

from qe_ban.audit import service as audit
from qe_ban.kernel.shapes import Fault
from qe_ban.keys.rings import KeyRings
from qe_ban.publishing.models import Page
from qe_ban.publishing.rules.states import STATE_NAMES, PageState
from qe_ban.publishing.schemas import desk as schemas
from qe_ban.publishing.service import reasons
from qe_ban.publishing.service.drafts import Draft
from qe_ban.publishing.service.later import LaterVersion
from qe_ban.publishing.service.publications import Published
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


def published(found: Published) -> Response:
    """Answer a publication with what was published and what is to come."""
    mark = {"version": found.number, "starts_at": found.starts_at, "ends_at": found.ends_at}
    upcoming = [{"version": one.number, "starts_at": one.starts_at, "ends_at": one.ends_at} for one in found.upcoming]
    marks = schemas.MarkSchema()
    return written(
        found.draft,
        published=marks.dump(mark),
        upcoming=marks.dump(upcoming, many=True),
        later=later(found.later),
    )


def later(versions: Sequence[LaterVersion]) -> list[dict[str, Any]]:
    """Give what became of versions that waited."""
    rows = [
        {"version": one.number, "starts_at": one.starts_at, "ends_at": one.ends_at, "outcome": one.outcome}
        for one in versions
    ]
    dumped: list[dict[str, Any]] = schemas.LaterVersionSchema().dump(rows, many=True)
    return dumped


def saved(found: Draft, warnings: Sequence[Fault]) -> Response:
    """Answer a save with the draft, and with what was noticed in what was sent beside what it tells anyway."""
    noticed = schemas.NoticedSchema().dump([*warnings, *found.warnings], many=True)
    return written(found, warnings=noticed)


def _fields(page: Page) -> dict[str, Any]:
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
    return {name: getattr(page, name) for name in names} | {"reason": reasons.of_page(part(KeyRings), page)}


def _about(found: Draft) -> dict[str, Any]:
    return {
        "name": found.name,
        "state_name": STATE_NAMES[PageState(found.page.state)],
        "in_force": found.in_force,
        "outdated": found.page.base < found.page.latest,
        "findings": found.findings,
        "scheduled": [
            {"version": one.number, "starts_at": one.starts_at, "ends_at": one.ends_at, "overlaps": one.overlaps}
            for one in found.scheduled
        ],
        "warnings": found.warnings,
    }
