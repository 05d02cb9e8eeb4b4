"""The use cases of health levels, and all that the edge and the worker may call."""

from qe_ban.health.service.changes import ChangeContent, ChangeRequest, list_changes, propose_change, read_change
from qe_ban.health.service.corrections import (
    CorrectionContent,
    CorrectionFilter,
    answer_correction,
    has_open_request,
    list_corrections,
    my_corrections,
    read_correction,
    request_correction,
)
from qe_ban.health.service.deciding import approve_change, reject_change, withdraw_change
from qe_ban.health.service.levels import Health, MyLevel, my_level
from qe_ban.health.service.retention import ENDINGS
from qe_ban.health.service.upkeep import Upkeep, detectors

__all__ = [
    "ENDINGS",
    "ChangeContent",
    "ChangeRequest",
    "CorrectionContent",
    "CorrectionFilter",
    "Health",
    "MyLevel",
    "Upkeep",
    "answer_correction",
    "approve_change",
    "detectors",
    "has_open_request",
    "list_changes",
    "list_corrections",
    "my_corrections",
    "my_level",
    "propose_change",
    "read_change",
    "read_correction",
    "reject_change",
    "request_correction",
    "withdraw_change",
]
