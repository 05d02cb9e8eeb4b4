"""What the worker does for accounts: delivers messages."""

from collections.abc import Callable, Mapping

from qe_ban.accounts.adapters.sms import Sms


def message_handlers(sms: Sms) -> Mapping[str, Callable[[dict[str, str]], None]]:
    """Give the outbox's handlers of the topics `sms` and `notice`; they raise OutsideUnavailable to be tried again."""

    def deliver(payload: dict[str, str]) -> None:
        parameters = {name: text for name, text in payload.items() if name not in ("phone", "template")}
        sms.send(payload["phone"], payload["template"], parameters)

    return {"sms": deliver, "notice": deliver}
