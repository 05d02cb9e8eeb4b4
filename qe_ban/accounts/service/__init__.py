"""The use cases of accounts; with `accounts.errors` all that other slices may call."""

from qe_ban.accounts.service.clients import check_proof, nonce, register_client, revoke_client, sign_in_client
from qe_ban.accounts.service.collaborators import Accounts, poll_revocations
from qe_ban.accounts.service.consents import grant_consent, list_consents
from qe_ban.accounts.service.families import end, refresh, revoke
from qe_ban.accounts.service.housekeeping import message_handlers, sweep
from qe_ban.accounts.service.otp import OtpSent, limit_otp, limit_tries, redeem_otp, request_otp
from qe_ban.accounts.service.people import Found, Me, Wanted, limit_look_ups, look_up, me
from qe_ban.accounts.service.real_name import RealName, begin_claim, confirm_claim, finish_claim
from qe_ban.accounts.service.residents import id_number_from, phone_from
from qe_ban.accounts.service.seeding import seed_resident, seed_staff
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

__all__ = [
    "Accounts",
    "Found",
    "Me",
    "OtpSent",
    "RealName",
    "StaffAttempt",
    "Standing",
    "Tokens",
    "Wanted",
    "begin_claim",
    "begin_sign_in",
    "begin_step_up",
    "change_staff",
    "check_proof",
    "confirm_claim",
    "confirm_face",
    "create_staff",
    "disable_staff",
    "enable_staff",
    "end",
    "finish_claim",
    "finish_sign_in",
    "finish_step_up",
    "grant_consent",
    "id_number_from",
    "limit_look_ups",
    "limit_otp",
    "limit_sign_in",
    "limit_tries",
    "list_consents",
    "list_staff",
    "look_up",
    "me",
    "message_handlers",
    "nonce",
    "phone_from",
    "poll_revocations",
    "principal_from",
    "redeem_otp",
    "refresh",
    "register_client",
    "request_otp",
    "revoke",
    "revoke_client",
    "seed_resident",
    "seed_staff",
    "sign_in_client",
    "standing",
    "sweep",
]
