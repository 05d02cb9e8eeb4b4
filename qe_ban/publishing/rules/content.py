"""What a page says, as data: what is wrong with it, its canonical form and digest, and how it is cleaned."""

import hashlib
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Final

from qe_ban.kernel import field_types
from qe_ban.kernel.field_types import Field, has_value, moment_of
from qe_ban.kernel.shapes import Fault
from qe_ban.publishing.rules import page, rich
from qe_ban.publishing.rules.blocks import TYPES
from qe_ban.publishing.rules.checks import shape_faults
from qe_ban.publishing.rules.field_values import field_values, type_of

__all__ = ["MAX_FAULTS", "Fault", "canonical", "clean", "digest", "encode", "faults", "normalize_texts"]

MAX_FAULTS: Final = 200
_SETS: Final = frozenset({"hides", "districts"})
"""Of these lists the order says nothing; of choices, too."""

_LINE_ENDS: Final = re.compile(r"\r\n?")

Content = Mapping[str, Any]


def normalize_texts(content: Content) -> dict[str, Any]:
    """Return a content, whatever it holds, as whoever pasted its texts meant it: without tabs and line ends of Windows.

    Only in texts that may have several lines; elsewhere both stay, and are faults.
    """
    blocks = content.get("blocks")
    return (
        {**content, "blocks": [_normalize_block(block) for block in blocks]}
        if isinstance(blocks, list)
        else {**content}
    )


def faults(content: object, *, district_hall: bool, link_hosts: Collection[str]) -> list[Fault]:
    """Return everything that is wrong with a content, whatever JSON it is: errors, then warnings, which hinder nothing.

    Null, an empty text and an empty list are not told, as if left out. At most MOST_FAULTS are given, of more the last
    says how many are not. Whether that to which it refers stands is not looked at.
    """
    all_faults = list(shape_faults(content, district_hall=district_hall, link_hosts=link_hosts))
    all_faults.sort(key=lambda fault: fault.severity)
    if isinstance(content, Mapping) and not any(fault.severity == "error" for fault in all_faults):
        size = len(encode(_canonical(content, link_hosts)).encode())
        if size > page.MAX_BYTES:
            all_faults.insert(0, Fault("blocks", f"全页内容最多 {page.MAX_BYTES} 字节，现有 {size} 字节"))
    if len(all_faults) <= MAX_FAULTS:
        return all_faults
    left_out = len(all_faults) - MAX_FAULTS + 1
    last = Fault("blocks", f"另有 {left_out} 处问题没有列出", all_faults[MAX_FAULTS - 1].severity)
    return [*all_faults[: MAX_FAULTS - 1], last]


def canonical(content: Content) -> dict[str, Any]:
    """Return the form in which contents are compared; the content must be without errors.

    What is not told is left out; of what has no order the parts are sorted; whatever is listed is listed once; text
    with tags is cleaned; moments are in UTC.
    """
    return _canonical(content, None)


def encode(plain: Content) -> str:
    """Return a canonical content as JSON: sorted keys, no spaces."""
    return json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(content: Content) -> bytes:
    """Return the SHA-256 of a content's canonical JSON."""
    return hashlib.sha256(encode(canonical(content)).encode()).digest()


def clean(content: Content, link_hosts: Collection[str]) -> tuple[dict[str, Any], list[Fault]]:
    """Return the form in which a content is kept (canonical, only allowed links), and warnings of what was taken out.

    The content must be without errors.
    """
    return _canonical(content, link_hosts), list(_taken_out(content, link_hosts))


def _normalize_block(block: Any) -> Any:
    block_type = type_of(block)
    if block_type is None:
        return block
    result = _normalize_row(block_type.fields, block)
    for table in block_type.tables:
        if isinstance(rows := result.get(table.name), list):
            result[table.name] = [_normalize_row(table.fields, row) if isinstance(row, dict) else row for row in rows]
    return result


def _normalize_row(fields: Iterable[Field], row: Content) -> dict[str, Any]:
    result = dict(row)
    for field in fields:
        text = result.get(field.name)
        if field.type in (field_types.LINES, field_types.RICH) and type(text) is str:
            result[field.name] = _LINE_ENDS.sub("\n", text).replace("\t", " ")
        elif field.type is field_types.LINK and type(text) is str:
            result[field.name] = text.strip()
    return result


def _canonical(content: Content, hosts: Collection[str] | None) -> dict[str, Any]:
    plain = _row(page.PAGE, content, hosts)
    plain["blocks"] = [_block(block, hosts) for block in content.get("blocks") or ()]
    return plain


def _block(block: Content, hosts: Collection[str] | None) -> dict[str, Any]:
    block_type = TYPES.get(block["type"])
    if block_type is None:
        return dict(block)
    plain = _row((*page.BLOCK, *block_type.fields), block, hosts)
    aim = _row(page.AIM, block.get("aim") or {}, hosts)
    if aim:
        plain["aim"] = aim
    for table in block_type.tables:
        rows = [_row(table.fields, row, hosts) for row in block.get(table.name) or ()]
        if rows:
            plain[table.name] = rows
    return plain


def _row(fields: Iterable[Field], row: Content, hosts: Collection[str] | None) -> dict[str, Any]:
    values = ((field.name, _value(field, row.get(field.name), hosts)) for field in fields)
    return {name: value for name, value in values if has_value(value)}


def _value(field: Field, value: Any, hosts: Collection[str] | None) -> Any:
    if not has_value(value):
        return None
    if field.type is field_types.RICH:
        return rich.clean(value, hosts)
    if field.type is field_types.MOMENT:
        moment = moment_of(value)
        return value if moment is None else moment.isoformat().replace("+00:00", "Z")
    if isinstance(value, list):
        has_order = field.type is not field_types.CHOICES and field.name not in _SETS
        return list(dict.fromkeys(value)) if has_order else sorted(set(value))
    return value


def _taken_out(content: Content, hosts: Collection[str]) -> Iterator[Fault]:
    for one in field_values(content):
        removals = rich.removals(one.value, hosts) if one.field.type is field_types.RICH else []
        if removals:
            yield Fault(one.place, f"去掉了不允许的内容：{'、'.join(removals)}", "warning", "content_removed")
