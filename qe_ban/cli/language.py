"""The language of a command: Chinese, unless QE_LANG or the locale asks for English.

The texts in the code are English; `qe_ban/locale` has the Chinese ones, and those of click's own words.
"""

import gettext
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import qe_ban
from qe_ban.message import Message

VARIABLE: Final = "QE_LANG"
CHINESE, ENGLISH = "zh", "en"
LOCALE_VARIABLES: Final = ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")
"""In the order of gettext(3); the first that is not empty speaks."""
DOMAIN: Final = "qe-ban"
NO_DOMAIN: Final = "messages"
DIRECTORY: Final = Path(qe_ban.__file__).parent / "locale"


class LanguageUnknown(Exception):
    """QE_LANG names a language that there is not; the message says so in the language of the locale."""


def choose() -> None:
    """Speak the language that this process's environment asks for. Raises LanguageUnknown."""
    choice = os.environ.get(VARIABLE, "")
    speak(choice if choice in (CHINESE, ENGLISH) else of_locale(os.environ))
    if choice not in ("", CHINESE, ENGLISH):
        raise LanguageUnknown(Message("QE_LANG must be zh or en, not {given!r}", given=choice[:20]))


def of_locale(env: Mapping[str, str]) -> str:
    """Return the language of the locale: English where it is English, else Chinese, also where there is none."""
    locale = next(filter(None, (env.get(name) for name in LOCALE_VARIABLES)), "")
    return ENGLISH if locale.partition(":")[0].lower().startswith("en") else CHINESE


def speak(language: str) -> None:
    """Have gettext, which click asks too, answer in a language from now on."""
    if language == ENGLISH:
        gettext.textdomain(NO_DOMAIN)
        return
    gettext.bindtextdomain(DOMAIN, str(DIRECTORY))
    gettext.textdomain(DOMAIN)
    # gettext reads the language from here, whatever the locale is; what is started from here speaks it as well
    os.environ["LANGUAGE"] = "zh_CN"


def is_english() -> bool:
    """Return whether English is spoken."""
    return gettext.textdomain() != DOMAIN
