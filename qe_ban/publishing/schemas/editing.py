"""The wire shapes of drafts, reviews, publications, versions, previews and findings."""

from typing import Any, Final, get_args

import marshmallow

from qe_ban.kernel.field_types import Severity
from qe_ban.publishing.rules.states import PageKind
from qe_ban.publishing.schemas.blocks import PageContentSchema
from qe_ban.reviewing.rules.states import DraftState, VersionState
from qe_ban.reviewing.rules.versions import ScheduledPolicy
from qe_ban.web import fields
from qe_ban.web.paging import page_schema
from qe_ban.web.schema import Schema

MAX_PREVIEW_HOURS: Final = 168
PREVIEW: Final = 24
"""Hours."""
GREATEST: Final = 2**31 - 1
REASON: Final = 500
PLACE: Final = 200
KEY: Final = 2000
MESSAGE: Final = 2200


def later_choice() -> fields.Choice:
    """Return the field for what becomes of versions that wait: `keep` lets them begin, `replace` withdraws them."""
    description = "另有待生效的版本时必填：keep 保留，到时生效；replace 撤下"
    return fields.Choice(
        ScheduledPolicy, name="Later", load_default=None, allow_none=True, metadata={"description": description}
    )


class FindingSchema(Schema):
    """A reference that does not stand: where (`blocks.0.slides.1.item`), of which sort, what it names."""

    place = fields.Text(1, PLACE, required=True)
    reference = fields.Text(1, 20, required=True)
    key = fields.Text(1, KEY, required=True)
    message = fields.Text(1, MESSAGE, required=True)
    severity = fields.Choice(get_args(Severity), required=True)


class NoticedSchema(Schema):
    """Something noticed in a draft that hinders nothing; `code` says of which sort it is, `place` where (or empty)."""

    code = fields.Text(1, 40, required=True)
    place = fields.Text(0, PLACE, required=True)
    message = fields.Text(1, MESSAGE, required=True)


class OverlapSchema(Schema):
    """What a draft already says of a version that has not begun: where, and what that is called."""

    place = fields.Text(1, PLACE, required=True)
    heading = fields.Lines(1, 1000, required=True)


class MarkSchema(Schema):
    """A version and its times; without `ends_at` it stands until another takes its place."""

    version = fields.Whole(required=True)
    starts_at = fields.Moment(required=True)
    ends_at = fields.Moment(required=True, allow_none=True)


class ScheduledSchema(MarkSchema):
    """A version that has not begun; published before it, a draft that has `overlaps` makes them public early."""

    overlaps = fields.Many(fields.Nested(OverlapSchema), max=100_000, required=True)


class LaterVersionSchema(MarkSchema):
    """A version that waited, and what became of it."""

    outcome = fields.Choice(("kept", "withdrawn"), name="LaterOutcome", required=True)


class DraftSchema(Schema):
    """A page's draft and where it stands. `outdated`: a version was published since it was saved.

    `base` is the newest version when it was saved, `latest` the newest there is, `in_force` the one that is shown;
    `scheduled` are the next ones that have not begun, at most ten. `warnings` hinder nothing: what waits, dates that
    are hardly meant, and after a save text with tags that was cleaned, pictures without a description, what is gone.
    """

    kind = fields.Choice(PageKind, required=True)
    slug = fields.Text(1, 40, required=True)
    name = fields.Text(1, 100, required=True)
    state = fields.Choice(DraftState, name="PageState", required=True)
    state_name = fields.Text(1, 20, required=True)
    content = fields.Nested(PageContentSchema, required=True)
    base = fields.Whole(required=True)
    latest = fields.Whole(required=True)
    in_force = fields.Whole(required=True, allow_none=True)
    outdated = fields.Flag(required=True)
    editors = fields.Many(fields.Id(), max=10_000, required=True)
    edited_at = fields.Moment(required=True, allow_none=True)
    submitted_by = fields.Id(required=True, allow_none=True)
    submitted_at = fields.Moment(required=True, allow_none=True)
    reviewed_by = fields.Id(required=True, allow_none=True)
    reviewed_at = fields.Moment(required=True, allow_none=True)
    reason = fields.Lines(1, REASON, required=True, allow_none=True)
    ends_at = fields.Moment(required=True, allow_none=True)
    findings = fields.Many(fields.Nested(FindingSchema), max=100_000, required=True)
    scheduled = fields.Many(fields.Nested(ScheduledSchema), max=10, required=True)
    warnings = fields.Many(fields.Nested(NoticedSchema), max=2000, required=True)


class ListedSaveSchema(Schema):
    """A draft as it was saved once. `saved_by` is null where a program of an earlier release saved it."""

    save = fields.Whole(required=True)
    saved_at = fields.Moment(required=True)
    saved_by = fields.Id(required=True, allow_none=True)
    title = fields.Text(1, 40, required=True, allow_none=True)
    blocks = fields.Whole(required=True)


