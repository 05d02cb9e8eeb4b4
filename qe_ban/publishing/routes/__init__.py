"""The interface of pages that halls and zones share: drafts, review, publication, versions, previews."""

from typing import Final

from qe_ban.publishing.routes import desk
from qe_ban.publishing.rules.states import PageKind

DESKS: Final = (desk.blueprint(PageKind.HALL, "/halls"), desk.blueprint(PageKind.ZONE, "/zones"))
