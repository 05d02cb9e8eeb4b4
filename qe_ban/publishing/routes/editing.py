"""Makes the routes by which staff keep one kind of pages: the same for halls and for zones."""

from qe_ban.publishing.routes import drafts, history, previews, publications, reviews
from qe_ban.publishing.rules.states import PageKind
from qe_ban.web.api import Blueprint


def blueprint(kind: PageKind, prefix: str) -> Blueprint:
    """Give the routes of the pages of a kind, under `{prefix}/<slug>`."""
    blp = Blueprint(f"{kind.value}_pages", url_prefix=prefix, description="页面的草稿、审核与发布")
    for add in (drafts.add, reviews.add, publications.add, history.add, previews.add):
        add(blp, kind)
    return blp
