"""What departments and topics must be like: their codes and slugs, and that topics stand in trees."""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, Final

from qe_ban.items.rules.codes import agency_checks
from qe_ban.items.rules.fields import DEPARTMENT_TYPES
from qe_ban.kernel import patterns, texts

DEEPEST: Final = 5
MOST_TOPICS: Final = 500
LONGEST_NAME: Final = 100
"""So many characters has the name of a department at most."""
AUDIENCES: Final = ("person", "firm")

_SLUG: Final = re.compile(patterns.SLUG)
_DEPARTMENT: Final = re.compile(patterns.USCC)


def tag_of(row: Mapping[str, Any]) -> str:
    """Give the state of a department or topic that editors' tags begin with: it changes with any field."""
    said = json.dumps(row, sort_keys=True, ensure_ascii=False).encode()
    return hashlib.sha256(said).hexdigest()[:24]


def faults_of_department(row: Mapping[str, Any], districts: Mapping[str, str], *, new: bool) -> dict[str, str]:
    """Say what is wrong with a department, by field. Codes that fail their check digit may be old, but not new."""
    found = {}
    fault = fault_of_name(row["name"])
    if fault:
        found["name"] = fault
    if not _DEPARTMENT.fullmatch(row["code"]):
        found["code"] = "部门编码须为18位统一社会信用代码"
    elif new and not agency_checks(row["code"]):
        found["code"] = "部门编码的校验位不正确，请核对"
    if row["type"] not in DEPARTMENT_TYPES:
        found["type"] = "不在可选范围内"
    if row["district"] is not None and row["district"] not in districts:
        found["district"] = "没有这个区划代码"
    return found


def fault_of_name(name: str) -> str | None:
    """Say what is wrong with a department's name."""
    if not 1 <= len(name) <= LONGEST_NAME:
        return f"长度须为 1 至 {LONGEST_NAME} 个字符"
    return "不能只有空白" if texts.is_blank(name) else None


def faults_of_topic(row: Mapping[str, Any], others: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Say what is wrong with a topic among all others (by slug, without itself), by field."""
    found = {}
    if not _SLUG.fullmatch(row["slug"]):
        found["slug"] = "主题代号须为1至40个小写字母、数字或连字符，以字母或数字开头"
    if row["audience"] not in AUDIENCES:
        found["audience"] = "不在可选范围内"
    if any(other["name"] == row["name"] for other in others.values()):
        found["name"] = "已有同名的主题"
    children = [other for other in others.values() if other["parent"] == row["slug"]]
    if any(child["audience"] != row["audience"] for child in children):
        found["audience"] = "须与下级主题的服务对象一致"
    fault = _fault_of_parent(row, others)
    if fault:
        found["parent"] = fault
    return found


def height(slug: str, others: Mapping[str, Mapping[str, Any]]) -> int:
    """Give how many levels hang below a topic; parents must stand in trees."""
    below = [other for other, row in others.items() if row["parent"] == slug]
    return max((1 + height(other, others) for other in below), default=0)


def _fault_of_parent(row: Mapping[str, Any], others: Mapping[str, Mapping[str, Any]]) -> str | None:
    parent, above = row["parent"], []
    while parent is not None:
        if parent == row["slug"]:
            return "主题不能是自己的上级或下级"
        if parent not in others:
            return "没有这个上级主题"
        above.append(parent)
        parent = others[parent]["parent"]
    if above and others[above[0]]["audience"] != row["audience"]:
        return "上级主题的服务对象不同"
    if len(above) + 1 + height(row["slug"], others) > DEEPEST:
        return f"主题最多 {DEEPEST} 级"
    return None
