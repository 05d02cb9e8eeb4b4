"""A strict reader for the CBOR (RFC 8949) that QE1 section 2 allows: shortest forms, definite lengths, one pass.

It knows no tags, no floats and no simple values but false, true and null, so nothing it reads can be costly.
"""

from typing import TypeAlias

from qe_ban.codes.token.claims import Reason, Refused

Item: TypeAlias = "int | bytes | str | bool | list[Item] | dict[int | str, Item] | None"

MAX_DEPTH = 8

# the first bytes from which on the major types begin (RFC 8949 section 3.1); numbers begin at 0
_NEGATIVE, _BYTES, _TEXT, _ARRAY, _MAP, _TAG, _SIMPLE = range(0x20, 0x100, 0x20)
_SIMPLE_VALUES: dict[int, bool | None] = {20: False, 21: True, 22: None}


def read_map(data: bytes) -> dict[int | str, Item]:
    """Return the one map that `data` is, with nothing after it; raises Refused(malformed)."""
    try:
        item, end = _item(data, 0, 1)
    except (IndexError, UnicodeDecodeError):  # an item begins behind the end; a text is none
        raise Refused(Reason.MALFORMED) from None
    if end != len(data) or type(item) is not dict:
        raise Refused(Reason.MALFORMED)
    return item


def byte_string(data: bytes, at: int) -> tuple[int, int]:
    """Return where the content of the byte string that begins at `at`, inside the data, starts and ends.

    Raises Refused(malformed).
    """
    first = data[at]
    if not _BYTES <= first < _TEXT:
        raise Refused(Reason.MALFORMED)
    length, start = _argument(data, at + 1, first & 31)
    if length > len(data) - start:
        raise Refused(Reason.MALFORMED)
    return start, start + length


def _argument(data: bytes, at: int, info: int) -> tuple[int, int]:
    """Return the argument that an initial byte with `info` begins, and the position after it (RFC 8949 section 3)."""
    if info < 24:
        return info, at
    size = 1 << (info - 24)
    end = at + size
    if info > 27 or end > len(data):
        raise Refused(Reason.MALFORMED)
    argument = int.from_bytes(data[at:end], "big")
    if argument < (24 if size == 1 else 1 << (size * 4)):
        raise Refused(Reason.MALFORMED)  # it has a shorter form
    return argument, end


def _item(data: bytes, at: int, depth: int) -> tuple[Item, int]:
    first = data[at]
    argument, at = _argument(data, at + 1, first & 31)
    if first < _BYTES:
        return (argument if first < _NEGATIVE else -1 - argument), at
    # every element takes a byte at least: what promises more than is left is not begun
    if first < _TAG and argument <= len(data) - at:
        return _string_or_container(data, at, depth, first, argument)
    # arguments this small come from the one-byte form alone: never from a float or from the two-byte form
    if first >= _SIMPLE and argument in _SIMPLE_VALUES:
        return _SIMPLE_VALUES[argument], at
    raise Refused(Reason.MALFORMED)


def _string_or_container(data: bytes, at: int, depth: int, first: int, size: int) -> tuple[Item, int]:
    """Return a string or container, whose first byte tells which; `at` is where its content starts."""
    if first < _ARRAY:
        content = data[at : at + size]
        return (content if first < _TEXT else content.decode()), at + size
    if depth > MAX_DEPTH:
        raise Refused(Reason.MALFORMED)
    return (_array if first < _MAP else _map)(data, at, size, depth + 1)


def _array(data: bytes, at: int, length: int, depth: int) -> tuple[list[Item], int]:
    items: list[Item] = []
    for _ in range(length):
        item, at = _item(data, at, depth)
        items.append(item)
    return items, at


def _map(data: bytes, at: int, length: int, depth: int) -> tuple[dict[int | str, Item], int]:
    items: dict[int | str, Item] = {}
    for _ in range(length):
        key, at = _item(data, at, depth)
        # the exact type: True is an int to isinstance, and equal to the key 1
        if (type(key) is not int and type(key) is not str) or key in items:
            raise Refused(Reason.MALFORMED)
        items[key], at = _item(data, at, depth)
    return items, at
