"""How a member of the sandbox's staff signs in from a command: a TOTP step counts once."""

import time

import pyotp

from qe_ban.cli.api import TOKEN_PATH, Api
from qe_ban.cli.refusals import Refused
from qe_ban.sandbox.secrets_file import StaffSecrets

TOTP_STEP = 30


def sign_in(api: Api, member: StaffSecrets) -> str:
    """Sign in and return an access token; an earlier sign-in may have used this step. Raises Away, Refused."""
    totp, last_step = pyotp.TOTP(member.totp_secret), 0
    form = {"grant_type": "password", "username": member.username, "password": member.password}
    deadline = time.monotonic() + 2 * TOTP_STEP
    while True:
        now = int(time.time()) // TOTP_STEP
        step = max(last_step + 1, now)
        # the server takes the coming step as well, but none further off
        if step > now + 1:
            time.sleep(0.5)
            continue
        answer = api.ask("POST", TOKEN_PATH, body=form | {"totp": totp.generate_otp(step)})
        if answer.status == 200:
            token: str = answer.data["access_token"]
            return token
        if answer.data.get("code") != "accounts.staff_refused" or time.monotonic() > deadline:
            raise Refused(answer.problem)
        last_step = step
