"""The words that accounts are told by: how sure, where a thing stands, why, who is what to whom."""

from enum import StrEnum


class Assurance(StrEnum):
    """How sure it is who holds an account."""

    NONE = "none"
    VERIFIED = "verified"


class ConsentState(StrEnum):
    """Whether a resident was asked for a consent, or gave it."""

    REQUESTED = "requested"
    GRANTED = "granted"
    WITHDRAWN = "withdrawn"


class CaseState(StrEnum):
    """Where the recovery of an account stands."""

    OPEN = "open"
    SETTLED = "settled"
    REJECTED = "rejected"


class CaseKind(StrEnum):
    """Why an account and its phone no longer belong together, or that the account is to be closed at a window."""

    CLAIMED = "claimed"
    NEW_PHONE = "new_phone"
    RECYCLED = "recycled"
    LOST_PHONE = "lost_phone"
    CLOSING = "closing"


class GuardianshipState(StrEnum):
    """Where a guardianship stands."""

    PENDING = "pending"
    ACTIVE = "active"
    ENDED = "ended"


class ConfirmedBy(StrEnum):
    """Whose word a guardianship came into force by."""

    REGISTER = "register"
    WARD = "ward"
    WINDOW = "window"


class EndedBy(StrEnum):
    """Who or what ended a guardianship; `lapsed`: nobody confirmed it in time."""

    GUARDIAN = "guardian"
    WARD = "ward"
    WINDOW = "window"
    AGE = "age"
    UNTIL = "until"
    LAPSED = "lapsed"
    CLOSING = "closing"


class Relation(StrEnum):
    """What a guardian is to the ward."""

    PARENT = "parent"
    CHILD = "child"
    SPOUSE = "spouse"
    GRANDPARENT = "grandparent"
    GRANDCHILD = "grandchild"
    SIBLING = "sibling"
    OTHER = "other"


class WardBasis(StrEnum):
    """Why one may act for another: custody of a child, a court's order, or the ward's own word."""

    CUSTODY = "custody"
    COURT = "court"
    ENTRUSTED = "entrusted"
