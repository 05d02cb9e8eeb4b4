"""Text messages to residents.

The HTTP gateway takes `{"phone": 11 digits, "template": name, "parameters": {name: text}}` and answers 200 with any
JSON object once it has the message. Which templates there are, with their
parameters and what each says, is in docs/outside-systems.md.
"""

from collections.abc import Mapping
from typing import Protocol

from qe_ban.accounts.adapters.http import JsonPost


class Sms(Protocol):
    """Sends text messages."""

    def send(self, phone: str, template: str, parameters: Mapping[str, str]) -> None:
        """Hand one message over; may be called twice for one message. Raises OutsideUnavailable."""


class SandboxSms:
    """The sandbox has no gateway: its people are made up, and messages to made-up people go nowhere."""

    def send(self, phone: str, template: str, parameters: Mapping[str, str]) -> None:
        """Take the message and send nothing."""


class HttpSms:
    """A gateway that speaks HTTP, as the module says."""

    def __init__(self, url: str, token: str) -> None:
        """Take the gateway's address and bearer token."""
        self._post = JsonPost(url, token)

    def send(self, phone: str, template: str, parameters: Mapping[str, str]) -> None:
        """Hand one message to the gateway. Raises OutsideUnavailable."""
        self._post({"phone": phone, "template": template, "parameters": dict(parameters)})
