"""The use cases of venues; with `venues.errors` all that other slices may call."""

from qe_ban.venues.rules import InvitationState, Review
from qe_ban.venues.service.enrolling import (
    EnrolledScanner,
    Ticket,
    add_fixed_enrolment,
    approve,
    enrol,
    invitation_state,
    invitations,
    invite,
)
from qe_ban.venues.service.places import (
    NewVenue,
    VenueChange,
    change_venue,
    confirm,
    create,
    flag_names,
    is_involved,
    review,
    seed_venue,
    venue,
    venues,
)
from qe_ban.venues.service.retention import ENDINGS
from qe_ban.venues.service.scanners import revoke, scanners

__all__ = [
    "ENDINGS",
    "EnrolledScanner",
    "InvitationState",
    "NewVenue",
    "Review",
    "Ticket",
    "VenueChange",
    "add_fixed_enrolment",
    "approve",
    "change_venue",
    "confirm",
    "create",
    "enrol",
    "flag_names",
    "invitation_state",
    "invitations",
    "invite",
    "is_involved",
    "review",
    "revoke",
    "scanners",
    "seed_venue",
    "venue",
    "venues",
]
