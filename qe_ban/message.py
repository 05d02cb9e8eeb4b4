"""A sentence for whoever runs the product: English, until the edge that shows it says it in the reader's language."""

from gettext import gettext
from typing import Any, Self


class Message(str):
    """An English text that keeps its pattern and its values, so that it can be said in another language.

    It is that text everywhere else: in logs, and where a server raises it. The patterns are msgids of the catalogue.
    """

    __slots__ = ("pattern", "values")
    pattern: str
    values: dict[str, Any]

    def __new__(cls, pattern: str, **values: Any) -> Self:
        """Make the text that `pattern` and `values` give."""
        message = super().__new__(cls, pattern.format(**values) if values else pattern)
        message.pattern, message.values = pattern, values
        return message

    def translation(self) -> str:
        """Return the text in the language that was chosen, with every value that is a message in it, too."""
        values = {name: translate(value) for name, value in self.values.items()}
        pattern = gettext(self.pattern) if self.pattern else ""
        return pattern.format(**values) if values else pattern


def translate(text: Any) -> Any:
    """Return a message in the language that was chosen, and anything else as it is."""
    return text.translation() if isinstance(text, Message) else text
