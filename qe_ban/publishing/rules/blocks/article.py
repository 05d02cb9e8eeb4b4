"""Articles: the screen shows their beginnings, and long ones whole on a call of their own."""

import hashlib
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from qe_ban.kernel import field_types
from qe_ban.kernel.field_types import Field
from qe_ban.kernel.shapes import Fault, Table
from qe_ban.publishing.rules.blocks import parts
from qe_ban.publishing.rules.blocks.block_type import BlockType, Row

MAX_LENGTH_ON_SCREEN: Final = 2000
"""Characters of an article's body that a screen carries; a longer body is fetched by the article's `key`."""
_KEY_LENGTH: Final = 12


def key_of(title: str) -> str:
    """Return the name by which an article is fetched: 12 hexadecimal digits, the same as long as the title is."""
    return hashlib.sha256(title.encode()).hexdigest()[:_KEY_LENGTH]


def _check(block: Row) -> Iterator[Fault]:
    yield from parts.check_alternatives(block, "articles", "cover")
    titles: set[str] = set()
    for place, row in parts.rows(block, "articles"):
        title = row.get("title")
        if type(title) is str and title:
            if title in titles:
                yield Fault(f"{place}.title", "同一区块中的文章标题不得重复")
            titles.add(title)


def _render_row(row: Row, _now: datetime) -> tuple[dict[str, Any], None]:
    long = len(row["body"] or "") > MAX_LENGTH_ON_SCREEN
    return {**row, "body": None if long else row["body"], "long": long, "key": key_of(row["title"])}, None


BLOCK: Final = BlockType(
    "article",
    "文章",
    tables=(
        Table(
            "articles",
            "文章",
            "title",
            50,
            (
                Field("title", "标题", max=80, required=True),
                Field("summary", "摘要", field_types.LINES, max=300),
                Field("body", "正文", field_types.RICH, max=20000),
                Field("cover", "封面", field_types.MEDIA),
                parts.ALT,
                Field("author", "来源", max=40),
                parts.day("published_on", "发布日期"),
                parts.LINK,
            ),
        ),
    ),
    check=_check,
    render_row={"articles": _render_row},
)
