"""Fields for what people type: names, phones, codes. Each is brought to its normal form before anything is judged.

A field of such a meaning that is a plain Text refuses what a phone's address book, a Chinese keyboard or a paper with
grouped digits gives; `tests/interface/test_typed_fields.py` finds it.
"""

# ruff: noqa: A002 - `min` and `max` are what bounds are called, as in `web.fields`

from typing import Any, ClassVar

from qe_ban.kernel.identifiers import TYPED_MAX
from qe_ban.kernel.typed_input import has_name_characters, normalise_hyphenated, normalise_name, normalise_number
from qe_ban.web.fields import Text
from qe_ban.web.schema import messages


class TypedText(Text):
    """Text of which `min`, `max` and `pattern` hold for the normal form; `typed_max`: how long it may be as typed."""

    hint: ClassVar[str]

    typed_max: ClassVar[int] = TYPED_MAX

    def __init__(self, min: int = 1, max: int = TYPED_MAX, pattern: str | None = None, **options: Any) -> None:
        super().__init__(min, max, pattern, **options)
        # what is described is what may be sent: the pattern is that of the normal form
        own = {name: value for name, value in self.metadata.items() if name not in ("minLength", "pattern")}
        text = "；".join(filter(None, (own.get("description"), self.hint)))
        self.metadata = own | {"minLength": 1, "maxLength": self.typed_max, "description": text}

    def normal_form(self, text: str) -> str:
        """Return the form that is judged."""
        raise NotImplementedError

    def _deserialize(self, value: Any, *place: Any, **options: Any) -> str:
        if type(value) is str and len(value) <= self.typed_max:
            value = self.normal_form(value)
        return super()._deserialize(value, *place, **options)


class Number(TypedText):
    """A number or code in which spaces and dashes only group: phones, one-time passwords, documents."""

    hint = "全角字符按半角处理，忽略空格、短横和不可见字符"

    def normal_form(self, text: str) -> str:
        """Return the form that is judged."""
        return normalise_number(text)


class HyphenatedNumber(TypedText):
    """A number of which hyphens are part: case numbers, fixed lines."""

    hint = "全角字符按半角处理，忽略空格和不可见字符，各种短横均作“-”"

    def normal_form(self, text: str) -> str:
        """Return the form that is judged."""
        return normalise_hyphenated(text)


class PersonName(TypedText):
    """A person's name, as registers are asked for it."""

    hint = "全角字母按半角处理，各种间隔点均作“·”，忽略多余空格"
    default_error_messages = messages(name="姓名只能由文字、间隔号、空格、连字符和撇号组成")

    def normal_form(self, text: str) -> str:
        """Return the form that is judged."""
        return normalise_name(text)

    def _deserialize(self, value: Any, *place: Any, **options: Any) -> str:
        name = super()._deserialize(value, *place, **options)
        if not has_name_characters(name):
            raise self.make_error("name")
        return name
