"""The wire shapes of topics."""

from qe_ban.items.rules.vocabulary import AUDIENCES, DEEPEST, MOST_TOPICS
from qe_ban.kernel import patterns
from qe_ban.web import fields
from qe_ban.web.schema import Schema

NAME = 30


class TopicsQuery(Schema):
    """Topics of residents (`person`) or of firms (`firm`), or all."""

    audience = fields.Choice(AUDIENCES, load_default=None)


class PutTopicSchema(Schema):
    """The whole of what is said of a topic; no `parent` is a root. `position` orders those under one parent."""

    name = fields.Text(1, NAME, required=True)
    audience = fields.Choice(AUDIENCES, required=True)
    parent = fields.Text(1, 40, patterns.SLUG, allow_none=True, load_default=None)
    position = fields.Whole(0, 10_000, load_default=0)


class TopicSchema(PutTopicSchema):
    """A topic; `depth` is 0 for a root, `items` counts the current ones that name the topic itself."""

    slug = fields.Text(1, 40, required=True)
    parent = fields.Text(1, 40, required=True, allow_none=True)
    position = fields.Whole(0, required=True)
    depth = fields.Whole(0, DEEPEST - 1, required=True)
    items = fields.Whole(required=True)


class TopicsSchema(Schema):
    """All topics, each after its parent; there is no further page."""

    items = fields.Many(fields.Nested(TopicSchema), MOST_TOPICS, required=True)
    next = fields.Text(required=True, allow_none=True)
