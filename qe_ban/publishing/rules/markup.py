"""Rewrites HTML into the few tags that pages keep, so that lines, emphasis and raised digits stay what they are.

Works on what an HTML parser wrote (every tag closed, every attribute quoted); the cleaner of `rich` runs after it.
"""

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from html.parser import HTMLParser
from typing import Final

RENAMES: Final[Mapping[str, str]] = {
    "h1": "h3", "h2": "h3", "h5": "h4", "h6": "h4", "b": "strong", "i": "em", "tfoot": "tbody",
    "menu": "ul", "dir": "ul",
}  # fmt: skip
BLOCKS: Final = frozenset(
    {"address", "article", "aside", "caption", "center", "dd", "details", "dialog", "div", "dl", "dt", "fieldset"}
    | {"figcaption", "figure", "footer", "form", "header", "hgroup", "legend", "listing", "main", "nav", "optgroup"}
    | {"option", "pre", "search", "section", "summary"}
)
"""Elements that begin and end a line, and of which nothing else is kept: they become paragraphs."""
DISCARDS: Final = frozenset(
    {"abbr", "acronym", "bdi", "big", "button", "cite", "code", "data", "dfn", "font", "ins", "kbd", "label", "mark"}
    | {"nobr", "output", "samp", "small", "span", "time", "tt", "u", "var"}
)
"""Elements within a line of which only the content stays, unless their style says what a kept one says."""
VOID: Final = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
)
SPAN: Final = re.compile(r"[2-9]|[1-9][0-9]|100", re.ASCII)
"""Over how many columns or rows a cell goes."""

_PHRASES: Final = frozenset({"p", "h3", "h4"})
_CONTAINERS: Final = frozenset({"li", "td", "th", "blockquote"})
_STRUCTURES: Final = frozenset({"ul", "ol", "table", "thead", "tbody", "tr"})
_INLINE: Final = frozenset({"strong", "em", "sup", "sub", "a"})
_RAW: Final = frozenset({"textarea"})
"""Stay as they are: the cleaner takes them out with their content."""
_PREFORMATTED_TAGS: Final = frozenset({"pre", "listing"})
_ASCII_SPACE: Final = " \t\n\r\f"
_CELL_PARTS: Final = re.compile(r"<(/?)(table|caption|thead|tbody|tfoot|tr|td|th)(?![a-z0-9-])", re.IGNORECASE)

Attributes = Sequence[tuple[str, str | None]]


class _Context(Enum):
    """What may stand where the parser is: paragraphs that we begin, paragraphs or text, parts of a list or table."""

    GENERIC = "generic"
    CONTAINER = "container"
    STRUCTURE = "structure"
    PHRASE = "phrase"


@dataclass(frozen=True, slots=True)
class _Element:
    """An open element: what closes it, and what may stand in it. `block`: a line ends where it does."""

    closing: str
    context: _Context
    block: bool
    is_preformatted: bool


def rewrite(text: str) -> str:
    """Return parsed HTML in kept tags: other blocks as paragraphs, other headings, bold and italics by kept names."""
    rewriter = _Rewriter()
    rewriter.feed(text)
    rewriter.close()
    return "".join(rewriter.output)


def without_stray_cells(text: str) -> str:
    """Return HTML with cells that stand in no table as blocks: a parser would drop their tags and join the words."""
    depth = 0

    def replace(match: re.Match[str]) -> str:
        nonlocal depth
        end, name = match.groups()
        if name.lower() == "table":
            depth = max(0, depth + (-1 if end else 1))
            return match[0]
        return match[0] if depth else f"<{end}div"

    return _CELL_PARTS.sub(replace, text)


def styles(attributes: Attributes) -> dict[str, str]:
    """Return the declarations of a style attribute, in small letters."""
    text = next((value for name, value in attributes if name == "style" and value), "")
    pairs = (declaration.partition(":") for declaration in text.lower().split(";"))
    return {name.strip(): value.replace("!important", "").strip() for name, _, value in pairs if name.strip()}


