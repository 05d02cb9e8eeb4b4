"""The base of every wire shape: explicit fields, unknown ones refused, messages in Chinese."""

from typing import Any

import marshmallow

VOCABULARY = "x-vocabulary"
"""Where a field leaves the name of its vocabulary until the API document is finished."""

_MESSAGES = {"unknown": "未知的字段", "type": "须为 JSON 对象"}

COMMON_MESSAGES: dict[str, Any] = {"required": "此项必填", "null": "此项不能为空", "validator_failed": "内容有误"}


def messages(**own: str) -> dict[str, Any]:
    """Return a field's messages: those that all fields have, and its own."""
    return COMMON_MESSAGES | own


class Schema(marshmallow.Schema):
    """A wire shape. An unknown field is an error; what a client sends is never silently dropped."""

    class Meta:
        """Refuse unknown fields, at every level."""

        unknown = marshmallow.RAISE

    error_messages = _MESSAGES


class OpenSchema(Schema):
    """A shape of which a client may send more than we read: OAuth's token request (RFC 6749, 3.2)."""

    class Meta:
        """Leave out what is not known."""

        unknown = marshmallow.EXCLUDE
