"""How a client looks at a page: the query of every screen and preview."""

from typing import Any

from qe_ban.kernel import patterns
from qe_ban.publishing.rules.blocks.words import AGE_MODES, AUDIENCES
from qe_ban.publishing.rules.views import View
from qe_ban.web import fields
from qe_ban.web.schema import Schema


class ViewQuery(Schema):
    """The district chosen (GB/T 2260), whether the real name is known, the size of letters, on whose behalf."""

    district = fields.Text(6, 6, patterns.DISTRICT, load_default=None)
    real_name = fields.Flag(load_default=False)
    age_mode = fields.Choice(AGE_MODES, load_default="standard")
    audience = fields.Choice(AUDIENCES, load_default="person")


def view(query: dict[str, Any]) -> View:
    """Return what the query says."""
    return View(query["district"], query["real_name"], query["age_mode"], query["audience"])
