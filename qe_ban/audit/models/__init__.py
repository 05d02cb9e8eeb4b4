"""Tables of the audit log: events, the seals over them, and alarms."""

from qe_ban.audit.models.alarms import Alarm
from qe_ban.audit.models.events import AuditEvent
from qe_ban.audit.models.seals import Leaf, Seal

__all__ = ["Alarm", "AuditEvent", "Leaf", "Seal"]
