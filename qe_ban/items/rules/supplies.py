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


def topics(content: object, known: Mapping[str, Row]) -> tuple[list[Row], Faults]:
    """Return the topics of a file that are not `known` (by slug), parents first, and what is wrong with the file.

    A topic without a position has its place in the file.
    """
    if not isinstance(content, list):
        return [], {"文件": "须为主题的列表"}
    rows, faults = _topic_rows(content)
    faults |= _repetitions(rows)
    if faults:
        return [], faults
    new = {row["slug"]: row for row in rows if row["slug"] not in known}
    together = {**known, **new}
    if len(together) > vocabulary.MOST_TOPICS:
        return [], {"文件": f"最多 {vocabulary.MOST_TOPICS} 个主题"}
    in_order = sorted(new.values(), key=lambda row: _depth(row["slug"], together) or 0)
    return in_order, _tree_faults(new, together)


def _topic_rows(content: Sequence[object]) -> tuple[list[Row], Faults]:
    """Return what of a file is a topic, looked at alone, and what keeps the others from being one."""
    rows: list[Row] = []
    faults: Faults = {}
    for place, value in enumerate(content, 1):
        if not isinstance(value, dict):
            faults[f"第{place}项"] = "须为对象"
        elif fault := _name_fault(value) or _type_fault(value) or _value_fault(value):
            faults[f"第{place}项"] = fault
        else:
            rows.append({"parent": None, "position": place - 1, **value})
    return rows, faults


def _tree_faults(new: Mapping[str, Row], together: Mapping[str, Row]) -> Faults:
    circles = {slug: "主题不能是自己的上级或下级" for slug in new if _depth(slug, together) is None}
    if circles:
        # what follows walks up and down the trees: it needs trees
        return circles
    faults: Faults = {}
    for slug, row in new.items():
        others = {other: topic for other, topic in together.items() if other != slug}
        for field, fault in vocabulary.faults_of_topic(row, others).items():
            faults[f"{slug} 的 {field}"] = fault
    return faults


def words(content: object) -> tuple[list[Sequence[str]], Faults]:
    """Return the groups of words of a file of synonyms, and what is no such group."""
    if not isinstance(content, list):
        return [], {"文件": "须为同义词组的列表"}
    wrong = {
        f"第{place}组": "须为词语的列表"
        for place, group in enumerate(content, 1)
        if not isinstance(group, list) or not all(isinstance(word, str) for word in group)
    }
    return ([] if wrong else content), wrong


def _name_fault(row: Row) -> str | None:
    unknown = [name for name in row if name not in _TOPIC]
    if unknown:
        return f"有未知的字段：{'、'.join(name[:LONGEST_NAME] for name in unknown[:5])}"
    missing = [name for name in _NEEDED if name not in row]
    return f"缺少：{'、'.join(missing)}" if missing else None


def _type_fault(row: Row) -> str | None:
    wrong = [name for name, value in row.items() if isinstance(value, bool) or not isinstance(value, _TOPIC[name])]
    return f"类型不正确：{'、'.join(wrong)}" if wrong else None


def _value_fault(row: Row) -> str | None:
    name = row["name"]
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable() or name != name.strip():
        return f"name 须为 1 至 {LONGEST_NAME} 个文字，首尾没有空格，不含控制字符"
    if not 0 <= row.get("position", 0) <= LAST_POSITION:
        return f"position 须为 0 至 {LAST_POSITION} 的整数"
    return None


def _repetitions(rows: Sequence[Row]) -> Faults:
    slugs = [row["slug"] for row in rows]
    return (
        {slug: "文件中有重复的主题代号" for slug in slugs if slugs.count(slug) > 1}
        if len(set(slugs)) < len(slugs)
        else {}
    )


def _depth(slug: str, rows: Mapping[str, Row]) -> int | None:
    """Return how many topics are above one; None where it is above itself. Without a known parent it is a root."""
    above: set[str] = set()
    at: str | None = slug
    while at is not None and at in rows:
        if at in above:
            return None
        above.add(at)
        at = rows[at]["parent"]
    return len(above)
