"""QE1, the format of the codes: reading, verifying and issuing them, as pure functions of what they are given."""

from qe_ban.codes.token.claims import Claims, Profile, Reason, Refused, Unproven
from qe_ban.codes.token.issuing import issue
from qe_ban.codes.token.parsing import MAX_CHARACTERS, ParsedCode, parse, strip_edge
from qe_ban.codes.token.reference import Reference, ReferenceUnreadable, open_, seal
from qe_ban.codes.token.vector_file import VectorsInvalid
from qe_ban.codes.token.vectors import check as check_vectors
from qe_ban.codes.token.verification import Keys, Policy, VerificationKey, check, verify

__all__ = [
    "MAX_CHARACTERS",
    "Claims",
    "Keys",
    "ParsedCode",
    "Policy",
    "Profile",
    "Reason",
    "Reference",
    "ReferenceUnreadable",
    "Refused",
    "Unproven",
    "VectorsInvalid",
    "VerificationKey",
    "check",
    "check_vectors",
    "issue",
    "open_",
    "parse",
    "seal",
    "strip_edge",
    "verify",
]
