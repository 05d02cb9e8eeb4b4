"""The wire shapes of what zones show: the list, a screen, and searchable lists of a page's rows."""

from typing import Final

from qe_ban.kernel import patterns
from qe_ban.publishing.rules.blocks.words import AGE_MODES, AUDIENCES, EVENT_STATES, INDUSTRIES, SIZES
from qe_ban.publishing.rules.states import PageKind
from qe_ban.publishing.schemas.screens import ROWS, PageScreenSchema, PictureSchema, ThemeSchema
from qe_ban.web import fields
from qe_ban.web.paging import PageQuery
from qe_ban.web.schema import Schema
from qe_ban.web.shapes import Wire, shape
from qe_ban.zones.rules.showing import ZoneState

QUERY: Final = 100
SLUG: Final = 40


class ViewQuery(Schema):
    """How a client looks: it chooses what is shown and protects nothing."""

    district = fields.Text(
        6, 6, patterns.DISTRICT, load_default=None, metadata={"description": "区划代码（GB/T 2260）"}
    )
    real_name = fields.Flag(load_default=False)
    age_mode = fields.Choice(AGE_MODES, load_default="standard")
    audience = fields.Choice(AUDIENCES, load_default="person")


class ListQuery(PageQuery, ViewQuery):
    """What is searched for: every word must occur."""

    q = fields.Text(0, QUERY, load_default=None)


class SolutionsQuery(ListQuery):
    """Solutions, or cases, of an industry."""

    industry = fields.Choice(INDUSTRIES, load_default=None)


class PoliciesQuery(SolutionsQuery):
    """Policies for an industry and a size of firm."""

    size = fields.Choice(SIZES, load_default=None)


class EventsQuery(PageQuery, ViewQuery):
    """Events in a state."""

    state = fields.Choice(EVENT_STATES, name="EventState", load_default=None)


class ZoneOverviewSchema(Schema):
    """A zone of the list; `opens_at` of one that is coming, `ended_at` of one that has ended."""

    slug = fields.Text(1, SLUG, required=True)
    name = fields.Text(1, SLUG, required=True)
    title = fields.Text(1, SLUG, required=True)
    summary = fields.Text(1, 200, required=True, allow_none=True)
    theme = fields.Nested(ThemeSchema, required=True)
    banner = fields.Nested(PictureSchema, required=True, allow_none=True)
    audiences = fields.Many(fields.Choice(AUDIENCES), required=True)
    state = fields.Choice(ZoneState, required=True)
    state_name = fields.Text(1, SLUG, required=True)
    opens_at = fields.Moment(required=True, allow_none=True)
    ended_at = fields.Moment(required=True, allow_none=True)


class ZoneOverviewsSchema(Schema):
    """All zones of the city, in its order."""

    items = fields.Many(fields.Nested(ZoneOverviewSchema), required=True)
    next = fields.Text(max=1024, allow_none=True, required=True)


class ZoneScreenSchema(PageScreenSchema):
    """A zone's screen in one call."""

    kind = fields.Choice([PageKind.ZONE.value], required=True)
    audiences = fields.Many(fields.Choice(AUDIENCES), required=True)
    version = fields.Whole(1, required=True)
    updated_at = fields.Moment(required=True)


class FacetSchema(Schema):
    """How many rows a choice of a filter leaves."""

    value = fields.Text(required=True)
    name = fields.Text(required=True)
    count = fields.Whole(required=True)


def _facets(name: str, filters: tuple[str, ...]) -> type[Schema]:
    wires: dict[str, Wire] = {one: fields.Many(fields.Nested(FacetSchema), required=True) for one in filters}
    return shape(f"{name}FacetsSchema", "By filter, how many rows each choice leaves.", wires)


def _page(name: str, block: str, table: str, *filters: str) -> type[Schema]:
    """Return the shape of a page of a table's rows; `filters`: by which there are counts."""
    description = f"One of {table}, with the id of its block."
    row = type(f"{name}Schema", (ROWS[block, table],), {"__doc__": description, "block": fields.Text(required=True)})
    wires: dict[str, Wire] = {
        "items": fields.Many(fields.Nested(row), required=True),
        "next": fields.Text(max=1024, required=True, allow_none=True),
        "total": fields.Whole(required=True),
    }
    if filters:
        wires["facets"] = fields.Nested(_facets(name, filters), required=True)
    return shape(f"{name}PageSchema", f"A page of {table}; `next` is null on the last one.", wires)


SolutionPage: Final = _page("Solution", "solution_list", "solutions", "industry")
SolutionCasePage: Final = _page("SolutionCase", "solution_list", "cases", "industry")
PolicyPage: Final = _page("Policy", "policy_list", "policies", "industry", "size")
EventPage: Final = _page("Event", "event", "events")
