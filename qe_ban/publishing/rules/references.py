"""What a page refers to, found by its fields; and the page dressed with what that names."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from qe_ban.kernel.shapes import Field, Kind
from qe_ban.publishing.rules import rich
from qe_ban.publishing.rules.blocks import TYPES, BlockType
from qe_ban.publishing.rules.walking import told_fields

MEDIA: Final = "media"
ITEM: Final = "item"
LINK: Final = "link"
_SORTS: Final = {Kind.MEDIA: MEDIA, Kind.ENTRY: ITEM}

Found = Mapping[str, Mapping[str, Any]]
"""What stands, by the sort of a reference and its key."""


@dataclass(frozen=True, slots=True)
class Reference:
    """One reference: its sort (item, app, place, media, zone, code_kind, link), what it names, and where it stands.

    When a required one falls, its row (or block) falls with it.
    """

    sort: str
    key: str
    place: str
    required: bool


def references(content: Mapping[str, Any]) -> list[Reference]:
    """Give every reference of a content that is without errors, in the order of the page; a key as often as it stands.

    Links in text with tags are told at the text's place. An event's stream is none: it only runs with the event.
    """
    banner = content.get("banner")
    found = [Reference(MEDIA, banner, "banner", required=False)] if banner else []
    for one in told_fields(content):
        found.extend(_of(one.place, one.field, one.value))
    return found


def dressed(content: Mapping[str, Any], found: Found) -> list[dict[str, Any]]:
    """Give a content's blocks with every reference but links replaced by what it names.

    Rows, and blocks, whose required reference does not stand are left out; an optional one becomes null; of several
    those remain that stand. Blocks of no known type are left out.
    """
    made = (_block(TYPES[block["type"]], block, found) for block in content.get("blocks") or () if _known(block))
    return [block for block in made if block is not None]


def dressed_media(digest: str | None, found: Found) -> Any:
    """Give what stands for one picture, such as a content's `banner`; None where none is named or it is gone."""
    return found.get(MEDIA, {}).get(digest) if digest else None


def _known(block: Mapping[str, Any]) -> bool:
    return block["type"] in TYPES


def _of(place: str, field: Field, value: Any) -> Iterator[Reference]:
    sort = _sort(field)
    if sort is not None:
        if field.kind is Kind.SLUGS:
            for number, key in enumerate(value):
                yield Reference(sort, key, f"{place}.{number}", field.required)
        else:
            yield Reference(sort, value, place, field.required)
    elif field.kind is Kind.LINK and not field.refers:
        yield Reference(LINK, value, place, required=False)
    elif field.kind is Kind.RICH:
        for href in dict.fromkeys(rich.hrefs(value)):
            yield Reference(LINK, href, place, required=False)


def _sort(field: Field) -> str | None:
    if field.kind in (Kind.SLUG, Kind.SLUGS):
        return field.refers or None
    return _SORTS.get(field.kind)


def _block(block_type: BlockType, block: Mapping[str, Any], found: Found) -> dict[str, Any] | None:
    made = _row(block_type.fields, block, found)
    if made is None:
        return None
    for table in block_type.tables:
        rows = (_row(table.fields, row, found) for row in block.get(table.name) or ())
        made[table.name] = [row for row in rows if row is not None]
    return made


def _row(fields: Iterable[Field], row: Mapping[str, Any], found: Found) -> dict[str, Any] | None:
    made = dict(row)
    for field in fields:
        sort, value = _sort(field), row.get(field.name)
        if sort is None or not value:
            continue
        standing = found.get(sort, {})
        if field.kind is Kind.SLUGS:
            made[field.name] = [standing[key] for key in value if key in standing]
        else:
            made[field.name] = standing.get(value)
        if field.required and not made[field.name]:
            return None
    return made
