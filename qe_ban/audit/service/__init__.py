"""The audit as other slices use it: recorded in their transactions, read by auditors, sealed, watched by the worker."""

from qe_ban.audit.rules.alarms import AlarmKind
from qe_ban.audit.rules.findings import Finding
from qe_ban.audit.service.adopting import adopt_after_upgrade, adopt_keys
from qe_ban.audit.service.alarms import (
    AlarmFilter,
    close_alarm,
    count_open,
    forget_holders,
    raise_,
    read_alarms,
    subjects_since,
)
from qe_ban.audit.service.heads import Head
from qe_ban.audit.service.heads import read as read_heads
from qe_ban.audit.service.reading import Criteria, IdsOfResidents, ResidentIds, read
from qe_ban.audit.service.recording import AtShell, Precondition, difference, record, record_change
from qe_ban.audit.service.retaining import ENDINGS, Retention, drop_months, make_months
from qe_ban.audit.service.sealing import Sealer, seconds_since_seal, unsealed_ids
from qe_ban.audit.service.verifying import Check, hold_still
from qe_ban.audit.service.watching import WATCHES, After, Tally, Watch, Watchman, one_by_one, watch
from qe_ban.audit.service.words import seal_words
from qe_ban.kernel.principal import Change

__all__ = [
    "ENDINGS",
    "WATCHES",
    "After",
    "AlarmFilter",
    "AlarmKind",
    "AtShell",
    "Change",
    "Check",
    "Criteria",
    "Finding",
    "Head",
    "IdsOfResidents",
    "Precondition",
    "ResidentIds",
    "Retention",
    "Sealer",
    "Tally",
    "Watch",
    "Watchman",
    "adopt_after_upgrade",
    "adopt_keys",
    "close_alarm",
    "count_open",
    "difference",
    "drop_months",
    "forget_holders",
    "hold_still",
    "make_months",
    "one_by_one",
    "raise_",
    "read",
    "read_alarms",
    "read_heads",
    "record",
    "record_change",
    "seal_words",
    "seconds_since_seal",
    "subjects_since",
    "unsealed_ids",
    "watch",
]
