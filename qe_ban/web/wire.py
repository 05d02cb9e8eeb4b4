"""Reads JSON, forms and query strings strictly, and writes JSON: the only parsers that a client's bytes meet.

Two readers of one body must not see two things: so no duplicate keys, no lone surrogates, no numbers that are none,
nothing that is cut or guessed.
"""

import json
import math
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, unquote_plus

from flask import request
from werkzeug.http import parse_options_header

from qe_ban.web import requests
from qe_ban.web.refusals import BadFields, LengthRequired, TooLarge, Unreadable, WrongType

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

DEFAULT_LIMIT: Final = 64 * 1024
GREATEST_LIMIT: Final = 1024 * 1024
DEPTH = 32
DIGITS = 20
FORM_FIELDS = 32

JSON: Final = "application/json"
FORM: Final = "application/x-www-form-urlencoded"

# Possessive, and taking an unfinished string too, so that no input makes it look at a byte twice.
_STRING_LITERAL = re.compile(r'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
_BRACKET = re.compile(r"[\[\]{}]")
_NO_TEXT = re.compile("[\0\ud800-\udfff]")
_LENGTH = re.compile(r"[0-9]{1,12}", re.ASCII)

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


class TextValues(dict[str, str]):
    """Fields of a form or a query string: all of them text, which typed fields then read as what they are."""


def dumps(value: object) -> bytes:
    """Return a value as compact JSON in UTF-8. Raises TypeError or ValueError for what JSON does not have."""
    return _encode(value).encode()


def read_json(limit: int = DEFAULT_LIMIT) -> dict[str, Any]:
    """Read the request's JSON object, of at most `limit` bytes.

    Raises LengthRequired, TooLarge, WrongType, Unreadable, and BadFields where it is JSON but no object.
    """
    value = loads(_read(limit, (JSON,))[1])
    if type(value) is not dict:
        raise BadFields({"body": ["须为 JSON 对象"]})
    return value


def read_form_or_json(limit: int = DEFAULT_LIMIT) -> dict[str, Any]:
    """Read the fields of a form (as TextValues) or a JSON object. Raises as `read_json` does."""
    kind, data = _read(limit, (FORM, JSON))
    if kind == FORM:
        return _pairs(data.decode("latin-1"))
    value = loads(data)
    if type(value) is not dict:
        raise BadFields({"body": ["须为 JSON 对象"]})
    return value


def read_query(text: str) -> TextValues:
    """Read the parameters of a query string. Raises Unreadable, and BadFields where one stands there twice."""
    return _pairs(text) if text else TextValues()


def without_campaign(text: str) -> str:
    """Return a query string without what campaigns add to shared links (`utm_source`, `utm_medium` ...)."""
    return "&".join(pair for pair in text.split("&") if not unquote_plus(pair).startswith("utm_"))


def loads(data: bytes) -> Any:
    """Read one JSON text strictly (RFC 8259, and I-JSON, RFC 7493, where it is looser). Raises Unreadable."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise Unreadable("请求内容不是 UTF-8 编码") from None
    if text.count("{") + text.count("[") > DEPTH and _depth(text) > DEPTH:
        raise Unreadable("JSON 嵌套过深")
    try:
        value = _DECODER.decode(text)
    except ValueError:
        raise Unreadable("请求内容不是有效的 JSON") from None
    # Only an escape can bring these in: raw ones fail in the decoding and in the JSON scanner.
    if "\\u" in text and any(_NO_TEXT.search(part) for part in _texts(value)):
        raise Unreadable("请求内容含有无效字符")
    return value


def _read(limit: int, kinds: tuple[str, ...]) -> tuple[str, bytes]:
    environ = request.environ
    size = body_length(environ)
    if size > limit:
        raise TooLarge(limit)
    if not size:
        raise Unreadable("请求内容为空")
    kind = _kind(environ.get("CONTENT_TYPE", ""))
    if kind not in kinds:
        raise WrongType(kinds)
    data = environ[requests.BODY] = _read_exactly(size)
    return kind, data


def body_length(environ: "WSGIEnvironment") -> int:
    """Return the body's length. In HTTP/1 a request that states none and is not chunked has no body (RFC 9112, 6.3)."""
    length = environ.get("CONTENT_LENGTH", "")
    if environ.get("HTTP_TRANSFER_ENCODING"):
        raise LengthRequired
    if _LENGTH.fullmatch(length):
        return int(length)
    if length or not environ.get("SERVER_PROTOCOL", "").startswith("HTTP/1"):
        raise LengthRequired
    return 0


def _kind(content_type: str) -> str:
    if content_type in (JSON, FORM):
        return content_type
    kind, options = parse_options_header(content_type)
    if set(options) - {"charset"} or options.get("charset", "utf-8").lower() not in ("utf-8", "utf8"):
        return ""
    return kind.lower()


def _read_exactly(size: int) -> bytes:
    stream = request.environ["wsgi.input"]
    data: bytes = stream.read(size)
    while len(data) < size:
        more: bytes = stream.read(size - len(data))
        if not more:
            raise Unreadable("请求内容不完整")
        data += more
    return data


def _pairs(text: str) -> TextValues:
    if not text.isascii():
        raise Unreadable("参数应为百分号编码")
    try:
        pairs = parse_qsl(
            text, keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=FORM_FIELDS
        )
    except ValueError:
        raise Unreadable("参数格式有误") from None
    values = TextValues(pairs)
    if len(values) < len(pairs):
        names = [name for name, _ in pairs]
        raise BadFields({name[:64]: ["不能重复"] for name in values if names.count(name) > 1})
    return values


def _depth(text: str) -> int:
    depth = deepest = 0
    for bracket in _BRACKET.finditer(_STRING_LITERAL.sub("", text)):
        depth += 1 if bracket[0] in "[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _texts(item)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise ValueError("duplicate key")
    return value


def _whole(digits: str) -> int:
    if len(digits.lstrip("-")) > DIGITS:
        raise ValueError("too many digits")
    return int(digits)


def _number(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise ValueError("out of range")
    return value


def _no_constant(name: str) -> Any:
    raise ValueError(name)


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_whole, parse_float=_number, parse_constant=_no_constant
)
