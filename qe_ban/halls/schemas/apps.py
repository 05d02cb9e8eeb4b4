"""The wire shapes of local apps."""

from typing import Final

from qe_ban.halls.rules.apps import FIELDS, MOST_DISTRICTS
from qe_ban.halls.rules.words import APP_KINDS
from qe_ban.kernel import patterns
from qe_ban.publishing.schemas.screens import PictureSchema
from qe_ban.web import fields
from qe_ban.web.paging import PageQuery, page_schema
from qe_ban.web.shapes import input_field, output_field, shape

WORDS: Final = 40
"""The most characters of what is looked for."""


class HallAppsQuery(PageQuery):
    """A page of a hall's apps."""

    limit = fields.Whole(1, 100, load_default=50)
    category = fields.Text(1, 20, load_default=None)
    kind = fields.Choice(list(APP_KINDS), name="AppKind", load_default=None)
    q = fields.Text(1, WORDS, load_default=None)


class AppsQuery(HallAppsQuery):
    """A page of apps: all, or those that a hall offers (its own and the city's; `city`: the city's alone)."""

    hall = fields.Text(1, 40, patterns.SLUG, load_default=None)


PutAppSchema = shape(
    "PutAppSchema", "The whole of what is said of an app.", {one.name: input_field(one) for one in FIELDS}
)


class AppCardSchema(
    shape("AppFieldsSchema", "What is said of an app.", {one.name: output_field(one) for one in FIELDS})  # type: ignore[misc]
):
    """An app as pages show it. Only an `active` one is opened; `state_reason` says why another is not."""

    slug = fields.Text(1, 40, patterns.SLUG, required=True)
    kind_name = fields.Text(1, 20, required=True)
    state_name = fields.Text(1, 20, required=True)
    district_names = fields.Many(fields.Text(1, 40), MOST_DISTRICTS, required=True)
    picture = fields.Nested(PictureSchema, required=True, allow_none=True)


class AppSchema(AppCardSchema):
    """An app. Only an `active` one is opened; `state_reason` says why another is not. No districts: the whole city."""

    position = fields.Whole(0, required=True)
    updated_at = fields.Moment(required=True)


AppPage = page_schema(AppSchema)
