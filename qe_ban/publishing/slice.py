"""What publishing brings: all kinds of pages with their drafts and versions, and pictures."""

from typing import Final

from qe_ban.composition import Slice
from qe_ban.publishing.routes import desk, media
from qe_ban.publishing.rules.states import PageKind
from qe_ban.web.ranks import Operations, Rank

_BLUEPRINTS: Final = (
    media.blp,
    desk.blueprint(PageKind.HALL, "/halls"),
    desk.blueprint(PageKind.ZONE, "/zones"),
)

SLICE: Final = Slice(
    name="publishing",
    operations=tuple(Operations(blueprint, Rank.STAFF, reads=Rank.PAGES) for blueprint in _BLUEPRINTS),
    scopes=frozenset({"pages.read", "pages.write", "pages.review", "pages.publish", "pages.withdraw", "media.write"}),
)
