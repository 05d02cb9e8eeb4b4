"""Cleans text with tags: a short list of tags stays, and of attributes only links and the spans of cells."""

import html
import re
from collections import Counter
from collections.abc import Collection, Iterator
from functools import lru_cache
from typing import Final, NamedTuple

import nh3

from qe_ban.kernel import texts
from qe_ban.publishing.rules import links, markup, meaning

TAGS: Final = frozenset(
    {"p", "br", "strong", "em", "sup", "sub", "ul", "ol", "li", "h3", "h4", "a", "blockquote"}
    | {"table", "thead", "tbody", "tr", "th", "td"}
)
_REL: Final = "noopener noreferrer"
_WITH_CONTENT: Final = frozenset(
    {"script", "style", "template", "noscript", "noembed", "noframes", "iframe", "object", "textarea", "title", "xmp"}
)
"""Go with what stands between their tags: it is not meant to be read."""
_ROUNDS: Final = 5
"""One or two are enough but for what taking out hidden characters, or a parser's repairs, bring together."""
_MAX_GROWTH: Final = 200_000
"""Characters of a parsed text: a parser repeats open tags in every paragraph, so a hostile one grows without bound."""
_MAX_LABELS: Final = 10
_LABEL_LENGTH: Final = 80
_MAX_ATTRIBUTES: Final = 3

_TAG: Final = re.compile(r"<([a-zA-Z/!?][^\s<>/]*)([^<>]*)>?")
_HREF: Final = re.compile(r'<a href="([^"<>]*)"')
_ATTRIBUTES: Final = re.compile(r"""\s+|\s*rel\s*=\s*["']?noopener noreferrer["']?|["'/]""")
_PAIRS: Final = re.compile(r"""([a-zA-Z][a-zA-Z0-9:_-]*)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"']+)))?""")
_STRUCK_STYLE: Final = re.compile(r"<style\b[^>]*>[^<]*line-through", re.IGNORECASE)
_SILENT: Final = markup.BLOCKS | {"span", "tbody"}
"""What goes without a word: a block became a paragraph, a bare span says nothing."""


def clean(text: str, hosts: Collection[str] | None = None) -> str:
    """Return what may be shown of a text with tags; cleaning that again changes nothing.

    Links stay only where `hosts` allow it (None: anywhere by https); what they say stays always.
    """
    return _clean(text, None if hosts is None else tuple(hosts))


@lru_cache(maxsize=128)
def _clean(text: str, hosts: tuple[str, ...] | None) -> str:
    """Clean. Saving a page wants the same text several times, and a hostile one takes a tenth of a second."""
    cleaner = _cleaner(hosts)
    for _ in range(_ROUNDS):
        html_text = _parse(text)
        plain_markup = text if html_text is None else markup.rewrite(html_text)
        clean_text = texts.FORBIDDEN_IN_LINES.sub("", cleaner.clean(plain_markup))
        if clean_text == text:
            return clean_text
        text = clean_text
    # what does not come to rest is nothing that a person wrote
    return html.escape(words(text), quote=False)


@lru_cache(maxsize=128)
def meaning_changes(text: str) -> tuple[str, ...]:
    """Return in Chinese what of a text would mean something else once it is cleaned: it must not be saved so."""
    html_text = _parse(text)
    if html_text is None:
        return ("过多的嵌套标签",)
    strike_throughs = ["样式表中的删除线"] if _STRUCK_STYLE.search(text) else []
    return (*strike_throughs, *meaning.changes(html_text))


def takes_out(text: str, hosts: Collection[str] | None = None) -> bool:
    """Return whether cleaning takes out something that was written, rather than only write the same otherwise."""
    return bool(removals(text, hosts))


