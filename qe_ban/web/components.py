"""Named components of the API document: one name for each vocabulary and pattern, however often it occurs."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from qe_ban.kernel import patterns, texts
from qe_ban.web import fields, paging

Node = dict[str, Any]

OPEN: Final = "x-extensible-enum"
"""The words known today of a vocabulary that may grow; a client takes others, too."""
_SCHEMAS: Final = "#/components/schemas/"
_NULL: Final = {"type": "null"}

PATTERNS: Final[Mapping[str, tuple[str, str]]] = {
    texts.ALLOWED_PATTERN: ("Line", "Text of one line, without characters that nobody sees."),
    texts.ALLOWED_IN_LINES: ("Lines", "Text of several lines, without characters that nobody sees."),
    f"^(?:{patterns.SLUG})$": ("Slug", "What a thing is named by in addresses: small letters, digits, hyphens."),
    f"^(?:{patterns.DISTRICT})$": ("DistrictCode", "A district's code (GB/T 2260)."),
    f"^(?:{patterns.USCC})$": ("DepartmentCode", "A department's unified social credit code (GB 32100)."),
    f"^(?:{patterns.DATE})$": ("Date", "A day of the city's calendar, as YYYY-MM-DD."),
    f"^(?:{patterns.COLOUR})$": ("Colour", "A colour as `#rrggbb`, in small letters."),
    f"^(?:{patterns.MEDIA})$": ("PictureDigest", "A picture, by the SHA-256 of its content."),
    f"^(?:{patterns.ENTRY})$": ("ItemCode", "A service item's basic or implementation code."),
    f"^(?:{paging.CURSOR_PATTERN})$": ("Cursor", "Where a page begins: `next` of the page before, as it is."),
    f"^{fields.ID_PATTERN}$": ("Id", "An opaque id."),
}
"""The patterns that many fields share, with the names and meanings of their components."""
PROSE: Final = frozenset({texts.ALLOWED_PATTERN, texts.ALLOWED_IN_LINES})
"""What an answer need not say: it tells a client which characters we refuse."""


class NameTaken(ValueError):
    """Two different shapes of the document have one name."""


class Registry:
    """The components of one document; a name stands for one shape."""

    def __init__(self, schemas: dict[str, Node]) -> None:
        self.schemas = schemas

    def add(self, name: str, shape: Node) -> Node:
        """Return the reference to a component of this name and shape. Raises NameTaken."""
        if self.schemas.setdefault(name, shape) != shape:
            raise NameTaken(f"two shapes of the API document are called {name}: give one of them another name")
        return reference(name)

    def vocabulary(self, name: str, words: Iterable[str], *, is_open: bool) -> Node:
        """Return the reference to a vocabulary: closed in requests (`...Choice`), open in answers."""
        entries = list(words)
        if is_open:
            return self.add(name, {"type": "string", OPEN: entries, "description": _open_words(entries)})
        return self.add(f"{name}Choice", {"type": "string", "enum": entries})

    def pattern(self, pattern: str, format_: str | None) -> Node:
        """Return the reference to a shared pattern."""
        name, description = PATTERNS[pattern]
        shape: Node = {"type": "string", "pattern": pattern, "description": description}
        if format_ is not None:
            shape["format"] = format_
        return self.add(name, shape)


def reference(name: str) -> Node:
    """Return the reference to a schema."""
    return {"$ref": _SCHEMAS + name}


def references(node: Any) -> Iterable[str]:
    """Yield the names of all schemas that a part of the document refers to, itself only."""
    if isinstance(node, dict):
        target = node.get("$ref")
        if isinstance(target, str) and target.startswith(_SCHEMAS):
            yield target.removeprefix(_SCHEMAS)
        for inner in node.values():
            yield from references(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from references(inner)


def closure(schemas: Mapping[str, Node], roots: Iterable[str]) -> frozenset[str]:
    """Return all schemas that can be reached from some."""
    names: set[str] = set()
    waiting = list(roots)
    while waiting:
        name = waiting.pop()
        if name not in names and name in schemas:
            names.add(name)
            waiting += references(schemas[name])
    return frozenset(names)


def nullable(node: Node, *, is_nullable: bool) -> Node:
    """Return a reference with what is said beside it, and null where that may be."""
    if not is_nullable:
        return node
    beside = {key: value for key, value in node.items() if key != "$ref"}
    return {"anyOf": [{"$ref": node["$ref"]}, dict(_NULL)], **beside}


def vocabulary_name(prop: str) -> str:
    """Return how the vocabulary of a field is called where nobody named it: `audiences` is `Audience`."""
    singular = re.sub(r"ies$", "y", prop) if prop.endswith("ies") else prop.removesuffix("s")
    return "".join(word.capitalize() for word in singular.split("_"))


def _open_words(words: Iterable[str]) -> str:
    return f"Known today: {', '.join(words)}. More may come: take a word that you do not know, too."
