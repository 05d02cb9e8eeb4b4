"""The wire shapes of lists of items, suggestions, synonyms and misses."""

from qe_ban.items.rules.fields import AUDIENCES, HANDLINGS, ITEM_TYPES, REACHES
from qe_ban.web import fields
from qe_ban.web.paging import PageQuery, page_schema
from qe_ban.web.schema import Schema

QUERY = 100
SLUG = 40
CODE = 33
NAME = 200
WORD = WORDS = 30


class HallQuery(Schema):
    """Whose list it is."""

    hall = fields.Text(1, SLUG, load_default=None, metadata={"description": "分厅：`city` 或区市的代号"})


class ItemsQuery(PageQuery, HallQuery):
    """What is searched for and what items must be."""

    q = fields.Text(0, QUERY, load_default=None, metadata={"description": "名称、俗称、拼音、首字母或事项编码"})
    department = fields.Text(1, 18, load_default=None)
    audience = fields.Choice(AUDIENCES, name="ItemAudience", load_default=None)
    topic = fields.Text(1, SLUG, load_default=None)
    online = fields.Flag(load_default=None)
    reach = fields.Choice(REACHES, load_default=None)


class SuggestQuery(HallQuery):
    """What somebody has typed so far."""

    q = fields.Text(1, QUERY, required=True)


class FoundPlaceSchema(Schema):
    """A department or a district."""

    code = fields.Text(1, 18, required=True)
    name = fields.Text(1, NAME, required=True)


def _parts() -> fields.Many:
    pair = fields.Many(fields.Whole(0, NAME), 2, 2)
    return fields.Many(pair, NAME, required=True, metadata={"description": "名称中应突出显示的部分：[起, 止)"})


class ListedItemSchema(Schema):
    """An item of a list; `offices`: how many other offices do the same."""

    code = fields.Text(12, CODE, required=True)
    name = fields.Text(1, NAME, required=True)
    item_type = fields.Choice(ITEM_TYPES, required=True)
    department = fields.Nested(FoundPlaceSchema, required=True)
    district = fields.Nested(FoundPlaceSchema, required=True, allow_none=True)
    reach = fields.Choice(REACHES, required=True)
    audiences = fields.Many(fields.Choice(AUDIENCES, name="ItemAudience"), required=True)
    topics = fields.Many(fields.Text(1, SLUG), required=True)
    online = fields.Flag(required=True)
    handling = fields.Choice(HANDLINGS, required=True)
    offices = fields.Whole(required=True)
    matched = _parts()


class CountSchema(Schema):
    """How many entries a choice leaves; `value` null: the city's own."""

    value = fields.Text(required=True, allow_none=True)
    name = fields.Text(1, NAME, required=True, allow_none=True)
    count = fields.Whole(required=True)


class CountsSchema(Schema):
    """Counts by filter, the greatest first; the twenty first departments."""

    department = fields.Many(fields.Nested(CountSchema), required=True)
    audience = fields.Many(fields.Nested(CountSchema), required=True)
    topic = fields.Many(fields.Nested(CountSchema), max=1000, required=True)
    online = fields.Many(fields.Nested(CountSchema), required=True)
    district = fields.Many(fields.Nested(CountSchema), required=True)


class FoundItemsSchema(Schema):
    """A page of what was found: one item for each entry. `total_capped`: there are more than `total`."""

    items = fields.Many(fields.Nested(ListedItemSchema), required=True)
    next = fields.Text(max=1024, required=True, allow_none=True)
    total = fields.Whole(required=True)
    total_capped = fields.Flag(required=True)
    counts = fields.Nested(CountsSchema, required=True)
    corrected = fields.Text(0, 1000, required=True, allow_none=True, metadata={"description": "可能想搜的词"})


class SuggestionSchema(Schema):
    """A name to go on with; `alias` is what begins as was typed where the name does not."""

    name = fields.Text(1, NAME, required=True)
    code = fields.Text(12, CODE, required=True)
    alias = fields.Text(1, NAME, required=True, allow_none=True)
    matched = _parts()


class SuggestionsSchema(Schema):
    """At most ten names, the popular first."""

    items = fields.Many(fields.Nested(SuggestionSchema), 10, required=True)


class SynonymsQuery(PageQuery):
    """A page of groups; `word`: those with this word."""

    word = fields.Text(1, WORD, load_default=None)


class NewSynonymsSchema(Schema):
    """Words that mean the same."""

    words = fields.Many(fields.Text(1, WORD), WORDS, 2, required=True)


class SynonymsSchema(NewSynonymsSchema):
    """A group as it stands, its words spelled as queries are compared."""

    id = fields.Id(required=True)
    updated_at = fields.Moment(required=True)


class MissesQuery(PageQuery, HallQuery):
    """A page of what was not found."""


class MissSchema(Schema):
    """A query that found nothing; `hall` null: where no hall was named."""

    query = fields.Text(1, 100, required=True)
    hall = fields.Text(1, SLUG, required=True, allow_none=True)
    count = fields.Whole(1, required=True)
    first_at = fields.Moment(required=True)
    last_at = fields.Moment(required=True)


SynonymsPage = page_schema(SynonymsSchema)
MissPage = page_schema(MissSchema)