def removals(text: str, hosts: Collection[str] | None = None) -> list[str]:
    """Return the names of what cleaning takes out of a text: tags, attributes, addresses of links."""
    clean_text = clean(text, hosts)
    if clean_text == text:
        return []
    tags = list(_tags_of(text))
    attributes = {(tag.name, tag.plain): tag.attributes for tag in tags}
    missing = Counter(tag[:2] for tag in tags) - Counter(tag[:2] for tag in _tags_of(clean_text))
    labels = list(dict.fromkeys(label for key in missing for label in _labels(key[0], attributes[key])))
    if not labels and "".join(words(text).split()) != "".join(words(clean_text).split()):
        labels = ["部分文字"]
    if len(labels) > _MAX_LABELS:
        labels[_MAX_LABELS - 1 :] = [f"另外 {len(labels) - _MAX_LABELS + 1} 处"]
    return labels


def hrefs(text: str) -> list[str]:
    """Return where the links of a cleaned text lead, in their order."""
    return [html.unescape(href) for href in _HREF.findall(text)]


def words(text: str) -> str:
    """Return a cleaned text without its tags."""
    return html.unescape(_TAG.sub("", text))


def _parse(text: str) -> str | None:
    """Return a text as an HTML parser understands it, with all tags that matter; None where that is too long."""
    html_text = _PARSER.clean(markup.without_stray_cells(text))
    return html_text if len(html_text) <= _MAX_GROWTH else None


_PARSER: Final = nh3.Cleaner(
    tags=set(TAGS | markup.BLOCKS | markup.DISCARDS | markup.RENAMES.keys() | meaning.REFUSED | {"hr"}),
    clean_content_tags=set(_WITH_CONTENT - meaning.REFUSED),
    attributes={
        "*": set(meaning.ATTRIBUTES),
        "a": {"href"},
        "td": {"colspan", "rowspan"},
        "th": {"colspan", "rowspan"},
    },
    url_schemes={"https", "http"},
    url_relative="pass_through",
    link_rel=None,
    strip_comments=True,
)
"""Only reads: what it lets through is rewritten, and then cleaned."""


def _cleaner(hosts: Collection[str] | None) -> nh3.Cleaner:
    def filter_attribute(tag: str, name: str, value: str) -> str | None:
        if tag in ("td", "th"):
            return value if markup.SPAN.fullmatch(value) else None
        is_link = value == _REL if name == "rel" else links.is_allowed(value, hosts)
        return value if tag == "a" and is_link else None

    return nh3.Cleaner(
        tags=set(TAGS),
        clean_content_tags=set(_WITH_CONTENT),
        attributes={"a": {"href"}, "td": {"colspan", "rowspan"}, "th": {"colspan", "rowspan"}},
        attribute_filter=filter_attribute,
        url_schemes={"https"},
        url_relative="deny",
        link_rel=_REL,
        strip_comments=True,
    )


class _Tag(NamedTuple):
    """A tag as it was written; `plain`: its attributes without what cleaning itself adds or writes otherwise."""

    name: str
    plain: str
    attributes: str


def _tags_of(text: str) -> Iterator[_Tag]:
    """Return the tags of a text, but for those whose loss says nothing."""
    for name, attributes in _TAG.findall(text):
        tag_name = markup.RENAMES.get(name.lower(), name.lower())
        plain = _ATTRIBUTES.sub("", html.unescape(attributes))
        if not name.startswith("/") and not (tag_name in _SILENT and not plain):
            yield _Tag(tag_name, plain, html.unescape(attributes))


def _labels(name: str, attributes: str) -> Iterator[str]:
    if name.startswith(("!", "?")):
        yield "注释"
        return
    if name not in TAGS and name not in _SILENT:
        yield f"<{name}>"[:_LABEL_LENGTH]
        return
    yield from _attribute_labels(attributes)
    if name in TAGS and not attributes.strip(" /"):
        yield f"<{name}>"


def _attribute_labels(attributes: str) -> Iterator[str]:
    for attribute, double, single, bare in _PAIRS.findall(attributes)[:_MAX_ATTRIBUTES]:
        value = double or single or bare
        if attribute.lower() == "href":
            yield f"链接 {value.strip()}"[:_LABEL_LENGTH]
        elif attribute.lower() != "rel":
            yield f"属性 {attribute}"[:_LABEL_LENGTH]
