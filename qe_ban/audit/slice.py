"""What the audit brings: its log, read by auditors, and alarms, read by whoever is on duty."""

from typing import Final

from qe_ban.audit import routes
from qe_ban.composition import Slice
from qe_ban.web.ranks import Operations, Rank

SLICE: Final = Slice(
    name="audit",
    operations=(Operations(routes.blp, Rank.STAFF), Operations(routes.alarms, Rank.STAFF)),
    scopes=frozenset({"audit.read", "alarms.read", "alarms.close"}),
)
