"""Cleans text with tags: a short list of tags stays, and of attributes only where a link leads."""

import html
import re
from collections import Counter
from collections.abc import Collection
from functools import lru_cache
from typing import Final

import nh3

from qe_ban.kernel import texts
from qe_ban.publishing.rules import links

TAGS: Final = frozenset(
    {"p", "br", "strong", "em", "ul", "ol", "li", "h3", "h4", "a", "blockquote", "table", "thead", "tbody", "tr"}
    | {"th", "td"}
)
_REL: Final = "noopener noreferrer"
_WITH_CONTENT: Final = frozenset(
    {"script", "style", "template", "noscript", "noembed", "noframes", "iframe", "object", "textarea", "title", "xmp"}
)
"""Go with what stands between their tags: it is not meant to be read."""
_ROUNDS: Final = 4
"""Once is enough but for what taking out hidden characters, or a parser's repairs, bring together."""

_TAG: Final = re.compile(r"<([a-zA-Z/!?][^\s<>/]*)([^<>]*)>?")
_HREF: Final = re.compile(r'<a href="([^"<>]*)"')
_ATTRIBUTES: Final = re.compile(r"""\s+|\s*rel\s*=\s*["']?noopener noreferrer["']?|["'/]""")


def clean(text: str, hosts: Collection[str] | None = None) -> str:
    """Give what may be shown of a text with tags; cleaning that again changes nothing.

    Links stay only where `hosts` allow it (None: anywhere by https); what they say stays always.
    """
    return _cleaned(text, None if hosts is None else tuple(hosts))


@lru_cache(maxsize=128)
def _cleaned(text: str, hosts: tuple[str, ...] | None) -> str:
    """Clean. Saving a page wants the same text several times, and a hostile one takes a tenth of a second."""
    cleaner = _cleaner(hosts)
    for _ in range(_ROUNDS):
        cleaned = texts.FORBIDDEN_IN_LINES.sub("", cleaner.clean(text))
        if cleaned == text:
            return cleaned
        text = cleaned
    # what does not come to rest is nothing that a person wrote
    return html.escape(words(text), quote=False)


def takes_out(text: str, hosts: Collection[str] | None = None) -> bool:
    """Tell whether cleaning takes out something that was written, rather than only write the same otherwise."""
    cleaned = clean(text, hosts)
    return cleaned != text and (
        "".join(words(text).split()) != "".join(words(cleaned).split())
        or bool(Counter(_written(text)) - Counter(_written(cleaned)))
    )


def hrefs(cleaned: str) -> list[str]:
    """Give where the links of a cleaned text lead, in their order."""
    return [html.unescape(href) for href in _HREF.findall(cleaned)]


def words(cleaned: str) -> str:
    """Give a cleaned text without its tags."""
    return html.unescape(_TAG.sub("", cleaned))


def _cleaner(hosts: Collection[str] | None) -> nh3.Cleaner:
    def kept(tag: str, name: str, value: str) -> str | None:
        allowed = value == _REL if name == "rel" else links.is_allowed(value, hosts)
        return value if tag == "a" and allowed else None

    return nh3.Cleaner(
        tags=set(TAGS),
        clean_content_tags=set(_WITH_CONTENT),
        attributes={"a": {"href"}},
        attribute_filter=kept,
        url_schemes={"https"},
        url_relative="deny",
        link_rel=_REL,
        strip_comments=True,
    )


def _written(text: str) -> list[tuple[str, str]]:
    """Give the tags of a text with their attributes, without what cleaning itself adds or writes otherwise."""
    return [
        (name.lower(), _ATTRIBUTES.sub("", html.unescape(attributes)))
        for name, attributes in _TAG.findall(text)
        if not name.startswith("/")
    ]
