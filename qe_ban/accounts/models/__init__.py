"""The tables of accounts."""

from qe_ban.accounts.models.residents import (
    ActForWard,
    Closing,
    Consent,
    ConsentEvent,
    FreshConsent,
    Guardianship,
    RecoveryCase,
    Resident,
)
from qe_ban.accounts.models.sign_ins import (
    Attempt,
    Client,
    OtpChallenge,
    RefreshFamily,
    RefreshToken,
    Revocation,
    UsedJti,
)
from qe_ban.accounts.models.staff import Proposal, Staff

__all__ = [
    "ActForWard",
    "Attempt",
    "Client",
    "Closing",
    "Consent",
    "ConsentEvent",
    "FreshConsent",
    "Guardianship",
    "OtpChallenge",
    "Proposal",
    "RecoveryCase",
    "RefreshFamily",
    "RefreshToken",
    "Resident",
    "Revocation",
    "Staff",
    "UsedJti",
]
