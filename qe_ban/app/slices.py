"""All slices of the product: those that others stand on come first, and so do those that clients read of first.

The order is that of the schedules in one run, and of the chapters of the interface; rows end in the reverse order.
"""

from typing import Final

from qe_ban.accounts.slice import SLICE as ACCOUNTS
from qe_ban.app.platform import PLATFORM
from qe_ban.audit.slice import SLICE as AUDIT
from qe_ban.codes.slice import SLICE as CODES
from qe_ban.composition import Slice
from qe_ban.composition.checks import check, tables_by_package
from qe_ban.halls.slice import SLICE as HALLS
from qe_ban.health.slice import SLICE as HEALTH
from qe_ban.items.slice import SLICE as ITEMS
from qe_ban.jobs.slice import SLICE as JOBS
from qe_ban.publishing.slice import SLICE as PUBLISHING
from qe_ban.reviewing.slice import SLICE as REVIEWING
from qe_ban.venues.slice import SLICE as VENUES
from qe_ban.zones.slice import SLICE as ZONES

SLICES: Final[tuple[Slice, ...]] = check(
    (PLATFORM, ACCOUNTS, VENUES, CODES, HEALTH, AUDIT, JOBS, ITEMS, REVIEWING, PUBLISHING, ZONES, HALLS),
    tables_by_package(),
)
