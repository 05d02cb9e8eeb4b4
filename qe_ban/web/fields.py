"""Strict fields: each takes exactly its JSON type, says in Chinese what is wrong, and describes itself for OpenAPI.

In a form or a query string, where all is text, whole numbers and flags are read from their one canonical spelling.
"""

# ruff: noqa: A002 - `min` and `max` are what bounds are called, in JSON Schema and by everybody who reads a schema here

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import Enum
from typing import Any
from uuid import UUID

import marshmallow
from marshmallow import fields as base

from qe_ban.kernel import texts
from qe_ban.kernel.clock import rfc3339
from qe_ban.kernel.field_types import moment_of
from qe_ban.kernel.ids import parse_id
from qe_ban.web.jwk import PublicJwk
from qe_ban.web.schema import COMMON_MESSAGES, VOCABULARY, messages
from qe_ban.web.wire import TextValues

__all__ = [
    "COMMON_MESSAGES",
    "Anything",
    "Choice",
    "Flag",
    "Id",
    "Lines",
    "Many",
    "Moment",
    "Nested",
    "OneOf",
    "PublicJwk",
    "RawShape",
    "Text",
    "Whole",
]

ID_PATTERN = "[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
CASE_NUMBER: dict[str, Any] = {
    "pattern": "(?!.*[0-9]{9})[A-Za-z][0-9A-Za-z]*(?:-[0-9A-Za-z]+)+",
    "error_messages": {"pattern": "须以字母开头、含连字符，如QD-2026-000001；不得是证件号码或手机号码"},
    "metadata": {"examples": ["QD-2026-000001"]},
}
"""Options of a text that is a case number: no phone, and no document's number, is written so."""

_CANONICAL_WHOLE = re.compile(r"0|-?[1-9][0-9]{0,18}", re.ASCII)


class Text(base.String):
    """Text of `min` to `max` characters, wholly matching `pattern`; refuses what deceives the eye and trims nothing."""

    default_error_messages = messages(
        invalid="须为文本",
        characters="含有不允许的字符",
        blank="不能只有空白",
        length="长度须为 {min} 至 {max} 个字符",
        exact="长度须为 {min} 个字符",
        pattern="格式不正确",
    )

    forbidden_pattern = texts.FORBIDDEN
    allowed_pattern = texts.ALLOWED_PATTERN

    def __init__(self, min: int = 1, max: int = 200, pattern: str | None = None, **options: Any) -> None:
        description = {
            "minLength": min,
            "maxLength": max,
            "pattern": f"^(?:{pattern})$" if pattern else self.allowed_pattern,
        }
        super().__init__(**_with_description(options, description))
        self.min, self.max = min, max
        self.pattern = re.compile(pattern, re.ASCII) if pattern else None

    def _deserialize(self, value: Any, *_place: Any, **_options: Any) -> str:
        if type(value) is not str:
            raise self.make_error("invalid")
        if not self.min <= len(value) <= self.max:
            raise self.make_error("exact" if self.min == self.max else "length", min=self.min, max=self.max)
        if self.forbidden_pattern.search(value):
            raise self.make_error("characters")
        if value and texts.is_blank(value):
            raise self.make_error("blank")
        if self.pattern is not None and not self.pattern.fullmatch(value):
            raise self.make_error("pattern")
        return value


class Lines(Text):
    """Text of several lines: the same as Text, and line feeds (no carriage returns)."""

    forbidden_pattern = texts.FORBIDDEN_IN_LINES
    allowed_pattern = texts.ALLOWED_IN_LINES


class Id(base.UUID):
    """A UUID as RFC 9562 writes it, small letters or capitals."""

    default_error_messages = messages(invalid_uuid="编号格式不正确")

    def __init__(self, **options: Any) -> None:
        super().__init__(**_with_description(options, {"pattern": f"^{ID_PATTERN}$"}))

    def _deserialize(self, value: Any, *_place: Any, **_options: Any) -> UUID:
        identifier = parse_id(value) if type(value) is str else None
        if identifier is None:
            raise self.make_error("invalid_uuid")
        return identifier


class Whole(base.Integer):
    """A whole number from `min` to `max`, written as an integer."""

    default_error_messages = messages(
        invalid="须为整数",
        range="须在 {min} 至 {max} 之间",
    )

    def __init__(self, min: int = 0, max: int = 2**53 - 1, **options: Any) -> None:
        super().__init__(**_with_description(options, {"minimum": min, "maximum": max}))
        self.min, self.max = min, max

    def _deserialize(self, value: Any, *place: Any, **_options: Any) -> int:
        if _all_text(place) and _CANONICAL_WHOLE.fullmatch(value):
            value = int(value)
        if type(value) is not int:
            raise self.make_error("invalid")
        if not self.min <= value <= self.max:
            raise self.make_error("range", min=self.min, max=self.max)
        return value


