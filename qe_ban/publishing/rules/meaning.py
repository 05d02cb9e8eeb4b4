"""Finds in text with tags what would mean something else once its tags are gone: that is refused, not cleaned."""

from collections.abc import Callable, Mapping
from html.parser import HTMLParser
from typing import Final

from qe_ban.publishing.rules.markup import VOID, Attributes, styles

_STRIKE_THROUGH: Final = "删除线"
_RUBY: Final = "注音"
_INVISIBLE_TEXT: Final = "隐藏的文字"
_LIST_NUMBER: Final = "自定编号的列表"
_QUOTE: Final = "引号标签（<q>）"
_RIGHT_TO_LEFT: Final = "从右至左排列的文字"
_FORM: Final = "表单控件的内容"
_FORMULA: Final = "公式"

REFUSED: Final = frozenset(
    {
        "s",
        "del",
        "strike",
        "ruby",
        "rb",
        "rt",
        "rp",
        "q",
        "bdo",
        "select",
        "textarea",
        "math",
        "meter",
        "progress",
        "input",
    }
)
"""Elements that are looked at here, beside those that `markup` knows."""
ATTRIBUTES: Final = frozenset({"style", "dir", "hidden", "start", "reversed", "type", "value", "open"})

_BY_TAG: Final[Mapping[str, str]] = {
    **dict.fromkeys(("s", "del", "strike"), _STRIKE_THROUGH),
    **dict.fromkeys(("select", "textarea", "meter", "progress"), _FORM),
    "ruby": _RUBY,
    "q": _QUOTE,
    "math": _FORMULA,
}
_NO_NUMBERS: Final = (
    "none",
    "alpha",
    "latin",
    "roman",
    "greek",
    "cjk",
    "chinese",
    "ideographic",
    "disc",
    "circle",
    "square",
)
_UNSEEN_INPUTS: Final = ("hidden", "file", "image", "password")
_ZERO: Final = ("0", "0px", "0pt", "0em", "0%", "0.0")

Style = Mapping[str, str]


def changes(text: str) -> list[str]:
    """Return in Chinese what of a parsed text would read otherwise without its tags, each sort once."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    return list(dict.fromkeys(reader.reasons))


class _Reader(HTMLParser):
    """Notes the reasons of the open elements once text stands in them: what is empty says nothing."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.reasons: list[str] = []
        self._open: list[tuple[str, bool]] = []
        self._waiting: list[list[str]] = []

    def handle_starttag(self, tag: str, attrs: Attributes) -> None:
        values = dict(attrs)
        if tag == "input":
            self._input(values)
        if tag in VOID:
            return
        parent = self._open[-1][0] if self._open else ""
        reasons = [reason for find in _FINDERS if (reason := find(tag, parent, values, styles(attrs)))]
        self._open.append((tag, bool(reasons)))
        if reasons:
            self._waiting.append(reasons)

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID or not self._open:
            return
        if self._open.pop()[1]:
            self._waiting.pop()

    def handle_data(self, data: str) -> None:
        if self._waiting and data.strip():
            for reasons in self._waiting:
                self.reasons += reasons
                # once is enough, and keeps a deep text cheap
                reasons.clear()

    def _input(self, attributes: Mapping[str, str | None]) -> None:
        kind = (attributes.get("type") or "text").lower()
        if kind in ("checkbox", "radio") or (kind not in _UNSEEN_INPUTS and (attributes.get("value") or "").strip()):
            self.reasons.append(_FORM)


def _by_tag(tag: str, _parent: str, _attributes: Mapping[str, str | None], _style: Style) -> str | None:
    return _BY_TAG.get(tag)


def _strike_through(_tag: str, _parent: str, _attributes: Mapping[str, str | None], style: Style) -> str | None:
    decorations = (style.get("text-decoration", ""), style.get("text-decoration-line", ""))
    return _STRIKE_THROUGH if any("line-through" in decoration for decoration in decorations) else None


def _invisible_text(tag: str, _parent: str, attributes: Mapping[str, str | None], style: Style) -> str | None:
    unseen = (
        "hidden" in attributes
        or (tag == "dialog" and "open" not in attributes)
        or style.get("display") == "none"
        or style.get("visibility") in ("hidden", "collapse")
        or style.get("mso-hide") == "all"
        or style.get("font-size") in _ZERO
        or style.get("opacity") in _ZERO
    )
    return _INVISIBLE_TEXT if unseen else None


def _list_number(tag: str, parent: str, attributes: Mapping[str, str | None], style: Style) -> str | None:
    is_item = tag == "li" and parent == "ol"
    if is_item and (attributes.get("value") or "").strip():
        return _LIST_NUMBER
    return _LIST_NUMBER if (is_item or tag == "ol") and _has_own_numbers(attributes, style) else None


def _has_own_numbers(attributes: Mapping[str, str | None], style: Style) -> bool:
    """Return whether a list, or an item, is numbered otherwise than 1, 2, 3."""
    mark = f"{style.get('list-style', '')} {style.get('list-style-type', '')}"
    return (
        (attributes.get("start") or "1").strip() != "1"
        or "reversed" in attributes
        or (attributes.get("type") or "1").strip() not in ("1", "decimal")
        or any(word in mark for word in _NO_NUMBERS)
    )


def _right_to_left(_tag: str, _parent: str, attributes: Mapping[str, str | None], style: Style) -> str | None:
    is_rtl = (attributes.get("dir") or "").strip().lower() == "rtl" or style.get("direction") == "rtl"
    return _RIGHT_TO_LEFT if is_rtl else None


_FINDERS: Final[tuple[Callable[[str, str, Mapping[str, str | None], Style], str | None], ...]] = (
    _by_tag, _strike_through, _invisible_text, _list_number, _right_to_left,
)  # fmt: skip