class SavesSchema(Schema):
    """All saved drafts that are kept of a page."""

    items = fields.Many(fields.Nested(ListedSaveSchema), max=100, required=True)
    next = fields.Text(required=True, allow_none=True)


class SaveSchema(ListedSaveSchema):
    """A saved draft with what it said."""

    content = fields.Nested(PageContentSchema, required=True)


class RestoreSchema(Schema):
    """What the draft begins anew with: an earlier save, or a version; just one of the two."""

    save = fields.Whole(1, GREATEST, load_default=None, allow_none=True)
    version = fields.Whole(1, GREATEST, load_default=None, allow_none=True)

    @marshmallow.validates_schema
    def check_source(self, data: dict[str, Any], **_options: Any) -> None:
        """Refuse both and neither."""
        if (data["save"] is None) == (data["version"] is None):
            raise marshmallow.ValidationError("save 与 version 须填写其中一项", "save")


class RejectSchema(Schema):
    """Why a draft goes back."""

    reason = fields.Lines(1, REASON, required=True)


class PublishSchema(Schema):
    """When a version begins (now, unless told) and ends (never, unless told)."""

    at = fields.Moment(load_default=None, allow_none=True)
    end_at = fields.Moment(load_default=None, allow_none=True)
    later = later_choice()


class RollbackSchema(Schema):
    """The version whose content is published again."""

    version = fields.Whole(1, GREATEST, required=True)
    later = later_choice()


class WithdrawSchema(Schema):
    """The version to take away, and why."""

    version = fields.Whole(1, GREATEST, required=True)
    reason = fields.Lines(1, REASON, required=True)
    later = later_choice()


class WithdrawnDraftSchema(DraftSchema):
    """The draft after a withdrawal; `later`: what became of versions that waited."""

    later = fields.Many(fields.Nested(LaterVersionSchema), max=100_000, required=True)


class PublishedDraftSchema(DraftSchema):
    """What was published; `upcoming` are all versions that have not begun, in the order in which they will.

    `later`: what became of those that waited and would take its place.
    """

    published = fields.Nested(MarkSchema, required=True)
    upcoming = fields.Many(fields.Nested(MarkSchema), max=100_000, required=True)
    later = fields.Many(fields.Nested(LaterVersionSchema), max=100_000, required=True)


class ListedVersionSchema(MarkSchema):
    """One version: who made, approved and published it, and where it stands now."""

    state = fields.Choice(VersionState, required=True)
    state_name = fields.Text(1, 20, required=True)
    editors = fields.Many(fields.Id(), max=10_000, required=True)
    approved_by = fields.Id(required=True)
    published_by = fields.Id(required=True)
    published_at = fields.Moment(required=True)
    rollback_of = fields.Whole(required=True, allow_none=True)
    withdrawn_by = fields.Id(required=True, allow_none=True)
    withdrawn_at = fields.Moment(required=True, allow_none=True)
    withdrawal_reason = fields.Lines(1, REASON, required=True, allow_none=True)


class PageVersionSchema(ListedVersionSchema):
    """A version with what it says."""

    content = fields.Nested(PageContentSchema, required=True)


class PageChangeSchema(Schema):
    """One difference, told for people; null where there was or is nothing."""

    place = fields.Text(1, PLACE, required=True)
    heading = fields.Lines(1, 1000, required=True)
    before = fields.Lines(0, 1_000_000, required=True, allow_none=True)
    after = fields.Lines(0, 1_000_000, required=True, allow_none=True)


class DifferenceSchema(Schema):
    """How two versions of a page differ, from one to the other; 0 is the draft."""

    before = fields.Whole(required=True)
    after = fields.Whole(required=True)
    changes = fields.Many(fields.Nested(PageChangeSchema), max=100_000, required=True)


class NewPreviewSchema(Schema):
    """For how many hours a link shows the draft."""

    hours = fields.Whole(1, MAX_PREVIEW_HOURS, load_default=PREVIEW)


class PreviewSchema(Schema):
    """A link that shows the draft as it is whenever it is opened, to whoever holds it."""

    url = fields.Text(1, 1000, required=True)
    expires_at = fields.Moment(required=True)


class BrokenSchema(Schema):
    """A reference of the version in force that the worker found broken."""

    version = fields.Whole(required=True)
    place = fields.Text(1, PLACE, required=True)
    reference = fields.Text(1, 20, required=True)
    key = fields.Text(1, KEY, required=True)
    message = fields.Text(1, MESSAGE, required=True)
    found_at = fields.Moment(required=True)


class FindingsSchema(Schema):
    """All that is broken of a page as it is shown."""

    items = fields.Many(fields.Nested(BrokenSchema), max=100_000, required=True)
    next = fields.Text(required=True, allow_none=True)


VersionPageSchema = page_schema(ListedVersionSchema)
