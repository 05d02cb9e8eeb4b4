"""Which outside systems accounts use: those of the settings, in a sandbox what stands for them."""

from qe_ban.accounts.adapters.face import Face, HttpFace, SandboxFace
from qe_ban.accounts.adapters.real_name import HttpRegister, Register, SandboxRegister
from qe_ban.accounts.adapters.sms import HttpSms, SandboxSms, Sms
from qe_ban.config import ConfigInvalid, Settings, sandbox_data
from qe_ban.message import Message


def choose_register(settings: Settings) -> Register:
    """Return the register of real names. Raises ConfigInvalid."""
    if settings.outside.real_name:
        return HttpRegister(settings.outside.real_name, settings.outside.token or "")
    if settings.sandbox:
        return SandboxRegister(sandbox_data()["residents"])
    raise ConfigInvalid([Message("QE_REAL_NAME_URL is missing")])


def choose_face(settings: Settings) -> Face:
    """Return what compares faces. Raises ConfigInvalid."""
    if settings.outside.face:
        return HttpFace(settings.outside.face, settings.outside.token or "")
    if settings.sandbox:
        return SandboxFace(sandbox_data()["step_up_proof"])
    raise ConfigInvalid([Message("QE_FACE_URL is missing")])


def choose_sms(settings: Settings) -> Sms:
    """Return what sends text messages. Raises ConfigInvalid."""
    if settings.outside.sms:
        return HttpSms(settings.outside.sms, settings.outside.token or "")
    if settings.sandbox:
        return SandboxSms()
    raise ConfigInvalid([Message("QE_SMS_URL is missing")])
