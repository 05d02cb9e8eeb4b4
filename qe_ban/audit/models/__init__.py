"""Tables of the audit log: events, the seals over them, and alarms."""

from qe_ban.audit.models.alarms import Alarm
from qe_ban.audit.models.events import AuditEvent
from qe_ban.audit.models.seals import Leaf, Seal
from qe_ban.audit.models.words import AuditWords

__all__ = ["Alarm", "AuditEvent", "AuditWords", "Leaf", "Seal"]
