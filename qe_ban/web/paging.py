"""Lists in pages: `{"items", "next"}`, read on with an opaque cursor that names the last row seen.

A cursor belongs to the list and the filters that it was given for: of another it would silently skip or repeat rows.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, TypeVar
from uuid import UUID

from flask import request

from qe_ban.kernel.errors import Invalid
from qe_ban.kernel.ids import parse_id
from qe_ban.web import fields, requests, wire
from qe_ban.web.refusals import Unreadable
from qe_ban.web.schema import Schema

T = TypeVar("T")

GREATEST_PAGE = 100
CURSOR_PATTERN = "[A-Za-z0-9_-]+"
_GREATEST_WHOLE = 2**63
_TAG_BYTES = 6
_NOT_BOUND = ("cursor", "limit")
"""What may differ from page to page."""


class BadCursor(Invalid):
    """A cursor that this list never gave for these filters."""

    code = "bad_cursor"
    detail = "翻页标记无效或不属于这个查询，请从第一页重新开始"

    def __init__(self) -> None:
        super().__init__(fields={"cursor": self.detail})


class PageQuery(Schema):
    """`?limit=` and `?cursor=`; subclasses add filters."""

    limit = fields.Whole(1, GREATEST_PAGE, load_default=20)
    cursor = fields.Text(1, 1024, pattern=CURSOR_PATTERN, load_default=None, allow_none=False)


def encode(value: object) -> str:
    """Return JSON data as a cursor of the request in hand: base64url of the query's tag and compact JSON."""
    return base64.urlsafe_b64encode(_query_tag() + wire.dumps(value)).rstrip(b"=").decode()


def decode(cursor: str, *kinds: type) -> Any:
    """Return what `encode` took; with `kinds` (str, int ...) a list of exactly these.

    Raises BadCursor, also where `encode` was called for another path or other parameters.
    """
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True)
        value = wire.loads(raw[_TAG_BYTES:])
    except (binascii.Error, ValueError, Unreadable):
        raise BadCursor from None
    if encode(value) != cursor:
        raise BadCursor
    if kinds and not _is_row(value, kinds):
        raise BadCursor
    return value


def last_id(cursor: str | None) -> UUID | None:
    """Return the id that the page before ended with, in a list whose cursors are `[id]`. Raises BadCursor."""
    if cursor is None:
        return None
    last = parse_id(decode(cursor, str)[0])
    if last is None:
        raise BadCursor
    return last


def page(rows: Sequence[T], limit: int, key: Callable[[T], object]) -> dict[str, Any]:
    """Return a page out of `limit + 1` selected rows; `key` gives what the cursor says of the last one shown."""
    more = len(rows) > limit
    items = rows[:limit]
    return {"items": items, "next": encode(key(items[-1])) if more else None}


@cache
def page_schema(item: type[Schema]) -> type[Schema]:
    """Return the shape of a page of items."""
    name = item.__name__.removesuffix("Schema")
    return type(
        f"{name}PageSchema",
        (Schema,),
        {
            "__doc__": f"A page of {name}; `next` is null on the last one.",
            "items": fields.Many(fields.Nested(item), max=GREATEST_PAGE, required=True),
            "next": fields.Text(max=1024, allow_none=True, required=True),
        },
    )


def _query_tag() -> bytes:
    """Return what stands for the path and the parameters, as they were loaded: defaults and order make no difference.

    It is no signature. Who makes a cursor up sees only rows that the list shows anyway.
    """
    parameters = {name: value for name, value in requests.query().items() if name not in _NOT_BOUND}
    text = json.dumps([request.path, parameters], sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:_TAG_BYTES]


def _is_row(value: object, kinds: tuple[type, ...]) -> bool:
    return (
        isinstance(value, list)
        and len(value) == len(kinds)
        and all(type(item) is kind for item, kind in zip(value, kinds, strict=True))
        and all(abs(item) < _GREATEST_WHOLE for item in value if isinstance(item, int))
    )