class Flag(base.Boolean):
    """JSON's true or false, and nothing that resembles them."""

    default_error_messages = messages(invalid="须为 true 或 false")

    def _deserialize(self, value: Any, *place: Any, **_options: Any) -> bool:
        if _all_text(place):
            value = {"true": True, "false": False}.get(value)
        if type(value) is not bool:
            raise self.make_error("invalid")
        return value


class Moment(base.DateTime):
    """A moment as RFC 3339 with an offset, as an aware UTC datetime; given out to the second, in UTC, with a Z."""

    default_error_messages = messages(invalid="须为带时区的时间（RFC 3339）")

    def _deserialize(self, value: Any, *_place: Any, **_options: Any) -> datetime:
        moment = moment_of(value)
        if moment is None:
            raise self.make_error("invalid")
        return moment

    def _serialize(self, value: Any, *_place: Any, **_options: Any) -> str | None:
        return None if value is None else rfc3339(value)


class Choice(base.String):
    """One of an enum's values, as its member; or one of a few words, as that word.

    `name`: what the vocabulary is called in the API document; else an enum's own name, or what the field's name says.
    """

    default_error_messages = messages(choice="不在可选范围内")

    def __init__(self, choices: type[Enum] | Iterable[str], *, name: str | None = None, **options: Any) -> None:
        values: Iterable[Any] = choices
        self.members: dict[str, Any] = {
            str(member.value) if isinstance(member, Enum) else member: member for member in values
        }
        words: list[str | None] = list(self.members)
        if options.get("allow_none"):
            words.append(None)
        description: dict[str, Any] = {"enum": words}
        vocabulary = name or (choices.__name__ if isinstance(choices, type) else None)
        if vocabulary is not None:
            description[VOCABULARY] = vocabulary
        super().__init__(**_with_description(options, description))

    def _deserialize(self, value: Any, *_place: Any, **_options: Any) -> Any:
        if type(value) is not str or value not in self.members:
            raise self.make_error("choice")
        return self.members[value]

    def _serialize(self, value: Any, *_place: Any, **_options: Any) -> str | None:
        if value is None:
            return None
        return str(value.value) if isinstance(value, Enum) else str(value)


class Many(base.List[Any]):
    """From `min` to `max` of another field, in order."""

    default_error_messages = messages(
        invalid="须为列表",
        count="须有 {min} 至 {max} 项",
    )

    def __init__(self, inner: base.Field[Any], max: int = 100, min: int = 0, **options: Any) -> None:
        super().__init__(inner, **_with_description(options, {"minItems": min, "maxItems": max}))
        self.min, self.max = min, max

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> list[Any]:
        if type(value) is not list:
            raise self.make_error("invalid")
        if not self.min <= len(value) <= self.max:
            raise self.make_error("count", min=self.min, max=self.max)
        return super()._deserialize(value, attr, data, **kwargs)


class Nested(base.Nested):
    """A shape within a shape."""

    default_error_messages = messages(type="须为 JSON 对象")

    def __init__(self, schema: type[marshmallow.Schema], **options: Any) -> None:
        super().__init__(schema, **options)


class Anything(base.Raw):
    """Free JSON, given out as it is; not for what clients send."""

    default_error_messages = messages()

    def __init__(self, **options: Any) -> None:
        super().__init__(**({"dump_only": True} | options))


class RawShape(Anything):
    """JSON given out as it is, and described as a shape.

    `shape`: a schema, the name of a component of the API document, or JSON Schema itself.
    """

    def __init__(self, shape: type[marshmallow.Schema] | str | dict[str, Any], **options: Any) -> None:
        super().__init__(**options)
        self.shape = shape


class OneOf(base.Raw):
    """JSON as it is, described as one of some shapes that a member tells apart; whoever reads it checks it.

    `name`: what the union is called in the API document.
    """

    def __init__(
        self, member: str, shapes: Mapping[str, type[marshmallow.Schema]], *, name: str, **options: Any
    ) -> None:
        super().__init__(**options)
        self.member, self.shapes, self.union = member, dict(shapes), name


def _with_description(options: dict[str, Any], description: dict[str, Any]) -> dict[str, Any]:
    """Return a field's options with its description for the API document; what the caller says goes before."""
    return options | {"metadata": description | dict(options.get("metadata") or {})}


def _all_text(place: tuple[Any, ...]) -> bool:
    """Return whether a field stands in a form or query string; `place` is its name and the mapping it stands in."""
    return len(place) > 1 and isinstance(place[1], TextValues)
