"""The use cases of accounts; with `accounts.errors` all that other slices may call."""

from qe_ban.accounts.rules import Role
from qe_ban.accounts.rules.traces import Retention
from qe_ban.accounts.service.acting_for import Subject, record_for_ward, resolve_subject
from qe_ban.accounts.service.acts_for_wards import record as record_acts_for_wards
from qe_ban.accounts.service.clients import check_proof, nonce, register_client, revoke_client, sign_in_client
from qe_ban.accounts.service.closing import (
    Plan,
    check_closings,
    close_account,
    close_returned,
    closing_report,
    plan_closing,
)
from qe_ban.accounts.service.collaborators import (
    Accounts,
    PersonalDataEraser,
    WalletHooks,
    count_nothing_more,
    poll_revocations,
)
from qe_ban.accounts.service.consent_order import turn_over as order_consents
from qe_ban.accounts.service.consents import ConsentDecision, grant_consent, request_consents, withdraw_consent
from qe_ban.accounts.service.consents_shown import ConsentAct, ConsentStatus, consent_history, list_consents
from qe_ban.accounts.service.families import end, refresh, require_running, revoke
from qe_ban.accounts.service.fresh_consents import holder_hashes as consent_hashes
from qe_ban.accounts.service.fresh_consents import newest as newest_fresh_decision
from qe_ban.accounts.service.fresh_consents import turn_over as turn_over_consents
from qe_ban.accounts.service.housekeeping import message_handlers
from qe_ban.accounts.service.names import RealName, real_name_of
from qe_ban.accounts.service.otp import OtpSent, limit_otp, limit_tries, redeem_otp, request_otp, sign_in_by_otp
from qe_ban.accounts.service.people import Found, Me, Wanted, limit_look_ups, look_up, me
from qe_ban.accounts.service.proposals import require_settled, require_two_persons
from qe_ban.accounts.service.real_name import begin_claim, confirm_claim, finish_claim, regret_claim
from qe_ban.accounts.service.residents import has_phone, id_number_from, lock_reachable, phone_from
from qe_ban.accounts.service.retention import ENDINGS
from qe_ban.accounts.service.seeding import seed_guardianship, seed_resident, seed_staff, seed_ward
from qe_ban.accounts.service.sign_in_order import turn_over as turn_over_sign_ins
from qe_ban.accounts.service.sign_ins import seal_all_open as seal_sign_ins
from qe_ban.accounts.service.staff import (
    StaffAttempt,
    Standing,
    begin_sign_in,
    create_staff,
    finish_sign_in,
    limit_sign_in,
    standing,
)
from qe_ban.accounts.service.staffing import change_staff, disable_staff, enable_staff, list_staff
from qe_ban.accounts.service.step_up import begin_step_up, confirm_face, finish_step_up
from qe_ban.accounts.service.tokens import Tokens, principal_from
from qe_ban.accounts.service.unheld import close_unheld
from qe_ban.accounts.service.ward_closings import (
    ask_ward_closing,
    close_due_wards,
    plan_ward_closing,
    stop_own_closing,
    stop_ward_closing,
)
from qe_ban.accounts.service.ward_closings import (
    stop_at_window as stop_closing_at_window,
)
from qe_ban.accounts.service.wards import (
    Relation,
    Shown,
    WardBasis,
    Wish,
    acting_for,
    ask_register,
    begin_ward,
    confirm_at_window,
    confirm_guardian,
    end_at_window,
    end_guardian,
    end_ward,
    finish_ward,
    look_up_guardianships,
    regret_ward,
    wards_ever,
)
from qe_ban.accounts.service.wards import (
    end_due as end_due_wards,
)
from qe_ban.accounts.service.wards import (
    end_returned as end_returned_ward,
)
from qe_ban.accounts.service.wards import (
    guardians as guardians_of,
)
from qe_ban.accounts.service.wards import (
    wards as wards_of,
)
from qe_ban.accounts.service.watching import WATCHES

__all__ = [
    "ENDINGS",
    "WATCHES",
    "Accounts",
    "ConsentAct",
    "ConsentDecision",
    "ConsentStatus",
    "Found",
    "Me",
    "OtpSent",
    "PersonalDataEraser",
    "Plan",
    "RealName",
    "Relation",
    "Retention",
    "Role",
    "Shown",
    "StaffAttempt",
    "Standing",
    "Subject",
    "Tokens",
    "WalletHooks",
    "Wanted",
    "WardBasis",
    "Wish",
    "acting_for",
    "ask_register",
    "ask_ward_closing",
    "begin_claim",
    "begin_sign_in",
    "begin_step_up",
    "begin_ward",
    "change_staff",
    "check_closings",
    "check_proof",
    "close_account",
    "close_due_wards",
    "close_returned",
    "close_unheld",
    "closing_report",
    "confirm_at_window",
    "confirm_claim",
    "confirm_face",
    "confirm_guardian",
    "consent_hashes",
    "consent_history",
    "count_nothing_more",
    "create_staff",
    "disable_staff",
    "enable_staff",
    "end",
    "end_at_window",
    "end_due_wards",
    "end_guardian",
    "end_returned_ward",
    "end_ward",
    "finish_claim",
    "finish_sign_in",
    "finish_step_up",
    "finish_ward",
    "grant_consent",
    "guardians_of",
    "has_phone",
    "id_number_from",
    "limit_look_ups",
    "limit_otp",
    "limit_sign_in",
    "limit_tries",
    "list_consents",
    "list_staff",
    "lock_reachable",
    "look_up",
    "look_up_guardianships",
    "me",
    "message_handlers",
    "newest_fresh_decision",
    "nonce",
    "order_consents",
    "phone_from",
    "plan_closing",
    "plan_ward_closing",
    "poll_revocations",
    "principal_from",
    "real_name_of",
    "record_acts_for_wards",
    "record_for_ward",
    "redeem_otp",
    "refresh",
    "register_client",
    "regret_claim",
    "regret_ward",
    "request_consents",
    "request_otp",
    "require_running",
    "require_settled",
    "require_two_persons",
    "resolve_subject",
    "revoke",
    "revoke_client",
    "seal_sign_ins",
    "seed_guardianship",
    "seed_resident",
    "seed_staff",
    "seed_ward",
    "sign_in_by_otp",
    "sign_in_client",
    "standing",
    "stop_closing_at_window",
    "stop_own_closing",
    "stop_ward_closing",
    "turn_over_consents",
    "turn_over_sign_ins",
    "wards_ever",
    "wards_of",
    "withdraw_consent",
]
