"""What a file of topics or synonyms says, checked as a whole, with each fault at its place."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from qe_ban.items.rules import vocabulary

LONGEST_NAME: Final = 30
LAST_POSITION: Final = 10_000
_TOPIC: Final = {"slug": str, "name": str, "audience": str, "parent": str | None, "position": int}
_NEEDED: Final = ("slug", "name", "audience")

Row = Mapping[str, Any]
Faults = dict[str, str]


def topics(said: object, known: Mapping[str, Row]) -> tuple[list[Row], Faults]:
    """Give the topics of a file that are not `known` (by slug), parents first, and what is wrong with the file.

    A position that is not told is the place in the file.
    """
    if not isinstance(said, list):
        return [], {"文件": "须为主题的列表"}
    rows: list[Row] = []
    faults: Faults = {}
    for place, one in enumerate(said, 1):
        fault = _shape_fault(one)
        if fault:
            faults[f"第{place}项"] = fault
        else:
            rows.append({"parent": None, "position": place - 1, **one})
    faults |= _twice(rows)
    if faults:
        return [], faults
    new = {row["slug"]: row for row in rows if row["slug"] not in known}
    together = {**known, **new}
    if len(together) > vocabulary.MOST_TOPICS:
        return [], {"文件": f"最多 {vocabulary.MOST_TOPICS} 个主题"}
    faults = {slug: "主题不能是自己的上级或下级" for slug in new if _depth(slug, together) is None}
    # what follows walks up and down the trees: it needs trees
    for slug, row in new.items() if not faults else ():
        others = {other: one for other, one in together.items() if other != slug}
        for field, fault in vocabulary.faults_of_topic(row, others).items():
            faults[f"{slug} 的 {field}"] = fault
    return sorted(new.values(), key=lambda row: _depth(row["slug"], together) or 0), faults


def words(said: object) -> tuple[list[Sequence[str]], Faults]:
    """Give the groups of words of a file of synonyms, and what is no such group."""
    if not isinstance(said, list):
        return [], {"文件": "须为同义词组的列表"}
    wrong = {
        f"第{place}组": "须为词语的列表"
        for place, group in enumerate(said, 1)
        if not isinstance(group, list) or not all(isinstance(word, str) for word in group)
    }
    return ([] if wrong else said), wrong


def _shape_fault(one: object) -> str | None:
    """Say what keeps something from being a topic, looked at alone."""
    return _type_fault(one) or _value_fault(one) if isinstance(one, dict) else "须为对象"


def _type_fault(one: Row) -> str | None:
    unknown = [name for name in one if name not in _TOPIC]
    if unknown:
        return f"有未知的字段：{'、'.join(name[:LONGEST_NAME] for name in unknown[:5])}"
    missing = [name for name in _NEEDED if name not in one]
    if missing:
        return f"缺少：{'、'.join(missing)}"
    wrong = [name for name, value in one.items() if isinstance(value, bool) or not isinstance(value, _TOPIC[name])]
    if wrong:
        return f"类型不正确：{'、'.join(wrong)}"
    return None


def _value_fault(one: Row) -> str | None:
    name = one["name"]
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable() or name != name.strip():
        return f"name 须为 1 至 {LONGEST_NAME} 个文字，首尾没有空格，不含控制字符"
    if not 0 <= one.get("position", 0) <= LAST_POSITION:
        return f"position 须为 0 至 {LAST_POSITION} 的整数"
    return None


def _twice(rows: Sequence[Row]) -> Faults:
    slugs = [row["slug"] for row in rows]
    return (
        {slug: "文件中有重复的主题代号" for slug in slugs if slugs.count(slug) > 1}
        if len(set(slugs)) < len(slugs)
        else {}
    )


def _depth(slug: str, rows: Mapping[str, Row]) -> int | None:
    """Give how many topics are above one; None where it is above itself. One that hangs on nothing counts as a root."""
    above: set[str] = set()
    at: str | None = slug
    while at is not None and at in rows:
        if at in above:
            return None
        above.add(at)
        at = rows[at]["parent"]
    return len(above)
