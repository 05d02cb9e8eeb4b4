"""What a local app is made of, and what is wrong with one."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

from qe_ban.halls.rules.words import APP_KINDS, APP_STATES
from qe_ban.kernel import field_types
from qe_ban.kernel.field_types import Field, has_value
from qe_ban.kernel.shapes import Fault, row_faults, unknown_faults
from qe_ban.publishing.rules import links

NATIVE: Final = "native"
ACTIVE: Final = "active"
WITHDRAWN: Final = "withdrawn"
NATIVE_PAGE_PATTERN: Final = "qe://[a-z0-9_-]+(?:/[a-z0-9_-]+)*"
MOST_DISTRICTS: Final = 30

FIELDS: Final = (
    Field("name", "名称", max=30, required=True),
    Field("summary", "简介", max=100),
    Field("kind", "打开方式", field_types.CHOICE, choices=APP_KINDS, vocabulary="AppKind", required=True),
    Field("address", "网址", field_types.LINK, max=500, hint="须为 https，域名在允许范围内；客户端页面不填"),
    Field("native_page", "客户端页面", max=100, hint="qe:// 开头的路径；仅客户端页面填写"),
    Field("owner", "责任单位", max=60, required=True),
    Field("category", "类别", max=20, required=True),
    Field("state", "状态", field_types.CHOICE, choices=APP_STATES, vocabulary="AppState", required=True),
    Field("state_reason", "状态原因", max=200, hint="暂停或下线时必填"),
    Field("districts", "所在区市", field_types.WORDS, max=6, most=MOST_DISTRICTS, hint="区划代码；不填为全市"),
    Field("icon", "图标", field_types.MEDIA),
    Field("position", "排序", field_types.WHOLE, max=10_000, hint="小的在前，不填为 0"),
)

_NATIVE_PAGE = re.compile(NATIVE_PAGE_PATTERN, re.ASCII)


def complete(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return an app's fields with nothing left out: null, an empty list, position 0 for what is not told."""
    row = {field.name: record.get(field.name) if has_value(record.get(field.name)) else None for field in FIELDS}
    return row | {"districts": sorted(row["districts"] or ()), "position": row["position"] or 0}


def faults(record: Mapping[str, Any], districts: Collection[str], hosts: Collection[str]) -> Iterator[Fault]:
    """Find what is wrong with an app, in a city of these districts (codes) where links may lead to these hosts."""
    yield from unknown_faults([field.name for field in FIELDS], record)
    wrong = [fault for fault in row_faults(FIELDS, record) if fault.severity == "error"]
    yield from wrong
    if wrong:
        return
    yield from _opening_faults(record, hosts)
    yield from _state_faults(record)
    yield from _district_faults(record.get("districts") or [], districts)


def _state_faults(record: Mapping[str, Any]) -> Iterator[Fault]:
    is_active, has_reason = record["state"] == ACTIVE, has_value(record.get("state_reason"))
    if not is_active and not has_reason:
        yield Fault("state_reason", "暂停或下线须说明原因")
    if is_active and has_reason:
        yield Fault("state_reason", "使用中的应用不填状态原因")


def _district_faults(codes: Sequence[str], districts: Collection[str]) -> Iterator[Fault]:
    for number, code in enumerate(codes):
        if code not in districts:
            yield Fault(f"districts.{number}", "没有这个区划代码")
        elif code in codes[:number]:
            yield Fault(f"districts.{number}", "区市重复")


def _opening_faults(record: Mapping[str, Any], hosts: Collection[str]) -> Iterator[Fault]:
    address, page = record.get("address"), record.get("native_page")
    if record["kind"] == NATIVE:
        if not has_value(page):
            yield Fault("native_page", "客户端页面须填写路径")
        elif not _NATIVE_PAGE.fullmatch(str(page)):
            yield Fault("native_page", "须为 qe:// 开头的路径，只含小写字母、数字、下划线、连字符和斜杠")
        if has_value(address):
            yield Fault("address", "客户端页面不填网址")
        return
    if has_value(page):
        yield Fault("native_page", "只有客户端页面才填写路径")
    if not has_value(address):
        yield Fault("address", "此项必填")
    elif (wrong := links.wrong(str(address), hosts)) is not None:
        yield Fault("address", wrong)