class _Rewriter(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.output: list[str] = []
        self._stack = [_Element("", _Context.CONTAINER, block=True, is_preformatted=False)]
        self._in_paragraph = False
        """A paragraph of ours is open in the innermost block that became paragraphs."""
        self._line_has_text = self._line_ended = False

    def handle_starttag(self, tag: str, attrs: Attributes) -> None:
        if tag in VOID:
            self._void(tag)
            return
        style = styles(attrs)
        name, top = _kept_name(tag, style), self._stack[-1]
        is_preformatted = (
            top.is_preformatted or tag in _PREFORMATTED_TAGS or style.get("white-space", "").startswith("pre")
        )
        if tag in BLOCKS or (
            name is None and style.get("display", "") in ("block", "flex", "grid", "table", "list-item")
        ):
            self._open_block(is_preformatted=is_preformatted)
        elif name is None:
            self._stack.append(_Element("", top.context, block=False, is_preformatted=is_preformatted))
        elif name in _INLINE:
            self._begin_paragraph()
            self._open(name, attrs, _Context.PHRASE, block=False, is_preformatted=is_preformatted)
        else:
            self._end_paragraph()
            self._open(name, attrs, _context_of(name), block=True, is_preformatted=is_preformatted)

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID or len(self._stack) == 1:
            return
        element = self._stack.pop()
        if element.block:
            if element.context is _Context.GENERIC:
                self._end_paragraph()
            if element.closing:
                self._line_has_text = self._line_ended = False
            else:
                self._line_ended = True
        self.output.append(element.closing)

    def handle_data(self, data: str) -> None:
        if data.strip(_ASCII_SPACE):
            self._begin_paragraph()
            if self._line_ended and self._line_has_text and self._stack[-1].context is _Context.PHRASE:
                self.output.append("<br>")
            self._line_ended, self._line_has_text = False, True
        elif self._stack[-1].context is _Context.GENERIC and not self._in_paragraph:
            self.output.append(data)
            return
        text = html.escape(data, quote=False).replace("\u00a0", "&nbsp;")
        self.output.append(text.replace("\n", "<br>") if self._stack[-1].is_preformatted else text)

    def _void(self, tag: str) -> None:
        if tag == "br":
            self._begin_paragraph()
            self.output.append("<br>")
            self._line_has_text = self._line_ended = False
        elif tag == "hr":
            self._end_paragraph()
            if self._stack[-1].context is _Context.CONTAINER and self._line_has_text:
                self.output.append("<br>")
            self._line_ended = True

    def _open_block(self, *, is_preformatted: bool) -> None:
        if self._stack[-1].context is _Context.PHRASE:
            # no paragraph may stand here: its line ends by a break
            self._line_ended = True
            context = _Context.PHRASE
        else:
            self._end_paragraph()
            context = _Context.GENERIC
        self._stack.append(_Element("", context, block=True, is_preformatted=is_preformatted))

    def _open(self, name: str, attrs: Attributes, context: _Context, *, block: bool, is_preformatted: bool) -> None:
        self.output.append(f"<{name}{_attributes(name, attrs)}>")
        if block:
            self._line_has_text = self._line_ended = False
        self._stack.append(_Element(f"</{name}>", context, block=block, is_preformatted=is_preformatted))

    def _begin_paragraph(self) -> None:
        if self._stack[-1].context is _Context.GENERIC and not self._in_paragraph:
            self.output.append("<p>")
            self._in_paragraph, self._line_has_text, self._line_ended = True, False, False

    def _end_paragraph(self) -> None:
        if self._stack[-1].context is not _Context.PHRASE and self._in_paragraph:
            self.output.append("</p>")
            self._in_paragraph = False


def _kept_name(tag: str, style: Mapping[str, str]) -> str | None:
    """Return by which kept name an element goes, by its tag or as it looks; None where only its content stays."""
    name = RENAMES.get(tag, tag)
    if name in ("strong", "em"):
        plain = style.get("font-weight" if name == "strong" else "font-style") in ("normal", "400")
        return None if plain else name
    if name in _PHRASES | _CONTAINERS | _STRUCTURES | _INLINE | _RAW:
        return name
    if style.get("vertical-align") in ("super", "sub"):
        return "sup" if style["vertical-align"] == "super" else "sub"
    if style.get("font-weight") in ("bold", "bolder", "600", "700", "800", "900"):
        return "strong"
    return "em" if style.get("font-style") == "italic" else None


def _context_of(name: str) -> _Context:
    if name in _CONTAINERS:
        return _Context.CONTAINER
    return _Context.STRUCTURE if name in _STRUCTURES else _Context.PHRASE


def _attributes(name: str, attrs: Attributes) -> str:
    parts = []
    for attribute, value in attrs:
        text = (value or "").strip()
        is_span = name in ("td", "th") and attribute in ("colspan", "rowspan") and SPAN.fullmatch(text)
        if is_span or (name == "a" and attribute == "href" and text):
            parts.append(f' {attribute}="{html.escape(text)}"')
    return "".join(parts)
